import { useEffect, useState } from "react";
import type { Step } from "../api/types";
import { formatDuration } from "../i18n/format";
import type { MessageKey } from "../i18n/messages";
import { useTranslate } from "../i18n/translate";
import { Icon } from "../ui/icons";
import { RichText } from "../ui/RichText";

export function Stepper({ steps, texts = {} }: { steps: Step[]; texts?: Record<string, string> }) {
  return (
    <ol className="stepper">
      {steps.map((step) => <StepRow key={step.node} step={step} text={texts[step.node]} />)}
    </ol>
  );
}

function StepRow({ step, text }: { step: Step; text: string | undefined }) {
  const t = useTranslate();
  const running = step.status === "running";
  return (
    <li className="step" data-status={step.status} aria-current={running ? "step" : undefined}>
      <span className="step__mark"><Mark status={step.status} /></span>
      <div className="step__body">
        <p className="step__head">
          <span className="step__title">{step.title || step.node}</span>
          <span className="visually-hidden">{t(`step.${step.status}` as MessageKey)}</span>
          <StepTime step={step} />
        </p>
        {step.message && <p className="step__message">{step.message}</p>}
        {running && <StepBar step={step} />}
        {running && text && <div className="step__text"><RichText text={text} /></div>}
      </div>
    </li>
  );
}

function StepBar({ step }: { step: Step }) {
  // Without a figure the bar wanders: a made-up percentage would be a lie.
  const known = step.progress !== null && step.progress > 0;
  return <progress className="bar bar--live" max={1} value={known ? (step.progress ?? 0) : undefined} aria-label={step.title} />;
}

function Mark({ status }: { status: Step["status"] }) {
  if (status === "succeeded") return <Icon name="check" size={14} />;
  if (status === "failed") return <Icon name="close" size={14} />;
  if (status === "skipped") return <Icon name="minus" size={14} />;
  return <i />;
}

function StepTime({ step }: { step: Step }) {
  const running = step.status === "running" && step.started_at !== null;
  const now = useNow(running);
  if (step.duration_ms !== null) return <span className="step__time">{formatDuration(step.duration_ms)}</span>;
  if (!running || now === null) return null;
  return <span className="step__time">{formatDuration(Math.max(0, now - Date.parse(step.started_at ?? "")))}</span>;
}

function useNow(ticking: boolean): number | null {
  const [now, setNow] = useState<number | null>(null);
  useEffect(() => {
    if (!ticking) return;
    const timer = setInterval(() => setNow(Date.now()), 200);
    return () => clearInterval(timer);
  }, [ticking]);
  return now;
}
