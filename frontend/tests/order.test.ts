import { expect, test } from "vitest";
import { completeOrder } from "../src/forms/completeOrder";

const schema = { properties: { a: {}, b: {}, box: { properties: { c: {}, d: {} } } } };
const ordered = (ui: object) => completeOrder(ui as never, schema as never);

test("a field that the order forgets comes last", () => {
  expect(ordered({ "ui:order": ["b"] })).toEqual({ "ui:order": ["b", "*"] });
});

test("names that are no field any more, and repeated ones, are left out", () => {
  expect(ordered({ "ui:order": ["*", "gone", "b", "b", 7, "*"] })).toEqual({ "ui:order": ["*", "b"] });
});

test("objects inside are completed, too, and the rest stays as it is", () => {
  const ui = { a: { "ui:widget": "file" }, box: { "ui:order": ["d"] }, "ui:options": { x: 1 } };
  expect(ordered(ui)).toEqual({ ...ui, box: { "ui:order": ["d", "*"] } });
});

test("without an order there is none", () => {
  expect(ordered({})).toEqual({});
  expect(ordered({ "ui:order": "a" })).toEqual({ "ui:order": "a" });
});
