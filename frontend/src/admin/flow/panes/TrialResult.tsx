import { Button } from "../../../ui/Button";
import { Icon, type IconName } from "../../../ui/icons";
import { Value } from "../../../tasks/result/ValueResult";
import { KnownFiles } from "../../../tasks/result/known";
import { QuestionForm, type Closed } from "../../../tasks/QuestionForm";
import type { Question as TaskQuestion, UiSchema } from "../../../api/types";
import { translate } from "../../../i18n/translate";
import { jumpTo, tell } from "../actions";
import { useDesk } from "../desk";
import type { Failure, Question, StepEvent } from "../trialTypes";
import { say, sayCost, saySeconds, titleOf } from "../words";
import { PinButton } from "./Pins";
import { filesIn } from "./testFiles";
import { shown, type Trial } from "./trial";

/** How the run ended, or how far it is. */
export function Outcome({ trial }: { trial: Trial }) {
  const desk = useDesk();
  if (trial.phase === "idle") return null;
  const figures = figuresOf(trial);
  return (
    <section className="fe-outcome" data-phase={trial.phase} aria-live="polite">
      <p><Icon name={ICONS[trial.phase] ?? "clock"} size={18} /><strong>{say(`trial.${trial.phase}`)}</strong>{figures.length > 0 && <small>{figures.join(" · ")}</small>}</p>
      {trial.failure && trial.phase !== "absent" && <Why failure={trial.failure} onJump={(node, field) => jumpTo(desk, node, field)} />}
      {trial.question && <Asked trial={trial.id} question={trial.question} />}
      {trial.phase === "done" && <KnownFiles value={trial.files}><Shown value={trial.output} title={say("test.output")} /></KnownFiles>}
    </section>
  );
}

/** What the run asks: here it is answered by whoever tries it. */
function Asked({ trial, question }: { trial: string; question: Question }) {
  const desk = useDesk();
  const asked = { ...question, title: titleOf(question.title, question.node) } as unknown as TaskQuestion;
  const close = (why: Closed) => {
    desk.trial.set({ ...desk.trial.get(), question: null });
    tell(desk, translate(why));
  };
  return <QuestionForm key={question.path} question={asked} ui={filesIn(question.form.schema) as UiSchema} onSend={(answer, option) => desk.api.answer(trial, question.path, answer, option)} onClosed={close} />;
}

const ICONS: Partial<Record<Trial["phase"], IconName>> = { done: "check", failed: "alert", absent: "alert" };

function figuresOf({ duration, cost, totals }: Trial): string[] {
  return [duration === null ? "" : saySeconds(duration), cost === null ? "" : sayCost(cost), totals ? say("test.calls", { n: totals.calls }) : ""].filter(Boolean);
}

/** Where it failed, why, and what to do about it. */
function Why({ failure, onJump }: { failure: Failure; onJump: (node: string, field: string) => void }) {
  const desk = useDesk();
  return (
    <div className="fe-why">
      <p>{failure.message || say("test.lost")} <code>{failure.code}</code></p>
      {failure.hint && <p className="fe-faint">{failure.hint}</p>}
      {failure.node && desk.rf.current && <Button kind="quiet" icon="forward" className="button--small" onClick={() => onJump(failure.node ?? "", failure.field ?? "")}>{say("test.toStep", { id: failure.node })}</Button>}
    </div>
  );
}

/** All steps in the order of the run. */
export function StepRows({ trial }: { trial: Trial }) {
  const desk = useDesk();
  const steps = Object.values(trial.steps);
  if (steps.length === 0) return null;
  return (
    <section>
      <h3>{say("test.steps")}</h3>
      <ol className="fe-steps">
        {steps.map((step) => (
          <li key={step.path} data-status={step.status}>
            <button type="button" onClick={() => { desk.editor.select([step.path.split("/")[0]?.split("#")[0] ?? step.node]); }}>
              <span className="fe-run" data-status={step.status} aria-hidden="true" />
              <span><strong>{step.title || step.node}</strong>{step.path !== step.node && <code>{step.path}</code>}</span>
              <small>{say(`run.${step.status}`)}{step.duration !== null && ` · ${saySeconds(step.duration)}`}{step.cost_micro > 0 && ` · ${sayCost(step.cost_micro)}`}</small>
            </button>
          </li>
        ))}
      </ol>
      {trial.lines.length > 0 && (
        <details className="fe-log"><summary>{say("test.log", { n: trial.lines.length })}</summary><pre>{trial.lines.map((line) => `${line.step} ${line.level}: ${line.text}`).join("\n")}</pre></details>
      )}
    </section>
  );
}

/** One step in full: what it was given, what it gave, what went wrong. */
export function StepResult({ step, text }: { step: StepEvent; text: string | undefined }) {
  const desk = useDesk();
  return (
    <section className="fe-result" data-status={step.status}>
      <h3>{step.title || step.node} <span className="fe-run" data-status={step.status}>{say(`run.${step.status}`)}</span></h3>
      {step.model && <p className="fe-faint">{step.model}{step.attempt > 1 ? ` · ${say("test.attempt", { n: step.attempt })}` : ""}</p>}
      {step.error && <Why failure={step.error} onJump={(node, field) => jumpTo(desk, node, field)} />}
      <KnownFiles value={step.files ?? {}}>
      <Shown value={step.input} title={say("part.inputs")} />
      {text && step.status === "running" ? <Shown value={text} title={say("test.gives")} /> : <Shown value={step.output} title={say("test.gives")} />}
      </KnownFiles>
      <PinButton step={step} />
    </section>
  );
}

function Shown({ value, title }: { value: unknown; title: string }) {
  const { value: told, cut } = shown(value as null);
  const empty = told === null || told === undefined || (typeof told === "object" && Object.keys(told).length === 0);
  if (empty) return null;
  return (
    <div className="fe-shown">
      <h4>{title}{cut && <small> {say("test.cut")}</small>}</h4>
      <Value value={told} />
    </div>
  );
}
