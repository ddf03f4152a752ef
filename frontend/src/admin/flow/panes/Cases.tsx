import { useRef, useState } from "react";
import { asApiError } from "../../../api/errors";
import { Button } from "../../../ui/Button";
import { Icon } from "../../../ui/icons";
import { useStore } from "../../../ui/store";
import { useDesk, type Desk } from "../desk";
import type { CaseRun, TrialDetail } from "../trialTypes";
import type { JsonObject } from "../types";
import { say } from "../words";
import { saveCase } from "./shelf";

const OVER = ["succeeded", "failed", "cancelled"];
const PAUSE_MS = 700;

type Result = "running" | "passed" | "failed";

/** Inputs that are kept: one is taken up again, or all are run and say how they went. */
export function Cases({ input, mode, onTake }: { input: JsonObject; mode: "mock" | "real"; onTake: (input: JsonObject) => void }) {
  const desk = useDesk();
  const shelf = useStore(desk.shelf);
  const [name, setName] = useState("");
  const { results, run, busy, error } = useCaseRuns(desk, mode);
  const keep = () => void saveCase(desk, name.trim(), input).then(() => desk.shelf.get().error || setName(""));
  return (
    <details className="fe-cases">
      <summary>{say("cases.title", { n: shelf.cases.length })}</summary>
      {shelf.cases.length === 0 && <p className="fe-faint">{say("cases.none")}</p>}
      <ul>
        {shelf.cases.map((one) => (
          <li key={one.id}>
            <button type="button" onClick={() => onTake(one.input)} title={say("cases.take")}>{one.name}</button>
            <Verdict result={results[one.name]} />
          </li>
        ))}
      </ul>
      {shelf.cases.length > 0 && <Button icon="play" className="button--small" busy={busy} onClick={run}>{say("cases.run")}</Button>}
      {!desk.readOnly && (
        <div className="fe-cases__new">
          <input className="input" aria-label={say("cases.name")} placeholder={say("cases.name")} maxLength={80} value={name} onChange={(event) => setName(event.target.value)} onKeyDown={(event) => event.key === "Enter" && (event.preventDefault(), name.trim() && keep())} />
          <Button className="button--small" disabled={!name.trim()} onClick={keep}>{say("cases.keep")}</Button>
        </div>
      )}
      {(error || shelf.error) && <p role="alert" className="field__error">{error || shelf.error}</p>}
    </details>
  );
}

function Verdict({ result }: { result: Result | undefined }) {
  if (!result) return null;
  return <span className="fe-verdict" data-result={result}>{result !== "running" && <Icon name={result === "passed" ? "check" : "alert"} size={14} />}{say(`cases.${result}`)}</span>;
}

function useCaseRuns(desk: Desk, mode: "mock" | "real") {
  const [results, setResults] = useState<Record<string, Result>>({});
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const last = useRef<AbortController | null>(null);
  const run = () => {
    last.current?.abort();
    const { signal } = (last.current = new AbortController());
    const told = (name: string, result: Result) => setResults((old) => ({ ...old, [name]: result }));
    setBusy(true);
    setError("");
    setResults({});
    void runAll(desk, mode, told, signal).catch((failure: unknown) => setError(asApiError(failure).message)).finally(() => setBusy(false));
  };
  return { results, run, busy, error };
}

async function runAll(desk: Desk, mode: "mock" | "real", told: (name: string, result: Result) => void, signal: AbortSignal): Promise<void> {
  const runs = await desk.api.runCases(mode, desk.source.feature?.key);
  for (const one of runs) told(one.case, "running");
  await Promise.all(runs.map(async (one) => told(one.case, verdictOf(await ended(desk, one, signal)))));
}

async function ended(desk: Desk, run: CaseRun, signal: AbortSignal): Promise<TrialDetail> {
  for (;;) {
    const trial = await desk.api.trial(run.trial, signal);
    if (OVER.includes(trial.status) || trial.status === "waiting_input") return trial;
    await new Promise((done) => setTimeout(done, PAUSE_MS));
  }
}

const verdictOf = (trial: TrialDetail): Result => (trial.status === "succeeded" && (trial.verdicts ?? []).every((one) => one.passed) ? "passed" : "failed");
