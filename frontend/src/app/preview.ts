import { keepPreview } from "../api/preview";
import { navigate, place } from "./router";

/** Takes `?preview=` out of the address, so that it is neither bookmarked nor sent on, and keeps it for the tab. */
export function takePreview(): void {
  const { path, query } = place.get();
  const token = query.get("preview");
  if (token === null) return;
  const rest = new URLSearchParams(query);
  rest.delete("preview");
  if (token) keepPreview(token);
  navigate(rest.size > 0 ? `${path}?${rest}` : path, { replace: true, quiet: true });
}
