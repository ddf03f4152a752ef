import { useId, useState } from "react";
import { Button, IconButton } from "../../ui/Button";
import type { Preview, Variable } from "./types";
import { ChoicesInput, DefaultInput, NameInput, ValueInput } from "./VariableInputs";
import { withMember, type Usage } from "./variables";
import { say, sayExpected, sayType } from "./words";

export const TYPES = ["string", "number", "integer", "boolean", "array", "object"];
/** Of which a variable may be one of a few. */
const CHOSEN = new Set(["string", "number", "integer"]);

interface Props {
  variables: Variable[];
  types: string[];
  usage: Usage;
  /** Names that an included prompt needs, and this one does not declare. */
  inherited: Variable[];
  values: Record<string, string>;
  answer: Preview | null;
  readOnly: boolean;
  onChange: (variables: Variable[]) => void;
  onValue: (name: string, text: string) => void;
}

/** The declared variables with their test values, and below them what is used without being declared. */
export function VariableTable(props: Props) {
  const { variables, usage, inherited, readOnly } = props;
  const title = useId();
  const rows = useRows(props);
  const empty = variables.length + usage.undeclared.length + inherited.length === 0;
  return (
    <section className="pe-variables" aria-labelledby={title} data-testid="variables">
      <header>
        <h3 id={title}>{say("variables.title")}</h3>
        <p className="pe-faint">{say("variables.hint")}</p>
      </header>
      {empty && <p className="pe-faint">{say("variables.none")}</p>}
      <div role="table" aria-labelledby={title} className="pe-table" hidden={empty}>
        <div role="row" className="pe-row pe-row--head">
          {(["name", "type", "required", "default", "description", "value"] as const).map((member) => (
            <span role="columnheader" key={member} data-cell={member}>{say(`variables.${member}`)}</span>
          ))}
          <span role="columnheader" data-cell="act"><span className="visually-hidden">{say("variables.remove", { name: "" })}</span></span>
        </div>
        {variables.map((variable, at) => (
          <DeclaredRow key={rows.ids[at] ?? `#${at}`} {...props} variable={variable} at={at} onRemove={() => rows.remove(at)} />
        ))}
        {usage.undeclared.map((name) => (
          <LooseRow key={name} {...props} variable={{ name }} tag="undeclared" onDeclare={readOnly ? undefined : () => rows.add(name)} />
        ))}
        {inherited.map((variable) => <LooseRow key={variable.name} {...props} variable={variable} tag="inherited" />)}
      </div>
      {!readOnly && <Button kind="quiet" icon="plus" className="button--small" onClick={() => rows.add("")}>{say("variables.add")}</Button>}
    </section>
  );
}

/** Names can be empty and can repeat while they are typed, so each row has a number of its own. */
function useRows({ variables, onChange }: Props) {
  const [ids, setIds] = useState(() => variables.map((_, at) => at));
  const add = (name: string) => {
    setIds([...ids, Math.max(-1, ...ids) + 1]);
    onChange([...variables, { name, type: "string", required: true }]);
  };
  const remove = (at: number) => {
    setIds(ids.filter((_, index) => index !== at));
    onChange(variables.filter((_, index) => index !== at));
  };
  return { ids, add, remove };
}

interface RowProps extends Props {
  variable: Variable;
  at: number;
  onRemove: () => void;
}

