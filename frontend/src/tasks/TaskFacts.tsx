import { formatDuration, formatNumber } from "../i18n/format";
import { useTranslate } from "../i18n/translate";
import type { LiveTask } from "./progress";

/** What it cost, how long it took and who answered. */
export function TaskFacts({ task }: { task: LiveTask }) {
  const t = useTranslate();
  const facts: [string, string][] = [];
  if (task.cost !== null) facts.push([t("fact.cost"), t(task.cost === 1 ? "fact.creditsOne" : "fact.credits", { n: formatNumber(task.cost) })]);
  if (task.started_at && task.finished_at) {
    facts.push([t("fact.duration"), formatDuration(Date.parse(task.finished_at) - Date.parse(task.started_at))]);
  }
  if (task.model_used) facts.push([t("fact.model"), task.model_used]);
  facts.push([t("fact.version"), `v${task.version}`]);
  return (
    <dl className="facts">
      {facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
    </dl>
  );
}
