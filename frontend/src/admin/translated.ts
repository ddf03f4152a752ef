type Bag = Record<string, unknown>;

const isBag = (value: unknown): value is Bag => value !== null && typeof value === "object" && !Array.isArray(value);

/** Lays each `x-i18n` overlay of `language` over its neighbours, as the server does on publishing. */
export function translated(value: unknown, language: string): unknown {
  if (Array.isArray(value)) return value.map((item) => translated(item, language));
  if (!isBag(value)) return value;
  const { "x-i18n": overlays, ...rest } = value;
  const overlay = isBag(overlays) && isBag(overlays[language]) ? overlays[language] : {};
  return Object.fromEntries(Object.entries({ ...rest, ...overlay }).map(([key, member]) => [key, translated(member, language)]));
}

/** A title is a text, or texts by language. */
export function words(title: unknown, language: string): string {
  if (typeof title === "string") return title;
  return isBag(title) ? String(title[language] ?? title.en ?? "") : "";
}
