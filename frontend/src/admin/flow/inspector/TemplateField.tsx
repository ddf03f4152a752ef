import { useId, useRef, useState } from "react";
import { IconButton } from "../../../ui/Button";
import { fits, type Kind } from "../state/kinds";
import { references } from "../state/doc";
import type { Variable } from "../state/scope";
import type { Json } from "../types";
import { say, sayKinds } from "../words";
import { inserted, mayInsert, textOf, valueOf } from "./values";
import { VariablePicker } from "./VariablePicker";

interface Props {
  name: string;
  title: string;
  wanted: Kind[];
  required: boolean;
  value: Json | undefined;
  scope: Variable[];
  readOnly: boolean;
  onChange: (value: Json | undefined) => void;
  onRemove?: () => void;
}

/** One input: a template, with what it may refer to at hand. */
export function TemplateField({ name, title, wanted, required, value, scope, readOnly, onChange, onRemove }: Props) {
  const id = useId();
  const area = useRef<HTMLTextAreaElement>(null);
  const [picking, setPicking] = useState(false);
  const text = textOf(value);
  const trouble = troubleIn(text, value, wanted, scope);
  const write = (next: string) => {
    onChange(valueOf(next, wanted));
    const at = area.current?.selectionStart ?? next.length;
    setPicking(/\{\{\s*[\w.]*$/.test(next.slice(0, at)));
  };
  const pick = (path: string) => {
    const put = inserted(text, area.current?.selectionStart ?? text.length, path);
    onChange(valueOf(put.text, wanted));
    setPicking(false);
    requestAnimationFrame(() => {
      area.current?.focus();
      area.current?.setSelectionRange(put.at, put.at);
    });
  };
  return (
    <div className="fe-input" data-field={`inputs.${name}`} data-missing={(required && text === "") || undefined} onKeyDown={(event) => event.key === "Escape" && picking && (event.stopPropagation(), setPicking(false))}>
      <div className="fe-input__head">
        <label htmlFor={id}>{title}{title !== name && <code>{name}</code>}</label>
        <span className="fe-kind" data-kind={wanted[0]}>{sayKinds(wanted)}</span>
        {required && <span className="fe-must">{say("input.required")}</span>}
        {!readOnly && onRemove && <IconButton icon="close" label={say("input.remove", { name })} onClick={onRemove} />}
      </div>
      <div className="fe-input__box">
        <textarea ref={area} id={id} className="input fe-code" rows={1} spellCheck={false} value={text} readOnly={readOnly} aria-invalid={trouble !== ""} aria-describedby={`${id}-trouble`}
          placeholder={readOnly ? "" : say("input.hint")} onChange={(event) => write(event.target.value)} />
        {!readOnly && <IconButton icon="plus" className="fe-input__pick" label={say("input.pick", { name })} aria-expanded={picking} onClick={() => setPicking(!picking)} />}
      </div>
      <p id={`${id}-trouble`} className="fe-trouble">{trouble}</p>
      {picking && <VariablePicker scope={scope} refuse={(one) => (mayInsert(one.kinds, wanted, text) ? null : say("refuse.kind", { given: sayKinds(one.kinds), wanted: sayKinds(wanted) }))} onPick={pick} onClose={() => setPicking(false)} />}
    </div>
  );
}

/** What is wrong at a glance; the server's judgement stands among the problems. */
function troubleIn(text: string, value: Json | undefined, wanted: Kind[], scope: Variable[]): string {
  const known = new Map(scope.map((one) => [one.path, one]));
  const alone = /^\{\{\s*([\w.]+)\s*\}\}$/.exec(text)?.[1];
  const one = alone ? known.get(alone) : undefined;
  if (one && !fits(one.kinds, wanted)) return say("refuse.kind", { given: sayKinds(one.kinds), wanted: sayKinds(wanted) });
  const unsure = references(value).map((path) => known.get(path)).find((found) => found && !found.sure);
  return unsure ? say("input.unsure", { path: unsure.path }) : "";
}
