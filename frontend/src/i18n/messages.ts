import type { Language } from "./language";
import { en } from "./en";
import { zh } from "./zh";

export type MessageKey = keyof typeof en;

export const messages: Record<Language, Record<MessageKey, string>> = { en, "zh-hans": zh };
