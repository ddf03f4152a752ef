import { useEffect, useMemo, useState } from "react";
import type { FormSpec, Schema, UiSchema, Values } from "../../../api/types";
import { SchemaForm } from "../../../forms/SchemaForm";
import { currentLanguage } from "../../../i18n/language";
import { Button } from "../../../ui/Button";
import { Segmented } from "../../../ui/Segmented";
import { useStore } from "../../../ui/store";
import { translated } from "../../translated";
import { useChosen, useDesk, usePart, type Desk } from "../desk";
import { JsonBox } from "../inspector/JsonBox";
import { nodesOf } from "../state/doc";
import type { TrialRequest } from "../trialTypes";
import type { GraphNode, Json, JsonObject } from "../types";
import { say } from "../words";
import { Cases } from "./Cases";
import { PinsInUse } from "./Pins";
import { pinsInUse, readShelf } from "./shelf";
import { filesIn } from "./testFiles";
import { isOver, stepOf, type Trial } from "./trial";
import { follow } from "./runTrial";
import { Outcome, StepRows, StepResult } from "./TrialResult";

/** The last inputs tried, kept while the page is open. */
const tried = new Map<string, JsonObject>();
const FROM = ["edited", "last", "pinned"] as const;
/** Where the inputs of a step that runs alone come from. */
type From = (typeof FROM)[number];
let running: AbortController | null = null;

/** A test run beside the canvas: the steps light up there as they happen, and say here what they took and gave. */
export function TestPane() {
  const desk = useDesk();
  if (desk.source.key && !desk.source.urls.test) return <p className="fe-empty">{say("trial.absent")}</p>;
  if (!desk.source.canRun) return <p className="fe-empty">{say("test.noRight")}</p>;
  return desk.source.key ? <Test /> : <p className="fe-empty">{say("test.saveFirst")}</p>;
}

function Test() {
  const desk = useDesk();
  const trial = useStore(desk.trial);
  const node = useChosen();
  const [mode, setMode] = useState<"mock" | "real">("mock");
  const [only, setOnly] = useState(false);
  const [from, setFrom] = useState<From>("edited");
  const form = useInputSpec();
  const alone = only && runsAlone(node) ? node.id : "";
  const spec = alone ? null : form;
  const place = `${desk.source.key}:${alone}`;
  const [input, setInput] = useState<JsonObject>(() => tried.get(place) ?? {});
  const [taken, setTaken] = useState(0);
  const take = (given: JsonObject) => {
    setInput(given);
    setTaken((n) => n + 1);
  };
  useEffect(() => void readShelf(desk), [desk]);
  const run = (values: JsonObject) => {
    tried.set(place, values);
    running?.abort();
    running = new AbortController();
    void follow(desk.api, desk.trial, requestOf(desk, mode, values, alone, from), running.signal);
  };
  return (
    <div className="fe-inspector fe-test">
      <Mode mode={mode} onChange={setMode} />
      <Alone node={node} only={only} onOnly={setOnly} from={from} onFrom={setFrom} />
      <PinsInUse />
      {alone && from !== "edited"
        ? <><p className="fe-faint">{say(`test.from.${from}.hint`)}</p><Act busy={!isOver(trial)} onRun={() => run(input)} /></>
        : <InputForm key={taken} spec={spec} value={input} onChange={setInput} onRun={run}><Act busy={!isOver(trial)} onRun={spec ? undefined : () => run(input)} /></InputForm>}
      {!alone && <Cases input={input} mode={mode} onTake={take} />}
      <Results trial={trial} node={node?.id} />
    </div>
  );
}

/** Start and end only stand for what is before and behind: they cannot run by themselves. */
const runsAlone = (node: GraphNode | undefined): node is GraphNode => node !== undefined && !["start", "end"].includes(node.type);

function Alone({ node, only, onOnly, from, onFrom }: { node: GraphNode | undefined; only: boolean; onOnly: (only: boolean) => void; from: From; onFrom: (from: From) => void }) {
  if (!runsAlone(node)) return null;
  return (
    <>
      <label className="fe-check"><input type="checkbox" checked={only} onChange={(event) => onOnly(event.target.checked)} /><span>{say("test.only", { id: node.id })}</span></label>
      {only && <Segmented legend={say("test.from")} value={from} onChange={onFrom} options={FROM.map((one) => ({ value: one, label: say(`test.from.${one}`) }))} />}
    </>
  );
}

