import { useEffect, useSyncExternalStore } from "react";
import { readMenus } from "../api/endpoints";
import { asApiError, type ApiError } from "../api/errors";
import { preview } from "../api/preview";
import { session } from "../api/session";
import type { MenuGroup, Menus } from "../api/types";
import { language } from "../i18n/language";
import { createStore } from "../ui/store";
import { revision } from "./revision";

export interface MenuState {
  groups: MenuGroup[] | null;
  error: ApiError | null;
  /** Features that appeared while the page was open: they get a gentle highlight. */
  fresh: ReadonlySet<string>;
}

const HIGHLIGHT_MS = 8_000;
const menus = createStore<MenuState>({ groups: null, error: null, fresh: new Set() });

let latest = 0;
let audience = "";

/** Reads again; answers that were overtaken by a newer question are dropped. */
export async function reloadMenus(): Promise<void> {
  const mine = ++latest;
  try {
    const answer = await readMenus();
    if (mine === latest) show(answer);
  } catch (failure) {
    if (mine === latest) menus.set({ ...menus.get(), error: asApiError(failure) });
  }
}

function show(answer: Menus): void {
  const groups = sorted(answer.groups);
  const old = menus.get();
  // Signing in and previews also reveal entries; only those that were published meanwhile are news.
  const viewer = `${session.get()?.user.id ?? ""} ${preview.get() ?? ""}`;
  const fresh = old.groups && viewer === audience ? added(old.groups, groups) : new Set<string>();
  audience = viewer;
  menus.set({ groups, error: null, fresh: new Set([...old.fresh, ...fresh]) });
  if (fresh.size > 0) setTimeout(() => settle(fresh), HIGHLIGHT_MS);
}

function settle(seen: Set<string>): void {
  const state = menus.get();
  menus.set({ ...state, fresh: new Set([...state.fresh].filter((key) => !seen.has(key))) });
}

const keysOf = (groups: MenuGroup[]) => groups.flatMap((group) => group.items.map((item) => item.feature));

function added(before: MenuGroup[], after: MenuGroup[]): Set<string> {
  const known = new Set(keysOf(before));
  return new Set(keysOf(after).filter((key) => !known.has(key)));
}

function sorted(groups: MenuGroup[]): MenuGroup[] {
  const byOrder = <T extends { order: number }>(list: T[]) => [...list].sort((a, b) => a.order - b.order);
  return byOrder(groups).map((group) => ({ ...group, items: byOrder(group.items) }));
}

export function useMenus(): MenuState {
  return useSyncExternalStore(menus.subscribe, menus.get);
}

/** Keeps the menus true to the revision, the language, whoever is signed in and the preview. */
export function useMenuUpdates(): void {
  useEffect(() => {
    void reloadMenus();
    const stops = [revision, language, session, preview].map((store) => store.subscribe(() => void reloadMenus()));
    return () => stops.forEach((stop) => stop());
  }, []);
}
