import { isAbsent } from "../api";
import type { Desk } from "../desk";
import type { Problem } from "../types";

const QUIET_MS = 450;

/** Has the graph judged, and its steps described, a moment after each change. Answers what stops it. */
export function keepChecking(desk: Desk): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asking: AbortController | null = null;
  let graph: object | null = null;
  const ask = () => {
    asking?.abort();
    asking = new AbortController();
    void check(desk, asking.signal);
    void describe(desk, asking.signal);
  };
  const changed = () => {
    if (desk.editor.doc.graph === graph) return;
    graph = desk.editor.doc.graph;
    clearTimeout(timer);
    timer = setTimeout(ask, QUIET_MS);
  };
  graph = desk.editor.doc.graph;
  ask();
  const stop = desk.editor.subscribe(changed);
  return () => {
    stop();
    clearTimeout(timer);
    asking?.abort();
  };
}

async function check(desk: Desk, signal: AbortSignal): Promise<void> {
  if (desk.checked.get().state === "absent") return;
  try {
    const verdict = await desk.api.validate(desk.editor.doc.graph, desk.source.key, desk.source.feature?.key, signal);
    desk.checked.set({ state: "known", verdict, byNode: grouped(verdict.problems) });
    // The page's own list is of the draft as it was loaded; from here on it would only be old.
    document.querySelector<HTMLElement>("[data-saved-problems]")?.setAttribute("hidden", "");
  } catch (error) {
    if (!signal.aborted) desk.checked.set({ ...desk.checked.get(), state: isAbsent(error) ? "absent" : "failed" });
  }
}

let describes = true;

async function describe(desk: Desk, signal: AbortSignal): Promise<void> {
  if (!describes) return;
  try {
    const described = await desk.api.describe(desk.editor.doc.graph, desk.source.feature?.key, signal);
    desk.known.set({ ...desk.known.get(), described });
  } catch (error) {
    if (!signal.aborted && isAbsent(error)) describes = false;
  }
}

function grouped(problems: Problem[]): Map<string, Problem[]> {
  const byNode = new Map<string, Problem[]>();
  for (const problem of problems) if (problem.node) byNode.set(problem.node, [...(byNode.get(problem.node) ?? []), problem]);
  return byNode;
}
