import { IconButton } from "../../../ui/Button";
import { usePart, look, useDesk } from "../desk";
import { Inspector } from "../inspector/Inspector";
import { PipelinePane } from "../panes/PipelinePane";
import { TestPane } from "../panes/TestPane";
import { VersionsPane } from "../panes/VersionsPane";
import { say } from "../words";

const PANES = { step: Inspector, pipeline: PipelinePane, test: TestPane, versions: VersionsPane };

/** The drawer at the side: the step in hand, the whole pipeline, a test run, or its past. */
export function SidePanel() {
  const desk = useDesk();
  const side = usePart(desk.view, (view) => view.side);
  if (!side) return null;
  const Pane = PANES[side];
  return (
    <aside className="fe-side" aria-label={say(`side.${side}`)} data-side={side}>
      <header className="fe-side__head"><h2>{say(`side.${side}`)}</h2><IconButton icon="close" label={say("dialog.close")} onClick={() => look(desk, { side: null })} /></header>
      <div className="fe-side__body"><Pane /></div>
    </aside>
  );
}
