import { useMemo, useState } from "react";
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
import { kindsOf } from "../state/kinds";
import type { TrialRequest } from "../trialTypes";
import type { Json, JsonObject } from "../types";
import { say } from "../words";
import { TestFile } from "./TestFile";
import { isOver, stepOf } from "./trial";
import { follow } from "./runTrial";
import { Outcome, StepRows, StepResult } from "./TrialResult";

/** The last inputs tried, kept while the page is open. */
const tried = new Map<string, JsonObject>();
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
  const form = useInputSpec();
  const alone = only && node ? node.id : "";
  const spec = alone ? null : form;
  const place = `${desk.source.key}:${alone}`;
  const [input, setInput] = useState<JsonObject>(() => tried.get(place) ?? {});
  const step = node && stepOf(trial, node.id);
  const run = (values: JsonObject) => {
    tried.set(place, values);
    running?.abort();
    running = new AbortController();
    void follow(desk.api, desk.trial, requestOf(desk, mode, values, alone), running.signal);
  };
  return (
    <div className="fe-inspector fe-test">
      {desk.source.canRunReal && (
        <Segmented legend={say("test.mode")} value={mode} onChange={setMode} options={[{ value: "mock", label: say("test.mock") }, { value: "real", label: say("test.real") }]} />
      )}
      <p className="fe-faint">{say(mode === "mock" ? "test.mockHint" : "test.realHint")}</p>
      {node && (
        <label className="fe-check"><input type="checkbox" checked={only} onChange={(event) => setOnly(event.target.checked)} /><span>{say("test.only", { id: node.id })}</span></label>
      )}
      <InputForm spec={spec} value={input} onChange={setInput} onRun={run}>
        <Act busy={!isOver(trial)} onRun={spec ? undefined : () => run(input)} />
      </InputForm>
      <Outcome trial={trial} />
      {step && <StepResult step={step} text={trial.texts[step.node]} />}
      <StepRows trial={trial} />
    </div>
  );
}

function requestOf(desk: Desk, mode: "mock" | "real", values: JsonObject, alone: string): TrialRequest {
  const graph = desk.editor.doc.graph as unknown as JsonObject;
  const what = alone ? { node: alone, inputs: values, input: {} } : { input: values };
  return { ...what, mode, graph, ...(desk.source.feature ? { feature: desk.source.feature.key } : {}) };
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
    return { schema: translated(schema, currentLanguage()) as Schema, uiSchema: filesIn(schema) as UiSchema };
  }, [desk, own]);
}

/** Files are kept with the editor's own token; the storefront's widget would ask for a visitor. */
function filesIn(schema: JsonObject): Record<string, unknown> {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, JsonObject>);
  return Object.fromEntries(properties.filter(([, one]) => kindsOf(one).includes("file") || kindsOf(one.items as JsonObject).includes("file")).map(([name]) => [name, { "ui:widget": TestFile }]));
}

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
