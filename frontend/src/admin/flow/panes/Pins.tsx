import { Button, IconButton } from "../../../ui/Button";
import { useStore } from "../../../ui/store";
import { useDesk } from "../desk";
import type { StepEvent } from "../trialTypes";
import { say } from "../words";
import { pin, pinnable, pinOf, pinsInUse, unpin } from "./shelf";

/** Which steps do not run because something that was kept stands in for them. */
export function PinsInUse() {
  const desk = useDesk();
  useStore(desk.shelf);
  const nodes = Object.keys(pinsInUse(desk));
  if (nodes.length === 0) return null;
  return (
    <ul className="fe-pins" aria-label={say("pins.title")}>
      {nodes.map((node) => <li key={node}>{say("pins.one", { id: node })}{!desk.readOnly && <IconButton icon="close" label={say("pins.drop", { id: node })} onClick={() => void unpin(desk, node)} />}</li>)}
    </ul>
  );
}

/** Keeps what the step gave, so that the next runs need not do it again. */
export function PinButton({ step }: { step: StepEvent }) {
  const desk = useDesk();
  const shelf = useStore(desk.shelf);
  if (desk.readOnly || !desk.source.canRun) return null;
  if (pinOf(shelf, step.node)) return <Button className="button--small" onClick={() => void unpin(desk, step.node)}>{say("pins.unpin")}</Button>;
  return pinnable(step) ? <Button className="button--small" onClick={() => void pin(desk, step)}>{say("pins.pin")}</Button> : null;
}
