import { useTranslate } from "../i18n/translate";
import { formatMoment } from "../i18n/format";
import { navigate } from "../app/router";
import { Button } from "../ui/Button";
import { Icon } from "../ui/icons";
import { Link } from "../ui/Link";
import { useTitle } from "../ui/useTitle";
import { isOver, type LiveTask } from "./progress";
import { RunPanel } from "./RunPanel";
import { StatusPill } from "./StatusPill";
import { TaskInput } from "./TaskInput";
import { useTask } from "./useTask";

export function TaskPage({ id }: { id: string }) {
  const t = useTranslate();
  const view = useTask(id);
  const heading = useTitle(view.task?.title ?? t("nav.tasks"));
  return (
    <div className="task-page">
      <Link to="/tasks" className="back"><Icon name="back" size={16} />{t("nav.tasks")}</Link>
      <header className="task-page__head">
        <h1 ref={heading} tabIndex={-1}>{view.task?.title ?? (view.error ? t("nav.tasks") : "…")}</h1>
        {view.task && <StatusPill status={view.task.status} />}
      </header>
      <div className="task-page__columns">
        <RunPanel view={view} onAgain={view.task ? () => reuse(view.task as LiveTask) : undefined} />
        {view.task && <Aside task={view.task} />}
      </div>
    </div>
  );
}

function Aside({ task }: { task: LiveTask }) {
  const t = useTranslate();
  return (
    <aside className="panel task-page__aside">
      <h2>{t("task.asked")}</h2>
      <p className="fine-print">{formatMoment(task.created_at)}</p>
      <TaskInput task={task} />
      {isOver(task.status) && <Button icon="repeat" onClick={() => reuse(task)}>{t("task.reuse")}</Button>}
    </aside>
  );
}

const reuse = (task: LiveTask) => navigate(`/f/${encodeURIComponent(task.feature)}?from=${encodeURIComponent(task.id)}`);
