import { BaseEdge, EdgeLabelRenderer, getBezierPath, type EdgeProps } from "@xyflow/react";
import { memo } from "react";
import { Icon } from "../../../ui/icons";
import { look, useDesk, usePart, type Desk } from "../desk";
import { stepOf, type Trial } from "../panes/trial";
import type { StepEvent } from "../trialTypes";
import { say } from "../words";
import type { Line } from "./model";

/** The order of two steps. In a test run it shows whether the run went along here. */
export const StepEdge = memo(function StepEdge(props: EdgeProps<Line>) {
  const { id, source, target, sourceHandleId, data, selected, interactionWidth } = props;
  const desk = useDesk();
  const run = usePart(desk.trial, (trial) => taken(trial, source, target, sourceHandleId?.slice(4) ?? ""));
  const [path, x, y] = getBezierPath(props);
  return (
    <>
      <BaseEdge id={id} path={path} interactionWidth={interactionWidth ?? 18} className="fe-edge" data-run={run} data-change={data?.change as string | undefined} data-selected={selected || undefined} />
      {selected && !desk.readOnly && <Insert desk={desk} id={id} x={x} y={y} />}
    </>
  );
});

/** Puts a step into a selected edge. */
function Insert({ desk, id, x, y }: { desk: Desk; id: string; x: number; y: number }) {
  const open = (event: React.MouseEvent) => look(desk, { adding: { at: [x - 112, y - 32], screen: [event.clientX, event.clientY], edge: id } });
  return (
    <EdgeLabelRenderer>
      <button type="button" className="fe-insert nodrag nopan" style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }} aria-label={say("edge.insert")} title={say("edge.insert")} onClick={open}>
        <Icon name="plus" size={14} />
      </button>
    </EdgeLabelRenderer>
  );
}

function taken(trial: Trial, source: string, target: string, when: string): string | undefined {
  const [from, to] = [stepOf(trial, source), stepOf(trial, target)];
  if (!from || from.status === "running") return undefined;
  if (!leads(from, when)) return "passed";
  return to?.status === "running" ? "live" : "taken";
}

/** Whether a step that is over leads on along a way: a good one along its branch, a bad one along "error". */
function leads(from: StepEvent, when: string): boolean {
  if (from.status === "failed") return when === "error";
  return ["succeeded", "reused"].includes(from.status) && (from.branch || "") === when;
}

/** A value that passes from an output to an input, as the templates say. */
export const ValueEdge = memo(function ValueEdge(props: EdgeProps<Line>) {
  const [path] = getBezierPath(props);
  return <BaseEdge id={props.id} path={path} interactionWidth={0} className="fe-edge fe-edge--value" />;
});
