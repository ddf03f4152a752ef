import { expect, test } from "vitest";
import { segmentsOf } from "../src/admin/prompt/origins";
import { differences } from "../src/admin/prompt/versions";
import { parseVariables, readValue, readValues, usageOf, withMember, writeVariables } from "../src/admin/prompt/variables";

test("variables are a list of objects, or no table at all", () => {
  expect(parseVariables("")).toEqual([]);
  expect(parseVariables('[{"name": "a"}]')).toEqual([{ name: "a" }]);
  for (const broken of ["[half", "{}", '["a"]', "null", "[[]]"]) expect(parseVariables(broken)).toBeNull();
});

test("a change keeps what the table does not show, and leaves out what is empty", () => {
  const variables = [{ name: "a", type: "string", max_length: 20, unknown: { kept: true } }, { name: "b" }];

  const changed = withMember(withMember(variables, 0, "description", "of it"), 0, "type", "");

  expect(changed).toEqual([{ name: "a", max_length: 20, unknown: { kept: true }, description: "of it" }, { name: "b" }]);
  expect(parseVariables(writeVariables(changed))).toEqual(changed);
  expect(withMember(changed, 1, "required", false)[1]).toEqual({ name: "b", required: false });
});

test.each([
  ["12", "integer", 12], ["1.5", "number", 1.5], ["twelve", "integer", "twelve"], [" ", "number", " "],
  ["true", "boolean", true], ["false", "boolean", false], ["yes", "boolean", "yes"],
  ['["a"]', "array", ["a"]], ['{"a": 1}', "object", { a: 1 }], ["[half", "array", "[half"],
  ["007", undefined, "007"], ["[1]", undefined, [1]], ["[1]", "string", "[1]"],
])("%s as %s is %j", (text, type, value) => expect(readValue(text, type)).toEqual(value));

test("an empty box gives no value, and undeclared names give theirs as text", () => {
  expect(readValues({ a: "", b: "2", c: "3" }, [{ name: "a" }, { name: "b", type: "integer" }])).toEqual({ b: 2, c: "3" });
});

test("undeclared and unused are told apart from what an included prompt needs", () => {
  const usage = usageOf([{ name: "topic" }, { name: "voice" }, { name: "left" }], ["{{ topic }}", "{{ tone }}"], new Set(["voice"]));

  expect(usage.undeclared).toEqual(["tone"]);
  expect([...usage.unused]).toEqual(["left"]);
});

test("included texts are cut out, inner ones from outer ones", () => {
  const origins = [{ field: "body" as const, key: "inner", start: 4, end: 5 }, { field: "body" as const, key: "outer", start: 3, end: 7 }];

  expect(segmentsOf("🌙 abcde", origins)).toEqual([
    { text: "🌙 ", from: [] }, { text: "a", from: ["outer"] }, { text: "b", from: ["outer", "inner"] },
    { text: "cd", from: ["outer"] }, { text: "e", from: [] },
  ]);
  expect(segmentsOf("", [])).toEqual([]);
});

test("line ends and the order of members are no difference", () => {
  const before = { system: "a\r\nb", body: "x", variables: [{ required: true, name: "a" }] };
  const after = { system: "a\nb", body: "y", variables: [{ name: "a", required: true }] };

  expect(differences(before, after)).toEqual([{ field: "body", before: "x", after: "y" }]);
});
