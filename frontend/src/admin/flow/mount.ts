import { readSource } from "../source";
import type { FlowSource } from "./types";

/** Reads what the page hands over; the form's own field stays where it is. Raises when there is nothing to read. */
export async function mountFlowEditor(host: HTMLElement): Promise<FlowSource> {
  const source = readSource(host.dataset.source) as FlowSource | null;
  if (!source) throw new Error("the page hands no flow over");
  return source;
}
