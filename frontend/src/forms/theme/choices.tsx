import { ariaDescribedByIds, enumOptionsIsSelected, type EnumOptionsType, type WidgetProps } from "@rjsf/utils";
import { useTranslate } from "../../i18n/translate";

/** Few short choices are quicker as one row of buttons than behind a list that must be opened. */
const MOST_SEGMENTS = 4;
const LONGEST_ROW = 34;

const fitsRow = (options: EnumOptionsType[]) =>
  options.length <= MOST_SEGMENTS && widthOf(options) <= LONGEST_ROW;

/** Chinese characters are twice as wide as letters. */
const widthOf = (options: EnumOptionsType[]) =>
  options.map((option) => option.label).join("").replace(/[\u2e80-\uffff]/g, "xx").length;

export function SelectWidget(props: WidgetProps) {
  const choices = props.options.enumOptions ?? [];
  if (props.multiple) return <CheckboxesWidget {...props} />;
  return fitsRow(choices) ? <RadioRow {...props} shape="segmented" /> : <Dropdown {...props} />;
}

export function RadioWidget(props: WidgetProps) {
  const choices = props.options.enumOptions ?? [];
  return <RadioRow {...props} shape={fitsRow(choices) ? "segmented" : "radio-list"} />;
}

function RadioRow({ id, options, value, label, disabled, readonly, onChange, shape }: WidgetProps & { shape: string }) {
  return (
    <div className={shape} role="radiogroup" aria-label={label} aria-describedby={ariaDescribedByIds(id)}>
      {(options.enumOptions ?? []).map((option, index) => (
        <label key={index} className={`${shape}__option`}>
          <input
            id={index === 0 ? id : `${id}-${index}`}
            type="radio"
            name={id}
            checked={enumOptionsIsSelected(option.value, value)}
            disabled={disabled || readonly}
            onChange={() => onChange(option.value)}
          />
          <span>{option.label}</span>
        </label>
      ))}
    </div>
  );
}

function Dropdown({ id, options, value, label, required, placeholder, disabled, readonly, rawErrors, onChange }: WidgetProps) {
  const t = useTranslate();
  const choices = options.enumOptions ?? [];
  const chosen = choices.findIndex((option) => enumOptionsIsSelected(option.value, value));
  return (
    <select
      id={id}
      className="input select"
      aria-label={label}
      value={chosen}
      disabled={disabled || readonly}
      aria-describedby={ariaDescribedByIds(id)}
      aria-invalid={Boolean(rawErrors?.length)}
      onChange={(event) => onChange(choices[Number(event.target.value)]?.value)}
    >
      {(chosen < 0 || !required) && <option value={-1}>{placeholder || t("field.choose")}</option>}
      {choices.map((option, index) => <option key={index} value={index}>{option.label}</option>)}
    </select>
  );
}

export function CheckboxesWidget({ id, options, value, label, disabled, readonly, onChange }: WidgetProps) {
  const chosen: unknown[] = Array.isArray(value) ? value : [];
  const choices = options.enumOptions ?? [];
  // Kept in the order of the schema, so that the same choice is always the same value.
  const toggle = (picked: unknown) =>
    onChange(choices.map((option) => option.value as unknown).filter((one) => (one === picked ? !chosen.includes(one) : chosen.includes(one))));
  return (
    <div className="radio-list" role="group" aria-label={label} aria-describedby={ariaDescribedByIds(id)}>
      {choices.map((option, index) => (
        <label key={index} className="radio-list__option">
          <input
            id={index === 0 ? id : `${id}-${index}`}
            type="checkbox"
            checked={chosen.includes(option.value)}
            disabled={disabled || readonly}
            onChange={() => toggle(option.value)}
          />
          <span>{option.label}</span>
        </label>
      ))}
    </div>
  );
}

export function CheckboxWidget({ id, value, label, schema, uiSchema, disabled, readonly, onChange }: WidgetProps) {
  const hint = (uiSchema?.["ui:description"] ?? schema.description) as string | undefined;
  return (
    <label className="switch">
      <input id={id} type="checkbox" role="switch" checked={value === true} disabled={disabled || readonly} aria-describedby={ariaDescribedByIds(id)} onChange={(event) => onChange(event.target.checked)} />
      <span className="switch__track" aria-hidden="true" />
      <span className="switch__label">{label}{hint && <small>{hint}</small>}</span>
    </label>
  );
}
