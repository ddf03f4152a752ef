import type { Words } from "../types";
import { say } from "../words";

interface Props {
  label: string;
  value: Words | undefined;
  readOnly: boolean;
  onChange: (value: Words | undefined) => void;
}

const LANGUAGES = [["en", "English"], ["zh-hans", "中文"]] as const;

/** A text in both languages; left empty in one, the other one is shown. */
export function WordsField({ label, value, readOnly, onChange }: Props) {
  const words: Record<string, string> = typeof value === "string" ? { en: value } : (value ?? {});
  const write = (language: string, text: string) => {
    const next = Object.fromEntries(Object.entries({ ...words, [language]: text }).filter(([, one]) => one !== ""));
    onChange(Object.keys(next).length === 0 ? undefined : next);
  };
  return (
    <fieldset className="fe-words">
      <legend className="field__label">{label}<span className="field__optional">{say("field.optional")}</span></legend>
      {LANGUAGES.map(([language, name]) => (
        <label key={language}>
          <small lang={language}>{name}</small>
          <input className="input" lang={language} value={words[language] ?? ""} maxLength={120} readOnly={readOnly} onChange={(event) => write(language, event.target.value)} />
        </label>
      ))}
    </fieldset>
  );
}
