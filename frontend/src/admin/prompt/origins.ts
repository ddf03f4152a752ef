import type { Origin } from "./types";

export interface Segment {
  text: string;
  /** The prompts that this came from, outermost first; none for the prompt's own words. */
  from: string[];
}

/** `text` cut where included texts begin and end. */
export function segmentsOf(text: string, origins: Origin[]): Segment[] {
  if (origins.length === 0) return text ? [{ text, from: [] }] : [];
  const edges = new Set([0, text.length, ...origins.flatMap(({ start, end }) => [start, end])]);
  const cuts = [...edges].filter((at) => at >= 0 && at <= text.length).sort((a, b) => a - b);
  return cuts.slice(0, -1).map((start, index) => ({
    text: text.slice(start, cuts[index + 1]),
    from: origins.filter((origin) => origin.start <= start && start < origin.end).sort(outermost).map((origin) => origin.key),
  }));
}

const outermost = (a: Origin, b: Origin) => a.start - b.start || b.end - a.end;
