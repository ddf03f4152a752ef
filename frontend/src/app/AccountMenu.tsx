import { useEffect, useRef, useState } from "react";
import { signOut } from "../api/endpoints";
import { leavePreview } from "../api/preview";
import { session } from "../api/session";
import type { User } from "../api/types";
import { forgetDrafts } from "../features/draft";
import { useTranslate } from "../i18n/translate";
import { Button } from "../ui/Button";
import { Icon } from "../ui/icons";
import { Link } from "../ui/Link";
import { useStore } from "../ui/store";
import { navigate, place } from "./router";

export function AccountMenu() {
  const t = useTranslate();
  const user = useStore(session)?.user;
  const { path } = useStore(place);
  if (user) return <Account user={user} />;
  if (path === "/sign-in") return null;
  return <Link className="button button--key button--small" to={signInPath()}>{t("auth.signIn")}</Link>;
}

/** The way back rides along, so that signing in returns to where it was asked for. */
export function signInPath(): string {
  const here = location.pathname + location.search;
  return here === "/" ? "/sign-in" : `/sign-in?next=${encodeURIComponent(here)}`;
}

function Account({ user }: { user: User }) {
  const t = useTranslate();
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useClosing(open, box, () => setOpen(false));
  const leave = async () => {
    setOpen(false);
    forgetDrafts();
    leavePreview();
    await signOut();
    navigate("/");
  };
  const name = user.name || user.username;
  return (
    <div className="account" ref={box}>
      <button type="button" className="avatar" aria-expanded={open} aria-controls="account-menu" aria-label={t("auth.account", { name })} onClick={() => setOpen(!open)}>
        {[...name][0]?.toUpperCase() ?? <Icon name="user" />}
      </button>
      {open && (
        <div className="popover" id="account-menu">
          <p className="popover__who"><strong>{name}</strong><span>{user.username}</span></p>
          <Button kind="quiet" icon="signOut" onClick={() => void leave()}>{t("auth.signOut")}</Button>
        </div>
      )}
    </div>
  );
}

function useClosing(open: boolean, box: React.RefObject<HTMLElement | null>, close: () => void): void {
  useEffect(() => {
    if (!open) return;
    const outside = (event: Event) => !box.current?.contains(event.target as Node) && close();
    const escape = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      close();
      box.current?.querySelector("button")?.focus();
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("keydown", escape);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("keydown", escape);
    };
  });
}
