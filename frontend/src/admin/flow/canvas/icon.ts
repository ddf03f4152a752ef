import type { IconName } from "../../../ui/icons";
import type { NodeType } from "../types";

/** The registry names icons in its own words; one that is not drawn here falls back to its kind of step. */
const NAMED: Record<string, IconName> = {
  play: "play", flag: "flag", text: "pen", pen: "pen", chat: "chat", tool: "tool", split: "split", switch: "split", branch: "split",
  wand: "wand", transform: "wand", map: "layers", layers: "layers", loop: "repeat", repeat: "repeat", globe: "globe", http: "globe", book: "book", search: "book",
  image: "image", user: "user", person: "user", human: "user", grid: "grid", box: "grid", pipeline: "grid", clock: "clock", delay: "clock",
};
const BY_CATEGORY: Record<string, IconName> = { flow: "forward", models: "sparkles", data: "wand", logic: "split", tools: "tool", people: "user" };

export const iconFor = (type: NodeType): IconName => NAMED[type.icon] ?? BY_CATEGORY[type.category] ?? "bolt";
