import { useId, type ReactNode } from "react";

interface Option<T extends string> {
  value: T;
  label: ReactNode;
  name?: string;
}

interface Props<T extends string> {
  legend: string;
  value: T;
  options: Option<T>[];
  onChange: (value: T) => void;
}

/** A row of radio buttons: arrow keys, labels and forms work as the browser made them. */
export function Segmented<T extends string>({ legend, value, options, onChange }: Props<T>) {
  const group = useId();
  return (
    <div className="segmented" role="radiogroup" aria-label={legend}>
      {options.map((option) => (
        <label key={option.value} className="segmented__option" title={option.name}>
          <input
            type="radio"
            name={group}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
            aria-label={option.name}
          />
          <span>{option.label}</span>
        </label>
      ))}
    </div>
  );
}