function Mode({ mode, onChange }: { mode: "mock" | "real"; onChange: (mode: "mock" | "real") => void }) {
  const desk = useDesk();
  return (
    <>
      {desk.source.canRunReal && (
        <Segmented legend={say("test.mode")} value={mode} onChange={onChange} options={[{ value: "mock", label: say("test.mock") }, { value: "real", label: say("test.real") }]} />
      )}
      <p className="fe-faint">{say(mode === "mock" ? "test.mockHint" : "test.realHint")}</p>
    </>
  );
}

/** How it went: the whole, the step in hand, and all steps. */
function Results({ trial, node }: { trial: Trial; node: string | undefined }) {
  const step = node === undefined ? undefined : stepOf(trial, node);
  return (
    <>
      <Outcome trial={trial} />
      {step && <StepResult step={step} text={trial.texts[step.node]} />}
      <StepRows trial={trial} />
    </>
  );
}

function requestOf(desk: Desk, mode: "mock" | "real", values: JsonObject, alone: string, from: From): TrialRequest {
  const graph = desk.editor.doc.graph as unknown as JsonObject;
  // Without inputs, what is pinned before the step gives them.
  const inputs = { edited: { inputs: values }, last: { inputs: { $last: true as const } }, pinned: {} }[from];
  const what = alone ? { node: alone, ...inputs, input: {} } : { input: values };
  const pins = Object.fromEntries(Object.entries(pinsInUse(desk)).filter(([id]) => id !== alone));
  return { ...what, pins, mode, graph, ...(desk.source.feature ? { feature: desk.source.feature.key } : {}) };
}

/** Runs, or stops. Within a form, the form runs: it first looks whether everything is filled in. */
function Act({ busy, onRun }: { busy: boolean; onRun: (() => void) | undefined }) {
  const desk = useDesk();
  const stop = () => {
    const { id } = desk.trial.get();
    if (id) void desk.api.cancelTrial(id).catch(() => running?.abort());
    else running?.abort();
  };
  return (
    <div className="fe-test__act">
      {busy
        ? <Button icon="close" onClick={stop}>{say("test.stop")}</Button>
        : <Button kind="key" icon="play" type={onRun ? "button" : "submit"} onClick={onRun}>{say("test.run")}</Button>}
    </div>
  );
}

/** The form of the feature that uses the pipeline, or what its start says that it takes. */
function useInputSpec(): FormSpec | null {
  const desk = useDesk();
  const own = usePart(desk.editor.store, (state) => nodesOf(state.doc).find((node) => node.type === "start")?.config?.schema);
  return useMemo(() => {
    const schema = desk.source.feature?.form ?? (own as JsonObject | undefined);
    if (!schema || Object.keys((schema.properties as object | undefined) ?? {}).length === 0) return null;
    return { schema: translated(schema, currentLanguage()) as Schema, uiSchema: withFiles(translated(desk.source.feature?.ui ?? {}, currentLanguage()) as Looks, filesIn(schema)) as UiSchema };
  }, [desk, own]);
}

type Looks = Record<string, object>;

/** The form's own looks, but for files. */
const withFiles = (ui: Looks, files: Looks): Looks => ({ ...ui, ...Object.fromEntries(Object.entries(files).map(([name, look]) => [name, { ...ui[name], ...look }])) });

interface FormProps {
  spec: FormSpec | null;
  value: JsonObject;
  onChange: (value: JsonObject) => void;
  onRun: (value: JsonObject) => void;
  children: React.ReactNode;
}

function InputForm({ spec, value, onChange, onRun, children }: FormProps) {
  if (spec) return <SchemaForm id="fe-test" spec={spec} values={value as Values} onChange={(next) => onChange(next as JsonObject)} onSubmit={(next) => onRun(next as JsonObject)}>{children}</SchemaForm>;
  const write = (next: Json | undefined) => onChange((next !== null && typeof next === "object" && !Array.isArray(next) ? next : {}) as JsonObject);
  return <div className="field"><JsonBox label={say("test.input")} value={Object.keys(value).length === 0 ? undefined : value} onChange={write} />{children}</div>;
}
