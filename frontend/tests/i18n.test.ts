import { expect, test } from "vitest";
import { en } from "../src/i18n/en";
import { zh } from "../src/i18n/zh";
import { translate } from "../src/i18n/translate";

const holes = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1]).sort();

test("both languages say the same things", () => {
  expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort());
});

test("both languages fill the same holes", () => {
  for (const key of Object.keys(en) as (keyof typeof en)[]) expect([key, holes(zh[key])]).toEqual([key, holes(en[key])]);
});

test("nothing is left empty, and Chinese is Chinese", () => {
  const foreign = new Set(["language.switch"]);
  for (const [key, text] of Object.entries(zh)) {
    expect(text.trim()).not.toBe("");
    if (!foreign.has(key)) expect(text).toMatch(/[\u4e00-\u9fff]/);
  }
});

test("holes are filled, and a missing value shows", () => {
  expect(translate("field.minimum", { limit: 3 }, "en")).toBe("At least 3, please.");
  expect(translate("field.minimum", {}, "en")).toContain("{limit}");
});
