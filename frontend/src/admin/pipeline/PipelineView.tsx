import { useMemo, useState } from "react";
import { currentLanguage } from "../../i18n/language";
import { useTranslate } from "../../i18n/translate";
import { Icon } from "../../ui/icons";
import { Notice } from "../../ui/Notice";
import { readSource, useLiveJson } from "../source";
import { words } from "../translated";
import { Diagram, iconOf } from "./Diagram";
import { Details } from "./Details";
import type { GraphEdge } from "./layout";

export interface PipelineNode {
  id: string;
  type: string;
  /** What the server calls the type, in the reader's language. */
  kind: string;
  title: string;
  config: Record<string, unknown>;
  inputs: Record<string, unknown>;
}

interface Graph {
  nodes: PipelineNode[];
  edges: GraphEdge[];
}

/** The pipeline as a picture; a node that is pressed shows what it is made of. */
export function PipelineView({ source, live }: { source: unknown; live: string }) {
  const t = useTranslate();
  const typed = useLiveJson(live);
  const raw = typed.value ?? source;
  const graph = useMemo(() => readGraph(raw), [raw]);
  const [chosen, setChosen] = useState<string | null>(null);
  const node = graph.nodes.find((candidate) => candidate.id === chosen);
  if (graph.nodes.length === 0) return <p className="muted">{t("admin.noNodes")}</p>;
  return (
    <div className="pipeline">
      {typed.broken && <Notice icon="pen">{t("admin.brokenGraph")}</Notice>}
      <Diagram nodes={graph.nodes} edges={graph.edges} chosen={chosen} onChoose={(id) => setChosen(id === chosen ? null : id)} />
      {node
        ? <Details node={node} icon={<Icon name={iconOf(node.type)} />} />
        : <p className="fine-print">{t("admin.pressNode")}</p>}
    </div>
  );
}

/** Drafts may be unfinished: whatever is not a node or an edge yet is left out. */
function readGraph(raw: unknown): Graph {
  const { nodes, edges } = (raw ?? {}) as { nodes?: unknown; edges?: unknown };
  const language = currentLanguage();
  const kinds = (readSource("pipeline-kinds") ?? {}) as Record<string, string>;
  const list = (value: unknown) => (Array.isArray(value) ? (value as Record<string, unknown>[]) : []);
  return {
    nodes: list(nodes).filter((node) => typeof node?.id === "string").map((node) => ({
      id: String(node.id),
      type: String(node.type ?? ""),
      kind: kinds[String(node.type)] ?? String(node.type ?? ""),
      title: words(node.title, language) || String(node.id),
      config: (node.config ?? {}) as Record<string, unknown>,
      inputs: (node.inputs ?? {}) as Record<string, unknown>,
    })),
    edges: list(edges).filter((edge) => edge?.source && edge.target) as unknown as GraphEdge[],
  };
}
