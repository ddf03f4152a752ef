import { ariaDescribedByIds, getInputProps, type BaseInputTemplateProps, type WidgetProps } from "@rjsf/utils";

/** Text, number, e-mail, date and the like: the library says which, the browser draws it. */
export function BaseInput({ id, type, value, label, schema, options, placeholder, disabled, readonly, autofocus, rawErrors, onChange }: BaseInputTemplateProps) {
  const { step, min, max, inputMode, ...input } = { inputMode: undefined, ...getInputProps(schema, type, options) };
  const change = (text: string) => onChange(text === "" ? options.emptyValue : text);
  return (
    <input
      id={id}
      className="input"
      aria-label={label}
      type={input.type}
      step={step}
      min={min}
      max={max}
      inputMode={inputMode}
      maxLength={schema.maxLength}
      value={value ?? ""}
      placeholder={placeholder}
      disabled={disabled}
      readOnly={readonly}
      autoFocus={autofocus}
      aria-invalid={Boolean(rawErrors?.length)}
      aria-describedby={ariaDescribedByIds(id)}
      onChange={(event) => change(event.target.value)}
    />
  );
}

export function TextareaWidget({ id, value, schema, options, placeholder, disabled, readonly, rawErrors, onChange }: WidgetProps) {
  const text = typeof value === "string" ? value : "";
  return (
    <div className="textarea">
      <textarea
        id={id}
        className="input"
        rows={Number(options.rows ?? 5)}
        value={text}
        placeholder={placeholder}
        disabled={disabled}
        readOnly={readonly}
        aria-invalid={Boolean(rawErrors?.length)}
        aria-describedby={ariaDescribedByIds(id)}
        onChange={(event) => onChange(event.target.value === "" ? options.emptyValue : event.target.value)}
      />
      {schema.maxLength !== undefined && (
        <span className="textarea__count" data-over={text.length > schema.maxLength || undefined}>{text.length} / {schema.maxLength}</span>
      )}
    </div>
  );
}

export function RangeWidget({ id, value, schema, label, disabled, readonly, onChange }: WidgetProps) {
  const min = schema.minimum ?? 0;
  const max = schema.maximum ?? 100;
  const step = schema.multipleOf ?? (schema.type === "integer" ? 1 : (max - min) / 100);
  const current = typeof value === "number" ? value : min;
  return (
    <div className="range">
      <input
        id={id}
        type="range"
        min={min}
        max={max}
        step={step}
        value={current}
        aria-label={label}
        aria-describedby={ariaDescribedByIds(id)}
        disabled={disabled || readonly}
        style={{ "--filled": `${((current - min) / (max - min)) * 100}%` } as React.CSSProperties}
        onChange={(event) => onChange(Number(event.target.value))}
      />
      <output htmlFor={id}>{current}</output>
    </div>
  );
}
