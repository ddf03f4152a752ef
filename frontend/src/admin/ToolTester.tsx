import { useRef, useState } from "react";
import type { FormSpec, Schema, Values } from "../api/types";
import { SchemaForm } from "../forms/SchemaForm";
import { useTranslate } from "../i18n/translate";
import { Button } from "../ui/Button";
import { Notice } from "../ui/Notice";

/** A minute for the tool, as the server allows, and a little for the way. */
const TIMEOUT_MS = 75_000;

interface Source {
  schema?: Schema;
  url?: string;
}

interface Trial {
  ok: boolean;
  ms: number;
  result: unknown;
  error: { code: string; message: string; details: { upstream?: string } } | null;
  progress: string[];
}

type State = { kind: "idle" } | { kind: "waiting" } | { kind: "done"; trial: Trial } | { kind: "lost"; late: boolean };

/** A form made of a tool's input schema; what is wrong is marked as it is typed, and a call shows what came back. */
export function ToolTester({ source }: { source: unknown }) {
  const { schema = {}, url = "" } = (source ?? {}) as Source;
  const t = useTranslate();
  const [values, setValues] = useState<Values>({});
  const [state, setState] = useState<State>({ kind: "idle" });
  const spec: FormSpec = { schema, uiSchema: {} };
  const calling = useRef<AbortController | null>(null);

  const call = async (given: Values) => {
    calling.current?.abort();
    const own = (calling.current = new AbortController());
    setState({ kind: "waiting" });
    const timer = setTimeout(() => own.abort("late"), TIMEOUT_MS);
    try {
      const trial = await post(url, given, own.signal);
      if (calling.current === own) setState({ kind: "done", trial });
    } catch {
      if (calling.current === own) setState({ kind: "lost", late: own.signal.aborted });
    } finally {
      clearTimeout(timer);
    }
  };

  return (
    <div className="preview">
      <SchemaForm id="tool-tester" spec={spec} values={values} context={{ preview: true }} onChange={setValues} onSubmit={(given) => void call(given)}>
        <div className="preview__foot">
          <Button type="submit" icon="check" disabled={state.kind === "waiting"}>
            {t(state.kind === "idle" || state.kind === "waiting" ? "admin.call" : "admin.callAgain")}
          </Button>
          {state.kind === "waiting" && <span role="status">{t("admin.calling")}</span>}
        </div>
      </SchemaForm>
      <div aria-live="polite">
        {state.kind === "lost" && <Notice icon="alert">{t(state.late ? "admin.callLate" : "admin.callLost")}</Notice>}
        {state.kind === "done" && <Outcome trial={state.trial} />}
      </div>
    </div>
  );
}

function Outcome({ trial }: { trial: Trial }) {
  const t = useTranslate();
  const seconds = (trial.ms / 1000).toFixed(trial.ms < 1000 ? 3 : 1);
  return (
    <div className="trial" data-testid="trial">
      <p className="preview__fits">{t(trial.ok ? "admin.answered" : "admin.failed", { seconds })}</p>
      {trial.error && <Notice icon="alert">{`${trial.error.message} (${trial.error.code})`}</Notice>}
      {trial.error?.details.upstream && <pre className="trial__text">{trial.error.details.upstream}</pre>}
      {trial.progress.length > 0 && <p className="muted">{trial.progress.join(" · ")}</p>}
      {trial.ok && <pre className="trial__text">{JSON.stringify(trial.result, null, 2)}</pre>}
    </div>
  );
}

async function post(url: string, values: Values, signal: AbortSignal): Promise<Trial> {
  const token = document.querySelector<HTMLInputElement>("[name=csrfmiddlewaretoken]")?.value ?? "";
  const body = new URLSearchParams({ arguments: JSON.stringify(values), csrfmiddlewaretoken: token });
  const answer = await fetch(url, { method: "POST", body, signal, credentials: "same-origin", redirect: "error" });
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.json()) as Trial;
}
