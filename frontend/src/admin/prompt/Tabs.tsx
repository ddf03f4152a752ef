import { useId, type KeyboardEvent, type ReactNode } from "react";

export interface Tab<T extends string> {
  value: T;
  label: ReactNode;
  content: ReactNode;
}

interface Props<T extends string> {
  label: string;
  value: T;
  tabs: Tab<T>[];
  onChange: (value: T) => void;
}

/** Panes behind tabs. Hidden ones stay as they are, so that a running trial goes on while the preview is looked at. */
export function Tabs<T extends string>({ label, value, tabs, onChange }: Props<T>) {
  const id = useId();
  const move = (event: KeyboardEvent<HTMLElement>) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const at = tabs.findIndex((tab) => tab.value === value);
    const next = tabs[(at + step + tabs.length) % tabs.length];
    if (!next) return;
    event.preventDefault();
    onChange(next.value);
    event.currentTarget.querySelector<HTMLElement>(`[data-tab="${next.value}"]`)?.focus();
  };
  return (
    <div className="pe-tabs">
      <div className="pe-tabs__list" role="tablist" aria-label={label} onKeyDown={move}>
        {tabs.map((tab) => (
          <button
            key={tab.value}
            type="button"
            role="tab"
            data-tab={tab.value}
            id={`${id}-${tab.value}`}
            aria-controls={`${id}-${tab.value}-pane`}
            aria-selected={tab.value === value}
            tabIndex={tab.value === value ? 0 : -1}
            onClick={() => onChange(tab.value)}
          >
            {tab.label}
          </button>
        ))}
      </div>
      {tabs.map((tab) => (
        <div key={tab.value} className="pe-tabs__pane" role="tabpanel" id={`${id}-${tab.value}-pane`} aria-labelledby={`${id}-${tab.value}`} hidden={tab.value !== value}>
          {tab.content}
        </div>
      ))}
    </div>
  );
}