function DeclaredRow(props: RowProps) {
  const { variable, at, variables, usage, readOnly, onChange, onRemove } = props;
  const set = (member: string, value: unknown) => onChange(withMember(variables, at, member, value));
  const label = (member: "type" | "required" | "description") =>
    say("variables.of", { name: variable.name || say("variables.unnamed"), member: say(`variables.${member}`) });
  return (
    <div role="row" className="pe-row" data-variable={variable.name} data-unused={usage.unused.has(variable.name) || undefined}>
      <span role="cell" data-cell="name" data-title={say("variables.name")}>
        <NameInput name={variable.name} readOnly={readOnly} onChange={(name) => onChange(variables.map((old, index) => (index === at ? { ...old, name } : old)))} />
        {usage.unused.has(variable.name) && <em className="pe-tag">{say("variables.unused")}</em>}
      </span>
      <span role="cell" data-cell="type" data-title={say("variables.type")}>
        <TypeSelect {...props} label={label("type")} onType={(type) => set("type", type)} />
        {(CHOSEN.has(variable.type ?? "") || variable.choices) && <ChoicesInput variable={variable} readOnly={readOnly} onChange={(choices) => set("choices", choices)} />}
      </span>
      <span role="cell" data-cell="required" data-title={say("variables.required")}>
        <input type="checkbox" aria-label={label("required")} disabled={readOnly} checked={variable.required !== false} onChange={(event) => set("required", event.target.checked)} />
      </span>
      <span role="cell" data-cell="default" data-title={say("variables.default")}>
        <DefaultInput variable={variable} readOnly={readOnly} onChange={(value) => set("default", value)} />
      </span>
      <span role="cell" data-cell="description" data-title={say("variables.description")}>
        <input className="pe-input" aria-label={label("description")} readOnly={readOnly} value={variable.description ?? ""} onChange={(event) => set("description", event.target.value)} />
      </span>
      <ValueCell {...props} />
      <span role="cell" data-cell="act">
        {!readOnly && <IconButton icon="close" label={say("variables.remove", { name: variable.name || say("variables.unnamed") })} onClick={onRemove} />}
      </span>
    </div>
  );
}

function TypeSelect({ variable, types, readOnly, label, onType }: RowProps & { label: string; onType: (type: string) => void }) {
  const known = [...new Set([...types, ...(variable.type ? [variable.type] : [])])];
  return (
    <select className="pe-input" aria-label={label} disabled={readOnly} value={variable.type ?? ""} onChange={(event) => onType(event.target.value)}>
      <option value="">{say("type.any")}</option>
      {known.map((type) => <option key={type} value={type}>{sayType(type)}</option>)}
    </select>
  );
}

interface LooseProps extends Props {
  variable: Variable;
  tag: "undeclared" | "inherited";
  onDeclare?: () => void;
}

function LooseRow(props: LooseProps) {
  const { variable, tag, onDeclare } = props;
  return (
    <div role="row" className="pe-row pe-row--loose" data-variable={variable.name} data-tag={tag}>
      <span role="cell" data-cell="name" data-title={say("variables.name")}>
        <code>{variable.name}</code>
        <em className="pe-tag">{say(`variables.${tag}`)}</em>
      </span>
      <span role="cell" data-cell="wide">
        {tag === "inherited" && <span className="pe-faint">{[sayType(variable.type), variable.description].filter(Boolean).join(" · ")}</span>}
        {onDeclare && <Button icon="plus" className="button--small" aria-label={say("variables.declareNamed", { name: variable.name })} onClick={onDeclare}>{say("variables.declare")}</Button>}
      </span>
      <ValueCell {...props} />
      <span role="cell" data-cell="act" />
    </div>
  );
}

function ValueCell({ variable, values, answer, onValue }: Props & { variable: Variable }) {
  const missing = answer?.missingVars.includes(variable.name) ?? false;
  const mistyped = answer?.mistyped.find((found) => found.name === variable.name);
  const note = useId();
  return (
    <span role="cell" data-cell="value" data-title={say("variables.value")} data-missing={missing || undefined} data-mistyped={mistyped ? true : undefined}>
      <ValueInput variable={variable} text={values[variable.name] ?? ""} wrong={missing || Boolean(mistyped)} describedBy={note} onChange={(text) => onValue(variable.name, text)} />
      <small id={note} className="pe-wrong">
        {missing && say("variables.missing")}
        {mistyped && say("variables.mistyped", { expected: sayExpected(mistyped.expected), given: sayType(mistyped.given) })}
      </small>
    </span>
  );
}
