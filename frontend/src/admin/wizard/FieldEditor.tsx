import { useId, useState, type ReactNode } from "react";
import { KINDS, nameProblem, type Field, type Kind, type Option } from "./fields";
import { say, type Word } from "./words";

interface Props {
  field: Field;
  fields: Field[];
  onChange: (field: Field) => void;
}

const BOUND: readonly Kind[] = ["text", "long", "integer", "number"];
const TEXTS: readonly Kind[] = ["text", "long"];

/** Everything about one field. */
export function FieldEditor({ field, fields, onChange }: Props) {
  const set = (changes: Partial<Field>) => onChange({ ...field, ...changes });
  const long = TEXTS.includes(field.kind);
  return (
    <div className="designer__field">
      <Text word="title" value={field.title} onChange={(title) => set({ title })} />
      <Text word="titleZh" value={field.titleZh} onChange={(titleZh) => set({ titleZh })} />
      {field.kind !== "other" && <KindChoice kind={field.kind} onChange={(kind) => set({ kind })} />}
      <Name field={field} fields={fields} onChange={(name) => set({ name })} />
      <Text word="help" value={field.help} onChange={(help) => set({ help })} />
      {long && <Text word="placeholder" value={field.placeholder} onChange={(placeholder) => set({ placeholder })} />}
      {BOUND.includes(field.kind) && (
        <>
          <Text word={long ? "leastLong" : "least"} type="number" value={field.least} onChange={(least) => set({ least })} />
          <Text word={long ? "mostLong" : "most"} type="number" value={field.most} onChange={(most) => set({ most })} />
        </>
      )}
      {field.kind === "choice" && <Options options={field.options} onChange={(options) => set({ options })} />}
      <label className="designer__check">
        <input type="checkbox" checked={field.required} onChange={(event) => set({ required: event.target.checked })} /> {say("required")}
      </label>
    </div>
  );
}

function Labelled({ word, children }: { word: Word; children: (id: string) => ReactNode }) {
  const id = useId();
  return <p className="designer__cell"><label htmlFor={id}>{say(word)}</label>{children(id)}</p>;
}

function Text({ word, value, type = "text", onChange }: { word: Word; value: string; type?: string; onChange: (value: string) => void }) {
  return <Labelled word={word}>{(id) => <input id={id} type={type} value={value} onChange={(event) => onChange(event.target.value)} />}</Labelled>;
}

function KindChoice({ kind, onChange }: { kind: Kind; onChange: (kind: Kind) => void }) {
  return (
    <Labelled word="kind">
      {(id) => (
        <select id={id} value={kind} onChange={(event) => onChange(event.target.value as Kind)}>
          {KINDS.map((one) => <option key={one} value={one}>{say(`kind.${one}`)}</option>)}
        </select>
      )}
    </Labelled>
  );
}

/** A name is taken over only when it will do: a half-typed one would be lost by the form. */
function Name({ field, fields, onChange }: { field: Field; fields: Field[]; onChange: (name: string) => void }) {
  const [typed, setTyped] = useState(field.name);
  const [first] = useState(field.name);
  const problem = nameProblem({ ...field, name: typed }, fields);
  const type = (name: string) => {
    setTyped(name);
    if (!nameProblem({ ...field, name }, fields)) onChange(name);
  };
  return (
    <Labelled word="name">
      {(id) => (
        <>
          <input id={id} value={typed} aria-invalid={problem !== null} aria-describedby={`${id}-told`} onChange={(event) => type(event.target.value)} />
          <span id={`${id}-told`} className={problem ? "designer__problem" : "muted"}>{problem ? say(problem) : typed !== first ? say("renames") : ""}</span>
        </>
      )}
    </Labelled>
  );
}

function Options({ options, onChange }: { options: Option[]; onChange: (options: Option[]) => void }) {
  const set = (at: number, changes: Partial<Option>) => onChange(options.map((one, index) => (index === at ? { ...one, ...changes } : one)));
  return (
    <fieldset className="designer__options">
      <legend>{say("options")}</legend>
      {options.map((option, at) => (
        <div key={at} className="designer__option">
          <input aria-label={say("value")} placeholder={say("value")} value={option.value} onChange={(event) => set(at, { value: event.target.value })} />
          <input aria-label={say("shown")} placeholder={say("shown")} value={option.title} onChange={(event) => set(at, { title: event.target.value })} />
          <input aria-label={say("shownZh")} placeholder={say("shownZh")} value={option.titleZh} onChange={(event) => set(at, { titleZh: event.target.value })} />
          <button type="button" className="designer__tool" aria-label={say("removeOption", { name: option.title || option.value })} onClick={() => onChange(options.filter((_, index) => index !== at))}>✕</button>
        </div>
      ))}
      <button type="button" className="designer__kind" onClick={() => onChange([...options, { value: "", title: "", titleZh: "" }])}>+ {say("addOption")}</button>
    </fieldset>
  );
}
