import type { TaskSummary } from "../api/types";
import { useMenus } from "../app/menus";
import { formatMoment, formatNumber } from "../i18n/format";
import { useTranslate } from "../i18n/translate";
import { Button } from "../ui/Button";
import { ErrorNotice } from "../ui/ErrorNotice";
import { featureIcon, Icon } from "../ui/icons";
import { Link } from "../ui/Link";
import { Empty } from "../ui/Notice";
import { useTitle } from "../ui/useTitle";
import { isOver } from "./progress";
import { StatusPill } from "./StatusPill";
import { useTaskList } from "./useTaskList";

export function TasksPage() {
  const t = useTranslate();
  const heading = useTitle(t("nav.tasks"));
  const list = useTaskList();
  return (
    <div className="tasks">
      <h1 ref={heading} tabIndex={-1}>{t("nav.tasks")}</h1>
      {list.error && <ErrorNotice error={list.error} onRetry={list.reload} />}
      {list.items === null && !list.error && <div className="task-rows" aria-busy="true">{[1, 2, 3].map((n) => <div key={n} className="task-row task-row--blank" />)}</div>}
      {list.items?.length === 0 && (
        <Empty icon="clock" title={t("tasks.empty")} action={<Link className="button button--key" to="/">{t("tasks.start")}</Link>}>{t("tasks.emptyHint")}</Empty>
      )}
      {list.items && list.items.length > 0 && <ul className="task-rows">{list.items.map((item) => <Row key={item.id} item={item} />)}</ul>}
      {list.next && <Button className="tasks__more" busy={list.busy} onClick={list.more}>{t("tasks.more")}</Button>}
    </div>
  );
}

function Row({ item }: { item: TaskSummary }) {
  const t = useTranslate();
  const icon = useMenus().groups?.flatMap((group) => group.items).find((entry) => entry.feature === item.feature)?.icon ?? "";
  return (
    <li>
      <Link to={`/tasks/${encodeURIComponent(item.id)}`} className="task-row">
        <span className="task-row__thumb">{item.thumbnail ? <img src={item.thumbnail} alt="" loading="lazy" /> : <Icon name={featureIcon(icon)} size={24} />}</span>
        <span className="task-row__text">
          <strong>{item.title}</strong>
          <span>{formatMoment(item.created_at)}{item.cost ? ` · ${t("fact.credits", { n: formatNumber(item.cost) })}` : ""}</span>
          {!isOver(item.status) && <progress className="bar bar--live" max={1} value={item.progress} aria-label={t("run.overall")} />}
        </span>
        <StatusPill status={item.status} />
      </Link>
    </li>
  );
}
