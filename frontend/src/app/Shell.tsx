import type { ReactNode } from "react";
import { useTranslate } from "../i18n/translate";
import { Icon, type IconName } from "../ui/icons";
import { Link } from "../ui/Link";
import { Mark } from "../ui/Mark";
import { useStore } from "../ui/store";
import { AccountMenu } from "./AccountMenu";
import { Balance } from "./Balance";
import { LanguageToggle, ThemeToggle } from "./Preferences";
import { PreviewBanner } from "./PreviewBanner";
import { place } from "./router";

export function Shell({ children }: { children: ReactNode }) {
  const t = useTranslate();
  return (
    <>
      <a className="skip-link" href="#main">{t("nav.skip")}</a>
      <header className="header">
        <div className="header__inner">
          <Link to="/" className="brand" aria-label={t("nav.home")}>
            <Mark />
            <span className="brand__name">Paiban<span lang="zh-Hans">排版</span></span>
          </Link>
          <Navigation className="nav nav--top" />
          <div className="header__tools">
            <Balance />
            <LanguageToggle />
            <ThemeToggle />
            <AccountMenu />
          </div>
        </div>
      </header>
      <PreviewBanner />
      <main id="main" className="main">{children}</main>
      <Navigation className="nav nav--bottom" />
    </>
  );
}

function Navigation({ className }: { className: string }) {
  const t = useTranslate();
  const { path } = useStore(place);
  return (
    <nav className={className} aria-label={t("nav.label")}>
      <NavLink to="/" icon="grid" label={t("nav.create")} current={path === "/" || path.startsWith("/f/")} />
      <NavLink to="/tasks" icon="clock" label={t("nav.tasks")} current={path.startsWith("/tasks")} />
    </nav>
  );
}

function NavLink({ to, icon, label, current }: { to: string; icon: IconName; label: string; current: boolean }) {
  return (
    <Link to={to} className="nav__link" aria-current={current ? "page" : undefined}>
      <Icon name={icon} />
      <span>{label}</span>
    </Link>
  );
}
