/** The parts of a JSON Pointer, with or without the leading `#`. */
export function segments(pointer: string): string[] {
  const parts = decodeURIComponent(pointer.replace(/^#/, "")).split("/").slice(1);
  return parts.map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}
