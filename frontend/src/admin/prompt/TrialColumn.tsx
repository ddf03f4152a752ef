import { useState } from "react";
import type { ApiError } from "../../api/errors";
import { formatDuration, formatNumber } from "../../i18n/format";
import { Button } from "../../ui/Button";
import { ErrorNumbers } from "../../ui/ErrorNotice";
import { Icon } from "../../ui/icons";
import { adviceFor } from "./advice";
import { copyText } from "./clipboard";
import { isOpen, type Attempt, type Trial, type Usage } from "./trial";
import { formatCost, say } from "./words";

/** One answer as it comes: the words, then how long they took and what they cost. */
export function TrialColumn({ trial, asked, at }: { trial: Trial; asked: string; at: number }) {
  const name = trial.model || asked || say("trial.route");
  return (
    <article className="pe-answer" data-phase={trial.phase} data-testid={`answer-${at}`} aria-busy={isOpen(trial)}>
      <header>
        <b>{name}</b>
        {trial.mock && <em className="pe-tag">{say("trial.mock")}</em>}
        {trial.degraded && <em className="pe-tag">{say("trial.degraded")}</em>}
      </header>
      <AnswerText trial={trial} name={name} />
      {trial.phase === "stopped" && <p className="pe-faint" role="status">{say("trial.stopped")}</p>}
      {trial.finish === "length" && <p className="pe-faint">{say("trial.cut")}</p>}
      {trial.error && <Failure error={trial.error} />}
      <Figures trial={trial} />
      <Attempts attempts={everyAttempt(trial)} />
    </article>
  );
}

function AnswerText({ trial, name }: { trial: Trial; name: string }) {
  if (trial.phase === "idle" || (trial.phase === "failed" && !trial.text)) return null;
  return (
    <div className="pe-answer__text">
      {/* Not a live region: words that arrive ten times a second cannot be read aloud. The end is announced. */}
      <pre tabIndex={0} aria-label={say("trial.output", { model: name })}>
        {trial.text || <span className="pe-faint">{inPlaceOfText(trial)}</span>}
        {trial.phase === "streaming" && <span className="pe-caret" aria-hidden="true" />}
      </pre>
      {trial.tools.map((call) => (
        <p key={call.index} className="pe-tool">{say("trial.tool", { name: call.name })} <code>{call.arguments}</code></p>
      ))}
      {trial.text && !isOpen(trial) && <Copy text={trial.text} />}
    </div>
  );
}

function inPlaceOfText({ phase, tools }: Trial): string {
  if (phase === "waiting") return say("trial.waiting");
  return phase === "done" && tools.length === 0 ? say("trial.noText") : "";
}

function Copy({ text }: { text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = () => void copyText(text).then(setCopied);
  return <Button kind="quiet" className="button--small" icon={copied ? "check" : "copy"} onClick={copy}>{say(copied ? "trial.copied" : "trial.copy")}</Button>;
}

/** What happened, and what to do next. */
function Failure({ error }: { error: ApiError }) {
  return (
    <div className="notice notice--error" role="alert">
      <Icon name="alert" />
      <div className="notice__body">
        <p className="notice__title">{error.message || say("failed.title")}</p>
        <p>{say(adviceFor(error))}</p>
        <ErrorNumbers code={error.code} requestId={error.requestId} />
      </div>
    </div>
  );
}

function Figures({ trial: { firstMs, totalMs, usage } }: { trial: Trial }) {
  if (firstMs === null && totalMs === null) return null;
  return (
    <dl className="pe-figures">
      {firstMs !== null && <div><dt>{say("trial.firstWord")}</dt><dd>{formatDuration(firstMs)}</dd></div>}
      {totalMs !== null && <div><dt>{say("trial.total")}</dt><dd>{formatDuration(totalMs)}</dd></div>}
      {usage && <Counted usage={usage} />}
    </dl>
  );
}

function Counted({ usage }: { usage: Usage }) {
  const about = usage.estimated ? <small>{say("trial.estimated")}</small> : null;
  return (
    <>
      <div><dt>{say("trial.tokensIn")}</dt><dd>{formatNumber(usage.input_tokens)} {about}</dd></div>
      <div><dt>{say("trial.tokensOut")}</dt><dd>{formatNumber(usage.output_tokens)} {about}</dd></div>
      <div><dt>{say("trial.cost")}</dt><dd>{usage.cost === null ? say("trial.costUnknown") : formatCost(usage.cost)}</dd></div>
    </>
  );
}

/** Who was asked in vain, and who answered in their place; nothing where the first one answered. */
function everyAttempt({ attempts, endpoint, model, phase }: Trial): Attempt[] {
  return attempts.length > 0 && phase === "done" ? [...attempts, { endpoint, model, error: null }] : attempts;
}

function Attempts({ attempts }: { attempts: Attempt[] }) {
  if (attempts.length === 0) return null;
  return (
    <details className="pe-attempts" open={attempts.some((attempt) => attempt.error)}>
      <summary>{say("trial.attempts")} ({attempts.length})</summary>
      <ol>
        {attempts.map((attempt, at) => (
          <li key={at} data-failed={attempt.error ? true : undefined}>
            <Icon name={attempt.error ? "close" : "check"} size={14} />
            <span>{say("trial.attempt", { endpoint: attempt.endpoint, model: attempt.model })}: {attempt.error ? say("trial.refused", { code: attempt.error }) : say("trial.answered")}</span>
          </li>
        ))}
      </ol>
    </details>
  );
}
