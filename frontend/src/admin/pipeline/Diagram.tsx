import { useEffect, useMemo, useRef } from "react";
import { useTranslate } from "../../i18n/translate";
import { Icon, type IconName } from "../../ui/icons";
import { layOut, NODE, type GraphEdge, type Route, type Spot } from "./layout";
import type { PipelineNode } from "./PipelineView";

const ICONS: Record<string, IconName> = {
  start: "play", end: "flag", prompt: "pen", llm_chat: "chat", mcp_tool: "tool", kb_retrieve: "book", condition: "split",
  transform: "wand", map: "layers", http_request: "globe", image: "image", human_input: "user", sub_pipeline: "grid",
};

/** Node types are a registry on the server: one that is new here still gets a picture. */
export const iconOf = (type: string): IconName => ICONS[type] ?? "bolt";

interface Props {
  nodes: PipelineNode[];
  edges: GraphEdge[];
  chosen: string | null;
  onChoose: (id: string) => void;
}

export function Diagram({ nodes, edges, chosen, onChoose }: Props) {
  const t = useTranslate();
  const layout = useMemo(() => layOut(nodes.map((node) => node.id), edges), [nodes, edges]);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // Where the plane is wider than the screen, its middle is where pipelines begin.
    const view = box.current;
    if (view) view.scrollLeft = (view.scrollWidth - view.clientWidth) / 2;
  }, [layout.width]);
  return (
    <div className="diagram" ref={box} tabIndex={0} role="group" aria-label={t("admin.pipeline")}>
      <ol className="diagram__plane" style={{ width: layout.width, height: layout.height }}>
        <svg className="diagram__edges" width={layout.width} height={layout.height} aria-hidden="true">
          <defs>
            <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M1 1l6 3-6 3" /></marker>
          </defs>
          {layout.routes.map((route, index) => <path key={index} d={pathOf(route.points)} markerEnd="url(#arrow)" data-when={route.when || undefined} />)}
        </svg>
        {layout.routes.map((route, index) => route.when && <EdgeLabel key={index} route={route} />)}
        {nodes.map((node) => (
          <NodeCard key={node.id} node={node} spot={layout.spots.get(node.id)} chosen={node.id === chosen} onChoose={onChoose} />
        ))}
      </ol>
    </div>
  );
}

function NodeCard({ node, spot, chosen, onChoose }: { node: PipelineNode; spot: Spot | undefined; chosen: boolean; onChoose: (id: string) => void }) {
  return (
    <li className="diagram__node" style={{ left: spot?.x, top: spot?.y, width: NODE.width, height: NODE.height }}>
      <button type="button" className="node" data-type={node.type} aria-pressed={chosen} onClick={() => onChoose(node.id)}>
        <span className="node__icon"><Icon name={iconOf(node.type)} size={18} /></span>
        <span className="node__text"><strong>{node.title}</strong><small>{node.kind}</small></span>
      </button>
    </li>
  );
}

function EdgeLabel({ route }: { route: Route }) {
  const [from, to] = route.points;
  if (!from || !to) return null;
  return <li className="diagram__when" style={{ left: from.x + (to.x - from.x) * 0.5, top: from.y + (to.y - from.y) * 0.5 }}>{route.when}</li>;
}

/** Curves between layers, straight lines through them. */
function pathOf(points: Spot[]): string {
  const [first, ...rest] = points;
  if (!first) return "";
  let before = first;
  const parts = rest.map((point, index) => {
    const bend = (point.y - before.y) / 2;
    const curve = index % 2 === 0
      ? `C${before.x} ${before.y + bend} ${point.x} ${point.y - bend} ${point.x} ${point.y}`
      : `L${point.x} ${point.y}`;
    before = point;
    return curve;
  });
  return `M${first.x} ${first.y}${parts.join("")}`;
}
