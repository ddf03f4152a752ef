import { useEffect, useRef, useState } from "react";
import { adviceFor, ApiError } from "../api/errors";
import type { TaskError } from "../api/types";
import { useTranslate } from "../i18n/translate";
import { announce } from "../ui/announce";
import { Button } from "../ui/Button";
import { ErrorNotice } from "../ui/ErrorNotice";
import { Icon } from "../ui/icons";
import { isOver, type LiveTask } from "./progress";
import { QuestionForm, TooLate, type Closed } from "./QuestionForm";
import { ResultView } from "./result/ResultView";
import { Stepper } from "./Stepper";
import type { TaskView } from "./useTask";
import { TaskFacts } from "./TaskFacts";

/** A run from the first step to the finished sheet, in whichever state it is. */
export function RunPanel({ view, onAgain }: { view: TaskView; onAgain?: () => void }) {
  const { task, error, reload } = view;
  useSpokenProgress(task);
  const [late, setLate] = useState<Closed | null>(null);
  const close = (why: Closed) => {
    setLate(why);
    reload();
  };
  if (!task) return error ? <ErrorNotice error={error} onRetry={reload} /> : <div className="sheet sheet--blank" aria-busy="true" />;
  return (
    <div className="run">
      {error && <ErrorNotice error={error} onRetry={reload} />}
      {late && <TooLate why={late} onRead={() => setLate(null)} />}
      {!isOver(task.status) && <Running view={view} task={task} onClosed={close} />}
      {task.status === "failed" && <Failed task={task} onAgain={onAgain} />}
      {task.status === "cancelled" && <Cancelled onAgain={onAgain} />}
      {task.status === "succeeded" && <ResultView task={task} onStale={reload} />}
      {isOver(task.status) && <Afterwards task={task} />}
    </div>
  );
}

function Running({ view, task, onClosed }: { view: TaskView; task: LiveTask; onClosed: (why: Closed) => void }) {
  const t = useTranslate();
  const [cancelling, setCancelling] = useState(false);
  const cancel = () => {
    setCancelling(true);
    void view.cancel().finally(() => setCancelling(false));
  };
  const percent = Math.round(task.progress * 100);
  const asked = (task.questions ?? []).length > 0;
  return (
    <section className="sheet sheet--live crop" aria-label={t("run.title")}>
      <header className="run__head">
        <div>
          <h2>{t(asked ? "run.asked" : task.status === "queued" ? "run.queued" : task.status === "waiting_input" ? "run.waiting" : "run.running")}</h2>
          <LinkNotice link={view.link} />
        </div>
        <span className="run__percent" aria-hidden="true">{percent}<small>%</small></span>
      </header>
      <progress className="bar bar--live bar--wide" max={100} value={percent} aria-label={t("run.overall")} />
      {(task.questions ?? []).map((one) => <QuestionForm key={one.path} question={one} onSend={(answer, option) => view.answer(one.path, answer, option)} onClosed={onClosed} />)}
      <Stepper steps={task.steps} texts={task.texts} />
      <footer className="run__foot">
        <p className="fine-print">{t("run.leave")}</p>
        <Button kind="quiet" icon="close" busy={cancelling} onClick={cancel}>{t("run.cancel")}</Button>
      </footer>
    </section>
  );
}

function LinkNotice({ link }: { link: TaskView["link"] }) {
  const t = useTranslate();
  if (link === "reconnecting") return <p className="link-notice" role="status"><span className="spinner" />{t("link.reconnecting")}</p>;
  if (link === "polling") return <p className="link-notice" role="status">{t("link.polling")}</p>;
  return null;
}

function Afterwards({ task }: { task: LiveTask }) {
  return <><TaskFacts task={task} /><Steps task={task} /></>;
}

function Failed({ task, onAgain }: { task: LiveTask; onAgain?: () => void }) {
  const t = useTranslate();
  const error = asShown(task.error);
  return (
    <section className="sheet sheet--failed" role="alert">
      <Icon name="alert" size={28} />
      <h2>{t("run.failed")}</h2>
      <p>{error.message || t("error.unknown")}</p>
      <p>{t(adviceFor(error))} {t("run.notCharged")}</p>
      {error.requestId && <p className="fine-print">{t("error.requestId")} <code>{error.requestId}</code> · <code>{error.code}</code></p>}
      {onAgain && <Button kind="key" icon="repeat" onClick={onAgain}>{t("run.again")}</Button>}
    </section>
  );
}

/** Tasks fail with the catalogue's fields and no HTTP status; 500 stands for "not the person's doing". */
function asShown(error: TaskError | null): ApiError {
  return new ApiError(error ?? {}, { status: 500, requestId: null, retryAfter: null });
}

function Cancelled({ onAgain }: { onAgain?: () => void }) {
  const t = useTranslate();
  return (
    <section className="sheet sheet--quiet">
      <h2>{t("run.cancelled")}</h2>
      <p>{t("run.cancelledHint")}</p>
      {onAgain && <Button icon="repeat" onClick={onAgain}>{t("run.again")}</Button>}
    </section>
  );
}

function Steps({ task }: { task: LiveTask }) {
  const t = useTranslate();
  if (task.steps.length === 0) return null;
  return (
    <details className="disclosure" open={task.status === "failed"}>
      <summary>{t("run.steps", { n: task.steps.length })}</summary>
      <Stepper steps={task.steps} />
    </details>
  );
}

/** Says each step and the end once; the moving percentage would only be noise. */
function useSpokenProgress(task: LiveTask | null): void {
  const t = useTranslate();
  const running = task?.steps.find((step) => step.status === "running")?.title;
  const status = task?.status;
  const before = useRef(status);
  useEffect(() => {
    if (running) announce(running);
  }, [running]);
  useEffect(() => {
    if (status && before.current && before.current !== status) announce(t(`status.${status}`));
    before.current = status;
  }, [status, t]);
}
