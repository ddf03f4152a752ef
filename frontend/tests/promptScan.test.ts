import { describe, expect, test } from "vitest";
import { includedIn, placeAfter, usedIn } from "../src/admin/prompt/scan";

describe("names that a text reads", () => {
  test.each([
    ["{{ topic }} and {{tone}}", ["topic", "tone"]],
    ["{{- a -}}{%- if b -%}x{%- endif -%}", ["a", "b"]],
    ["{{ user.name | default: fallback | upcase }}", ["user", "fallback"]],
    ["{{ 'quoted word' }} {{ \"another\" }}", []],
    ["{% if a and b contains 'c' or d == empty %}{% elsif e %}{% else %}{% endif %}", ["a", "b", "d", "e"]],
    ["{% for item in items limit: most %}{{ item.name }} {{ forloop.index }}{% endfor %}", ["items", "most"]],
    ["{% assign short = text | truncate: 20 %}{{ short }}", ["text"]],
    ["{% capture note %}{{ inner }}{% endcapture %}{{ note }}", ["inner"]],
    ["{% render 'tone', length: size %}{% include 'a' with product as thing %}", ["size", "product"]],
    ["{% comment %}{{ hidden }}{% endcomment %}{% raw %}{{ shown }}{% endraw %}{% # {{ note }} %}", []],
    ["{{ unfinished", []],
    ["no tags { at } all", []],
    ["{{ 产品 }}", []],
  ])("%s", (source, names) => expect(usedIn(source)).toEqual(names));
});

test("included prompts are named once, comments name none", () => {
  const source = `{% render 'tone' %}{% include "tone@2" %}{% render 'tone' %}{% comment %}{% render 'x' %}{% endcomment %}`;

  expect(includedIn(source)).toEqual(["tone", "tone@2"]);
});

describe("what may stand at the cursor", () => {
  test.each([
    ["Hello ", { kind: "text" }],
    ["{{ a }} and ", { kind: "text" }],
    ["{{", { kind: "variable", inTag: false }],
    ["{{ to", { kind: "variable", inTag: false }],
    ["{{ a | ", { kind: "filter", inTag: false }],
    ["{{ a | trunc", { kind: "filter", inTag: false }],
    ["{{ a | default: ", { kind: "variable", inTag: false }],
    ["{%", { kind: "tag", inTag: true }],
    ["{%- re", { kind: "tag", inTag: true }],
    ["{% if ", { kind: "variable", inTag: true }],
    ["{% render 'ho", { kind: "include", quoted: "ho" }],
    ["{% render 'house-tone@", { kind: "include", quoted: "house-tone@" }],
    ["{% render 'a', b: ", { kind: "variable", inTag: true }],
    ["{% if a %}{{ ", { kind: "variable", inTag: false }],
  ])("%s", (before, place) => expect(placeAfter(before)).toEqual(place));
});
