import { useId, useState } from "react";
import { equal } from "../state/merge";
import type { Json } from "../types";
import { say } from "../words";

interface Props {
  label: string;
  value: Json | undefined;
  disabled?: boolean;
  optional?: boolean;
  rows?: number;
  onChange: (value: Json | undefined) => void;
}

const written = (value: Json | undefined) => (value === undefined || value === null ? "" : JSON.stringify(value, null, 2));

/** JSON as text. Half-typed it stays here; only whole JSON is handed on. */
export function JsonBox({ label, value, disabled, optional, rows = 4, onChange }: Props) {
  const id = useId();
  const [typed, setTyped] = useState<{ text: string; for: Json | undefined } | null>(null);
  const text = typed && (equal(typed.for, value) || parsed(typed.text) === BROKEN) ? typed.text : written(value);
  const broken = text.trim() !== "" && parsed(text) === BROKEN;
  const write = (next: string) => {
    const read = next.trim() === "" ? undefined : parsed(next);
    setTyped({ text: next, for: read === BROKEN ? value : (read as Json | undefined) });
    if (read !== BROKEN) onChange(read as Json | undefined);
  };
  return (
    <>
      <label className="field__label" htmlFor={id}>{label}{optional && <span className="field__optional">{say("field.optional")}</span>}</label>
      <textarea id={id} className="input fe-code" rows={rows} spellCheck={false} value={text} disabled={disabled} aria-invalid={broken} aria-describedby={broken ? `${id}-broken` : undefined} onChange={(event) => write(event.target.value)} />
      {broken && <p id={`${id}-broken`} className="field__error" role="alert">{say("json.broken")}</p>}
    </>
  );
}

const BROKEN = Symbol("no JSON");

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return BROKEN;
  }
}
