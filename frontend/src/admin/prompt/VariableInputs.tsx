import { useState } from "react";
import type { Variable } from "./types";
import { readValue, showValue } from "./variables";
import { say } from "./words";

const labelOf = (variable: Variable, member: "name" | "default" | "value" | "choices") =>
  say("variables.of", { name: variable.name || say("variables.unnamed"), member: say(`variables.${member}`) });

export function NameInput({ name, readOnly, onChange }: { name: string; readOnly: boolean; onChange: (name: string) => void }) {
  return (
    <input
      className="pe-input pe-input--code"
      aria-label={labelOf({ name }, "name")}
      value={name}
      readOnly={readOnly}
      spellCheck={false}
      autoFocus={name === ""}
      onChange={(event) => onChange(event.target.value.trim())}
    />
  );
}

interface Box {
  variable: Variable;
  readOnly: boolean;
}

/** A default is written as the type asks for; what cannot be read as one is kept as text, and the server says so. */
export function DefaultInput({ variable, readOnly, onChange }: Box & { onChange: (value: unknown) => void }) {
  const [text, setText] = useState(showValue(variable.default));
  const shared = { "aria-label": labelOf(variable, "default"), disabled: readOnly };
  if (variable.type === "boolean") return <YesNo {...shared} value={showValue(variable.default)} onChange={(value) => onChange(value === "" ? undefined : value === "true")} />;
  const write = (typed: string) => {
    setText(typed);
    onChange(typed === "" ? undefined : readValue(typed, variable.type));
  };
  return <input className="pe-input" {...shared} value={text} onChange={(event) => write(event.target.value)} />;
}

/** One choice on each line; lines are kept as they are typed, and written without the empty ones. */
export function ChoicesInput({ variable, readOnly, onChange }: Box & { onChange: (choices: unknown[] | undefined) => void }) {
  const [text, setText] = useState((variable.choices ?? []).map(showValue).join("\n"));
  const [open, setOpen] = useState(text !== "");
  const write = (typed: string) => {
    setText(typed);
    const choices = typed.split("\n").map((line) => line.trim()).filter(Boolean);
    onChange(choices.length > 0 ? choices.map((choice) => readValue(choice, variable.type)) : undefined);
  };
  if (!open) {
    return readOnly ? null : <button type="button" className="pe-link" aria-label={labelOf(variable, "choices")} onClick={() => setOpen(true)}>+ {say("variables.choices")}</button>;
  }
  return <textarea className="pe-input" rows={2} readOnly={readOnly} aria-label={labelOf(variable, "choices")} placeholder={say("variables.choicesHint")} value={text} onChange={(event) => write(event.target.value)} />;
}

interface ValueProps {
  variable: Variable;
  text: string;
  wrong: boolean;
  describedBy: string;
  onChange: (text: string) => void;
}

export function ValueInput({ variable, text, wrong, describedBy, onChange }: ValueProps) {
  const shared = { "aria-label": labelOf(variable, "value"), "aria-invalid": wrong || undefined, "aria-describedby": describedBy, "data-value-of": variable.name };
  if (variable.type === "boolean") return <YesNo {...shared} value={text} onChange={onChange} />;
  if (variable.choices?.length) {
    return (
      <select className="pe-input" {...shared} value={text} onChange={(event) => onChange(event.target.value)}>
        <option value="">{say("value.none")}</option>
        {variable.choices.map(showValue).map((choice) => <option key={choice}>{choice}</option>)}
      </select>
    );
  }
  const numeric = variable.type === "number" || variable.type === "integer";
  if (numeric) return <input className="pe-input" inputMode="decimal" {...shared} value={text} onChange={(event) => onChange(event.target.value)} />;
  const hint = variable.default === undefined ? placeholderOf(variable.type) : showValue(variable.default);
  return <textarea className="pe-input" rows={1} {...shared} placeholder={hint} value={text} onChange={(event) => onChange(event.target.value)} />;
}

const placeholderOf = (type: string | undefined) => (type === "array" ? '["…", "…"]' : type === "object" ? '{"…": "…"}' : "");

function YesNo({ value, onChange, ...rest }: { value: string; onChange: (value: string) => void; disabled?: boolean }) {
  return (
    <select className="pe-input" {...rest} value={value} onChange={(event) => onChange(event.target.value)}>
      <option value="">{say("value.none")}</option>
      <option value="true">{say("value.true")}</option>
      <option value="false">{say("value.false")}</option>
    </select>
  );
}
