import { useMemo, useState } from "react";
import type { Draft } from "./api";
import { readField, writeField } from "./form";
import type { EditorSource, Variable } from "./types";
import { parseVariables, readValues, writeVariables } from "./variables";

export interface DraftState {
  texts: { system: string; body: string };
  /** Null while their JSON is no list of objects. */
  variables: Variable[] | null;
  json: string;
  typed: Record<string, string>;
  values: Record<string, unknown>;
  /** What the server is asked about; null while it could not be read. */
  question: Draft | null;
  write: (name: "system" | "body", text: string) => void;
  setVariables: (variables: Variable[]) => void;
  setJson: (text: string) => void;
  setValue: (name: string, text: string) => void;
}

/** The draft as it is typed. Every change stands in the form's fields at once; test values never do. */
export function useDraft(source: EditorSource): DraftState {
  const [texts, setTexts] = useState(() => ({ system: readField("system", source), body: readField("body", source) }));
  const [json, setText] = useState(() => readField("variables", source));
  const [typed, setTyped] = useState(() => remembered(source.key));
  const variables = useMemo(() => parseVariables(json), [json]);
  const values = useMemo(() => readValues(typed, variables ?? []), [typed, variables]);
  const question = useMemo(
    () => variables && { ...(source.key ? { key: source.key } : {}), ...texts, variables },
    [source.key, texts, variables],
  );
  const setJson = (text: string) => {
    setText(text);
    writeField("variables", text);
  };
  return {
    texts, variables, json, typed, values, question, setJson,
    write: (name, text) => {
      writeField(name, text);
      setTexts((old) => ({ ...old, [name]: text }));
    },
    setVariables: (next) => setJson(writeVariables(next)),
    setValue: (name, text) => setTyped((old) => remember(source.key, { ...old, [name]: text })),
  };
}

const place = (key: string | null) => `paiban.prompt-values:${key ?? ""}`;

/** Test values outlive a save of the form, in this tab alone. */
function remember(key: string | null, typed: Record<string, string>): Record<string, string> {
  try {
    sessionStorage.setItem(place(key), JSON.stringify(typed));
  } catch {
    // Full or forbidden: they then last until the page is left.
  }
  return typed;
}

function remembered(key: string | null): Record<string, string> {
  try {
    return JSON.parse(sessionStorage.getItem(place(key)) ?? "{}") as Record<string, string>;
  } catch {
    return {};
  }
}
