import { ariaDescribedByIds, type WidgetProps } from "@rjsf/utils";
import { useTranslate } from "../../i18n/translate";

const SWATCHES = ["#ffffff", "#f4f1ea", "#e8edf2", "#d9e4dd", "#f5d9d5", "#16181d"];

/** Swatches for the usual, the system's picker for any, and the code for those who know it. */
export function ColorWidget({ id, value, label, options, disabled, readonly, rawErrors, onChange }: WidgetProps) {
  const t = useTranslate();
  const swatches = Array.isArray(options.swatches) ? (options.swatches as string[]) : SWATCHES;
  const current = typeof value === "string" ? value.toLowerCase() : "";
  const locked = disabled || readonly;
  return (
    <div className="color" role="group" aria-label={label}>
      <div className="color__swatches">
        {swatches.map((swatch) => (
          <button
            key={swatch}
            type="button"
            className="color__swatch"
            style={{ backgroundColor: swatch }}
            aria-label={swatch}
            title={swatch}
            aria-pressed={swatch.toLowerCase() === current}
            disabled={locked}
            onClick={() => onChange(swatch)}
          />
        ))}
      </div>
      <span className="color__own">
        <input type="color" aria-label={t("color.pick")} value={/^#[0-9a-f]{6}$/.test(current) ? current : "#ffffff"} disabled={locked} onChange={(event) => onChange(event.target.value)} />
        <input
          id={id}
          className="input color__code"
          value={value ?? ""}
          spellCheck={false}
          maxLength={7}
          disabled={locked}
          aria-describedby={ariaDescribedByIds(id)}
          aria-invalid={Boolean(rawErrors?.length)}
          onChange={(event) => onChange(event.target.value || undefined)}
        />
      </span>
    </div>
  );
}
