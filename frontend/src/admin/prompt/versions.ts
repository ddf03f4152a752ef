import type { PromptApi } from "./api";
import { writeVariables } from "./variables";
import type { Variable } from "./types";

/** One saved state of the prompt, as the list shows it. */
export interface Version {
  number: number;
  note: string;
  author: string | null;
  created_at: string;
  labels: string[];
}

export interface Content {
  system: string;
  body: string;
  variables: Variable[];
}

interface Page {
  items: Version[];
  next: string | null;
}

const enc = encodeURIComponent;

/** The versions of one saved prompt. */
export class VersionApi {
  private readonly base: string;

  constructor(private readonly api: PromptApi, key: string) {
    this.base = `/api/v1/admin/prompts/${enc(key)}`;
  }

  list(cursor: string | null): Promise<Page> {
    return this.api.json<Page>(`${this.base}/versions${cursor ? `?cursor=${enc(cursor)}` : ""}`, {});
  }

  content(number: number): Promise<Content> {
    return this.api.json<Content>(`${this.base}/versions/${number}`, {});
  }

  save(note: string): Promise<Version> {
    return this.api.json<Version>(`${this.base}/versions`, { method: "POST", body: { note } });
  }

  restore(to: number, note: string): Promise<Version> {
    return this.api.json<Version>(`${this.base}/rollback`, { method: "POST", body: { to: String(to), note } });
  }
}

export interface Difference {
  field: "system" | "body" | "variables";
  before: string;
  after: string;
}

/** The fields in which two states differ, as text. */
export function differences(before: Content, after: Content): Difference[] {
  const pairs: Difference[] = [
    { field: "system", before: plain(before.system), after: plain(after.system) },
    { field: "body", before: plain(before.body), after: plain(after.body) },
    { field: "variables", before: ordered(before.variables), after: ordered(after.variables) },
  ];
  return pairs.filter((pair) => pair.before !== pair.after);
}

/** A form sends CR LF; a line is the same line with either end. */
const plain = (text: string) => text.replace(/\r\n?/g, "\n");

const MEMBERS = ["name", "type", "choices", "required", "default", "max_length", "description"];

/** Members in one order: databases do not keep the one they were given. */
const ordered = (variables: Variable[]) =>
  writeVariables(variables.map((variable) => {
    const others = Object.keys(variable).filter((member) => !MEMBERS.includes(member)).sort();
    return Object.fromEntries([...MEMBERS, ...others].filter((member) => member in variable).map((member) => [member, variable[member]])) as Variable;
  }));
