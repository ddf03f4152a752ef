import { useMemo } from "react";
import { useStore } from "../ui/store";
import { language, type Language } from "./language";
import { messages, type MessageKey } from "./messages";

export type Params = Record<string, string | number>;
export type Translate = (key: MessageKey, params?: Params) => string;

/** Fills `{name}` holes; a text with no value for a hole keeps it, which shows in any review. */
export function translate(key: MessageKey, params: Params = {}, chosen: Language = language.get()): string {
  // A server newer than this page may name a state that it has no word for: that must not take the page down.
  const text: string | undefined = messages[chosen][key];
  return (text ?? key).replace(/\{(\w+)\}/g, (hole, name: string) => String(params[name] ?? hole));
}

export function useTranslate(): Translate {
  const chosen = useStore(language);
  return useMemo(() => (key, params) => translate(key, params, chosen), [chosen]);
}
