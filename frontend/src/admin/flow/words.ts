import { currentLanguage } from "../../i18n/language";
import { words as textOf } from "../translated";
import type { Kind } from "./state/kinds";
import type { Words } from "./types";
import { en, type Word } from "./words/en";
import { zh } from "./words/zh";

export type { Word };

/** Words of the flow editor, which the rest of the front end does not load. `{name}` stands for a value. */
export function say(word: Word, params: Record<string, string | number> = {}): string {
  const text = (currentLanguage() === "zh-hans" ? zh : en)[word];
  return text.replace(/\{(\w+)\}/g, (hole, name: string) => String(params[name] ?? hole));
}

export const sayKinds = (kinds: readonly Kind[]): string => kinds.map((kind) => say(`kind.${kind}`)).join(say("list.or"));

/** A title in the reader's language, or `other` where there is none. */
export const titleOf = (title: Words | undefined, other: string): string => textOf(title, currentLanguage()) || other;

const CREDIT = 1_000_000;

export function sayCost(micro: number): string {
  const tag = currentLanguage() === "zh-hans" ? "zh-Hans-CN" : "en-GB";
  return say("cost.credits", { n: new Intl.NumberFormat(tag, { maximumSignificantDigits: 3 }).format(micro / CREDIT) });
}

export function saySeconds(seconds: number): string {
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
}
