import type { ModelNames } from "./TrialPane";
import { say } from "./words";

interface Props {
  label: string;
  names: ModelNames;
  value: string;
  onChange: (model: string) => void;
}

/** A list where the server says which models there are, and a box for a name where it does not. */
export function ModelPicker({ label, names, value, onChange }: Props) {
  return (
    <label className="pe-field">
      {label}
      {names === "unknown" ? (
        <input className="pe-input" value={value} placeholder={say("trial.name")} spellCheck={false} onChange={(event) => onChange(event.target.value.trim())} />
      ) : (
        <select className="pe-input" value={value} onChange={(event) => onChange(event.target.value)}>
          <option value="">{say("trial.route")}</option>
          {names !== "loading" && names.map((name) => <option key={name}>{name}</option>)}
        </select>
      )}
    </label>
  );
}
