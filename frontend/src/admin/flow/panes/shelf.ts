import { asApiError } from "../../../api/errors";
import type { Desk } from "../desk";
import { nodeOf } from "../state/doc";
import type { Case, Pin, StepEvent } from "../trialTypes";
import type { JsonObject } from "../types";
import { say } from "../words";

export interface Shelf {
  state: "unread" | "read";
  pins: Pin[];
  cases: Case[];
  error: string;
}

export const NO_SHELF: Shelf = { state: "unread", pins: [], cases: [], error: "" };

/** What is kept for test runs; read once for each page. */
export async function readShelf(desk: Desk): Promise<void> {
  if (desk.shelf.get().state === "read" || !desk.source.canRun || !desk.source.key) return;
  await doing(desk, async () => {
    const [pins, cases] = await Promise.all([desk.api.pins(), desk.api.cases()]);
    desk.shelf.set({ state: "read", pins, cases, error: "" });
  });
}

/** The pin that stands in for a node: the newest of it. */
export const pinOf = (shelf: Shelf, node: string): Pin | undefined => shelf.pins.filter((one) => one.node === node).sort((a, b) => b.id - a.id)[0];

/** Names of pins by node, of the nodes that are there. */
export function pinsInUse(desk: Desk): Record<string, string> {
  const shelf = desk.shelf.get();
  const nodes = new Set(shelf.pins.map((one) => one.node).filter((id) => nodeOf(desk.editor.doc, id)));
  return Object.fromEntries([...nodes].map((id) => [id, pinOf(shelf, id)?.name ?? ""]));
}

/** Whether what a step gave can be kept: it is there whole, and something can stand in for the step. */
export const pinnable = (step: StepEvent): boolean =>
  step.path === step.node && !["start", "end"].includes(step.type) && ["succeeded", "reused"].includes(step.status) && isWhole(step.output);

const isWhole = (output: unknown): output is JsonObject => output !== null && typeof output === "object" && !Array.isArray(output) && !("$file" in output && "preview" in output);

export const pin = (desk: Desk, step: StepEvent): Promise<void> =>
  doing(desk, async () => {
    const shelf = desk.shelf.get();
    const made = await desk.api.addPin({ node: step.node, name: freeName(step.node, shelf.pins.map((one) => one.name)), output: step.output as JsonObject, files: Object.keys(step.files ?? {}) });
    desk.shelf.set({ ...desk.shelf.get(), pins: [...shelf.pins, made], error: "" });
  });

/** Takes away every pin of the node: none of them stands in any more. */
export const unpin = (desk: Desk, node: string): Promise<void> =>
  doing(desk, async () => {
    for (const one of desk.shelf.get().pins.filter((kept) => kept.node === node)) {
      await desk.api.dropPin(one.id);
      const shelf = desk.shelf.get();
      desk.shelf.set({ ...shelf, pins: shelf.pins.filter((kept) => kept.id !== one.id), error: "" });
    }
  });

export const saveCase = (desk: Desk, name: string, input: JsonObject): Promise<void> =>
  doing(desk, async () => {
    const made = await desk.api.addCase({ name, input, pins: pinsInUse(desk) });
    const shelf = desk.shelf.get();
    desk.shelf.set({ ...shelf, cases: [...shelf.cases, made], error: "" });
  });

function freeName(wanted: string, taken: string[]): string {
  for (let n = 1; ; n += 1) {
    const name = n === 1 ? wanted : `${wanted}-${n}`;
    if (!taken.includes(name)) return name;
  }
}

async function doing(desk: Desk, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    const { message, fields } = asApiError(error);
    desk.shelf.set({ ...desk.shelf.get(), error: [message || say("test.lost"), ...fields.map((one) => one.message)].join(" ") });
  }
}
