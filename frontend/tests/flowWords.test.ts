import { expect, test } from "vitest";
import { en } from "../src/admin/flow/words/en";
import { zh } from "../src/admin/flow/words/zh";

const holes = (text: string) => [...text.matchAll(/(?<!\{)\{(\w+)\}(?!\})/g)].map((found) => found[1]).sort();

test("both languages say the same things and fill the same holes", () => {
  expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort());
  for (const key of Object.keys(en) as (keyof typeof en)[]) expect([key, holes(zh[key])]).toEqual([key, holes(en[key])]);
});

test("Chinese is Chinese", () => {
  for (const [key, text] of Object.entries(zh)) expect([key, text === "" || /[\u4e00-\u9fff]/.test(text)]).toEqual([key, true]);
});
