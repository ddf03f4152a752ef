import { currentLanguage } from "../../i18n/language";
import { en, type Word } from "./words/en";
import { zh } from "./words/zh";

export type { Word };

/** Words of the prompt editor, which the rest of the front end does not load. `{name}` stands for a value. */
export function say(word: Word, params: Record<string, string | number> = {}): string {
  const text = (currentLanguage() === "zh-hans" ? zh : en)[word];
  return text.replace(/\{(\w+)\}/g, (hole, name: string) => String(params[name] ?? hole));
}

/** A type's word, or the type itself where a later server knows more of them. */
export const sayType = (type: string | undefined): string =>
  !type ? say("type.any") : `type.${type}` in en ? say(`type.${type}` as Word) : type;

/** "string ≤ 20" and the like: what the server expects begins with the type. */
export const sayExpected = (expected: string): string => expected.replace(/^[a-z]+/, (type) => sayType(type === "any" ? undefined : type));

const CREDIT = 1_000_000;

/** Micro-credits as credits, with as many digits as a small sum needs. */
export function formatCost(micro: number): string {
  const tag = currentLanguage() === "zh-hans" ? "zh-Hans-CN" : "en-GB";
  const digits = new Intl.NumberFormat(tag, { maximumSignificantDigits: 3 });
  return say("trial.credits", { n: digits.format(micro / CREDIT) });
}
