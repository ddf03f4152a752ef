/** What a Liquid text reads, found without the server so that the table follows every key. The server has the last word. */

const TOKENS = /"[^"]*"|'[^']*'|[A-Za-z_][\w-]*|-?\d+(?:\.\d+)?|\S/g;
const WORDS = new Set([
  "and", "or", "not", "contains", "in", "with", "as", "for", "true", "false", "nil", "null", "none", "empty", "blank", "reversed",
  "if", "else", "continue", "forloop", "tablerowloop",
]);
/** Tags whose first name is their own, not one to be given. */
const BINDS = new Set(["assign", "capture", "for", "tablerow", "increment", "decrement"]);
const NO_EXPRESSION = new Set(["comment", "endcomment", "raw", "endraw", "else", "break", "continue"]);
const SKIPPED = /\{%-?\s*(comment|raw)\s*-?%\}[\s\S]*?(?:\{%-?\s*end\1\s*-?%\}|$)|\{%-?\s*#[\s\S]*?%\}/g;
const PARTS = /\{\{-?([\s\S]*?)-?\}\}|\{%-?\s*(\w+)([\s\S]*?)-?%\}/g;

/** The names that `source` reads from outside, in the order in which they first appear. */
export function usedIn(source: string): string[] {
  const used = new Set<string>();
  const own = new Set<string>();
  for (const [, output, tag, rest] of source.replace(SKIPPED, "").matchAll(PARTS)) {
    if (output !== undefined) collect(tokensOf(output), used);
    else if (tag && !NO_EXPRESSION.has(tag)) readTag(tag, tokensOf(rest ?? ""), used, own);
  }
  return [...used].filter((name) => !own.has(name));
}

/** The keys of the prompts that `source` brings in. */
export function includedIn(source: string): string[] {
  const found = source.replace(SKIPPED, "").matchAll(/\{%-?\s*(?:render|include)\s+(?:'([^']+)'|"([^"]+)")/g);
  return [...new Set([...found].map(([, single, double]) => single ?? double ?? ""))];
}

const tokensOf = (text: string) => text.match(TOKENS) ?? [];

function readTag(tag: string, tokens: string[], used: Set<string>, own: Set<string>): void {
  if (tag === "render" || tag === "include") {
    readPassed(tokens, used);
    return;
  }
  if (BINDS.has(tag) && tokens[0]) {
    own.add(tokens[0]);
    collect(tokens.slice(1), used);
    return;
  }
  collect(tokens, used);
}

/** Behind `as` stands the name by which the other text knows the value. */
function readPassed(tokens: string[], used: Set<string>): void {
  const named = tokens.indexOf("as");
  collect(named < 0 ? tokens : [...tokens.slice(0, named), ...tokens.slice(named + 2)], used);
}

function collect(tokens: string[], used: Set<string>): void {
  tokens.forEach((token, at) => {
    if (isName(token) && !isPart(tokens[at - 1]) && tokens[at + 1] !== ":") used.add(token);
  });
}

const isName = (token: string) => /^[A-Za-z_]/.test(token) && !WORDS.has(token);
/** After a dot stands a member, after a bar a filter. */
const isPart = (before: string | undefined) => before === "." || before === "|";

export type Place =
  | { kind: "text" }
  | { kind: "tag" | "variable" | "filter"; inTag: boolean }
  | { kind: "include"; quoted: string };

/** What may stand at the end of `before`, the text in front of the cursor. */
export function placeAfter(before: string): Place {
  const near = before.slice(-2000);
  const output = near.lastIndexOf("{{");
  const tag = near.lastIndexOf("{%");
  const open = Math.max(output, tag);
  const inside = near.slice(open + 2).replace(/^-/, "");
  if (open < 0 || /\}\}|%\}/.test(inside)) return { kind: "text" };
  return tag > output ? placeInTag(inside) : { kind: afterBar(inside) ? "filter" : "variable", inTag: false };
}

function placeInTag(inside: string): Place {
  const include = /^\s*(?:render|include)\s+["']([^"']*)$/.exec(inside);
  if (include) return { kind: "include", quoted: include[1] ?? "" };
  if (/^\s*\w*$/.test(inside)) return { kind: "tag", inTag: true };
  return { kind: afterBar(inside) ? "filter" : "variable", inTag: true };
}

const afterBar = (inside: string) => /\|\s*[\w-]*$/.test(inside);
