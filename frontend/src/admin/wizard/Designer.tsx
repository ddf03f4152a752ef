import { useState } from "react";
import { Button } from "../../ui/Button";
import { FieldEditor } from "./FieldEditor";
import { KINDS, moved, newField, readFields, writeForm, type Field, type FormParts, type Kind } from "./fields";
import { called, say } from "./words";

interface Props {
  given: FormParts;
  onChange: (parts: FormParts) => void;
}

/** The fields of a form as a list: one is open, all can be moved, and one that was removed can be had back. */
export function Designer({ given, onChange }: Props) {
  const [fields, setFields] = useState<Field[]>(() => readFields(given));
  const [open, setOpen] = useState(fields[0]?.id ?? 0);
  const [removed, setRemoved] = useState<{ field: Field; at: number } | null>(null);
  const change = (next: Field[]) => {
    setFields(next);
    onChange(writeForm(next, given));
  };
  const add = (kind: Kind) => {
    const made = newField(kind, say(`kind.${kind}`), fields);
    change([...fields, made]);
    setOpen(made.id);
  };
  const remove = (field: Field) => {
    setRemoved({ field, at: fields.indexOf(field) });
    change(fields.filter((one) => one.id !== field.id));
  };
  const undo = () => {
    if (!removed) return;
    change([...fields.slice(0, removed.at), removed.field, ...fields.slice(removed.at)]);
    setRemoved(null);
  };
  return (
    <div className="designer">
      {fields.length === 0 && <p className="muted">{say("empty")}</p>}
      <ol className="designer__list" aria-label={say("fields")}>
        {fields.map((field, at) => (
          <li key={field.id} className="designer__row">
            <div className="designer__head">
              <button type="button" className="designer__name" aria-expanded={open === field.id} onClick={() => setOpen(open === field.id ? 0 : field.id)}>
                <b>{called(field)}</b>
                <span className="muted">{say(`kind.${field.kind}`)}{field.required ? " · *" : ""}</span>
              </button>
              <Tool label={say("up", { name: called(field) })} sign="↑" off={at === 0} act={() => change(moved(fields, field.id, -1))} />
              <Tool label={say("down", { name: called(field) })} sign="↓" off={at === fields.length - 1} act={() => change(moved(fields, field.id, 1))} />
              <Tool label={say("remove", { name: called(field) })} sign="✕" act={() => remove(field)} />
            </div>
            {open === field.id && (
              <FieldEditor field={field} fields={fields} onChange={(next) => change(fields.map((one) => (one.id === field.id ? next : one)))} />
            )}
          </li>
        ))}
      </ol>
      {removed && (
        <p role="status" className="designer__undo">
          {say("removed", { name: called(removed.field) })} <Button type="button" onClick={undo}>{say("undo")}</Button>
        </p>
      )}
      <div className="designer__add" role="group" aria-label={say("add")}>
        {KINDS.map((kind) => (
          <button key={kind} type="button" className="designer__kind" onClick={() => add(kind)}>+ {say(`kind.${kind}`)}</button>
        ))}
      </div>
    </div>
  );
}

function Tool({ label, sign, off = false, act }: { label: string; sign: string; off?: boolean; act: () => void }) {
  return <button type="button" className="designer__tool" aria-label={label} title={label} disabled={off} onClick={act}>{sign}</button>;
}
