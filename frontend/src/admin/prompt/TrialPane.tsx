import { useEffect, useState } from "react";
import { asApiError, type ApiError } from "../../api/errors";
import { announce } from "../../ui/announce";
import { Button } from "../../ui/Button";
import { ErrorNotice } from "../../ui/ErrorNotice";
import type { PromptApi } from "./api";
import { ModelPicker } from "./ModelPicker";
import { TrialColumn } from "./TrialColumn";
import type { ChatRequest, Message, Preview } from "./types";
import { useTrials } from "./useTrials";
import { say } from "./words";

interface Props {
  api: PromptApi;
  /** Renders the draft as it stands at this moment, not as the preview last showed it. */
  render: () => Promise<Preview>;
  model: string;
  onModel: (model: string) => void;
  compare: boolean;
  onCompare: (compare: boolean) => void;
  allowed: boolean;
}

interface Settings {
  second: string;
  temperature: string;
  max: string;
}

/** Asks one model, or two side by side, what they make of the prompt with its test values. */
export function TrialPane({ api, render, model, onModel, compare, onCompare, allowed }: Props) {
  const [settings, setSettings] = useState<Settings>({ second: "", temperature: "", max: "" });
  const { trials, running, run, stop } = useTrials(api);
  const [asked, setAsked] = useState<string[]>([]);
  const [refusal, setRefusal] = useState<{ text?: string; error?: ApiError }>({});
  const set = (change: Partial<Settings>) => setSettings((old) => ({ ...old, ...change }));
  const start = async () => {
    setRefusal({});
    try {
      const answer = await render();
      const obstacle = obstacleIn(answer);
      if (obstacle) return setRefusal({ text: obstacle });
      const models = compare ? [model, settings.second] : [model];
      setAsked(models);
      const done = await run(models.map((name) => requestFor(name, answer, settings)));
      for (const trial of done) if (trial.phase === "done") announce(say("trial.done", { model: trial.model }));
    } catch (error) {
      setRefusal({ error: asApiError(error) });
    }
  };
  if (!allowed) return <p className="pe-faint">{say("trial.forbidden")}</p>;
  return (
    <div className="pe-trial" data-testid="trial">
      <Controls api={api} model={model} onModel={onModel} compare={compare} onCompare={onCompare} settings={settings} onSet={set} />
      <div className="pe-trial__act">
        {running
          ? <Button icon="close" onClick={stop}>{say("trial.stop")}</Button>
          : <Button kind="key" icon="play" onClick={() => void start()}>{say(asked.length ? "trial.again" : "trial.run")}</Button>}
        <span className="pe-faint">{say("trial.spends")}</span>
      </div>
      {refusal.text && <p className="notice" role="alert">{refusal.text}</p>}
      {refusal.error && <ErrorNotice error={refusal.error} />}
      {asked.length > 0 && (
        <div className="pe-answers" data-count={trials.length}>
          {trials.map((trial, at) => <TrialColumn key={at} at={at} trial={trial} asked={asked[at] ?? ""} />)}
        </div>
      )}
    </div>
  );
}

interface ControlsProps {
  api: PromptApi;
  model: string;
  onModel: (model: string) => void;
  compare: boolean;
  onCompare: (compare: boolean) => void;
  settings: Settings;
  onSet: (change: Partial<Settings>) => void;
}

function Controls({ api, model, onModel, compare, onCompare, settings, onSet }: ControlsProps) {
  const names = useModels(api);
  return (
    <div className="pe-controls">
      <ModelPicker label={say(compare ? "trial.first" : "trial.model")} names={names} value={model} onChange={onModel} />
      {compare && <ModelPicker label={say("trial.second")} names={names} value={settings.second} onChange={(second) => onSet({ second })} />}
      <label className="pe-check">
        <input type="checkbox" checked={compare} onChange={(event) => onCompare(event.target.checked)} />
        {say("trial.compare")}
      </label>
      <label className="pe-field pe-field--short">
        {say("trial.temperature")}
        <input className="pe-input" type="number" min="0" max="2" step="0.1" value={settings.temperature} onChange={(event) => onSet({ temperature: event.target.value })} />
      </label>
      <label className="pe-field pe-field--short">
        {say("trial.max")}
        <input className="pe-input" type="number" min="1" step="1" value={settings.max} onChange={(event) => onSet({ max: event.target.value })} />
      </label>
      {names === "unknown" && <p className="pe-faint pe-controls__note">{say("trial.free")}</p>}
    </div>
  );
}

export type ModelNames = string[] | "loading" | "unknown";

function useModels(api: PromptApi): ModelNames {
  const [names, setNames] = useState<ModelNames>("loading");
  useEffect(() => {
    let current = true;
    const settle = (next: ModelNames) => current && setNames(next);
    api.models().then((found) => settle(found.length > 0 ? found : "unknown"), () => settle("unknown"));
    return () => {
      current = false;
    };
  }, [api]);
  return names;
}

/** What stands between this text and a model, in words; empty when nothing does. */
function obstacleIn(answer: Preview): string {
  if (answer.missingVars.length > 0) return say("trial.missing", { names: answer.missingVars.join(", ") });
  return answer.problems.some((problem) => problem.level === "error" && problem.field !== "variables") ? say("trial.mend") : "";
}

function requestFor(model: string, { system, body }: Preview, settings: Settings): ChatRequest {
  const texts: Message[] = [{ role: "system", content: system }, { role: "user", content: body }];
  return {
    ...(model ? { model } : {}),
    messages: texts.filter((message) => message.content.trim() !== ""),
    ...(settings.temperature === "" ? {} : { temperature: Number(settings.temperature) }),
    ...(settings.max === "" ? {} : { max_tokens: Number(settings.max) }),
    stream: true,
  };
}
