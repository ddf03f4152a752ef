import type { ReactNode } from "react";
import { useTranslate } from "../../i18n/translate";
import { Value } from "../../tasks/result/ValueResult";
import type { PipelineNode } from "./PipelineView";

/** One node in words: what it is, where its inputs come from, how it is set. */
export function Details({ node, icon }: { node: PipelineNode; icon: ReactNode }) {
  const t = useTranslate();
  return (
    <section className="details" aria-live="polite">
      <header>{icon}<strong>{node.title}</strong><code>{node.id}</code></header>
      <Part title={t("admin.inputs")} values={node.inputs} />
      <Part title={t("admin.settings")} values={node.config} />
    </section>
  );
}

function Part({ title, values }: { title: string; values: Record<string, unknown> }) {
  if (Object.keys(values).length === 0) return null;
  return (
    <div>
      <h3>{title}</h3>
      <Value value={values} />
    </div>
  );
}
