import { useEffect } from "react";
import type { MenuGroup, MenuItem } from "../api/types";
import { reloadMenus, useMenus } from "../app/menus";
import { useTranslate } from "../i18n/translate";
import { announce } from "../ui/announce";
import { ErrorNotice } from "../ui/ErrorNotice";
import { featureIcon, Icon } from "../ui/icons";
import { Link } from "../ui/Link";
import { Empty } from "../ui/Notice";
import { useTitle } from "../ui/useTitle";

export function HomePage() {
  const t = useTranslate();
  const heading = useTitle(null);
  const { groups, error, fresh } = useMenus();
  const count = fresh.size;
  useEffect(() => {
    if (count > 0) announce(t("home.new", { n: count }));
  }, [count, t]);
  return (
    <div className="home">
      <div className="home__lead">
        <h1 ref={heading} tabIndex={-1}>{t("home.title")}</h1>
        <p>{t("home.lead")}</p>
      </div>
      {error && <ErrorNotice error={error} onRetry={() => void reloadMenus()} />}
      {groups === null && !error && <CardSkeletons />}
      {groups?.length === 0 && <Empty icon="layers" title={t("home.empty")}>{t("home.emptyHint")}</Empty>}
      {groups?.map((group) => <Group key={group.key} group={group} fresh={fresh} />)}
    </div>
  );
}

function Group({ group, fresh }: { group: MenuGroup; fresh: ReadonlySet<string> }) {
  return (
    <section className="group" aria-labelledby={`group-${group.key}`}>
      <h2 id={`group-${group.key}`}>{group.title}</h2>
      <ul className="cards">
        {group.items.map((item) => <Card key={item.feature} item={item} fresh={fresh.has(item.feature)} />)}
      </ul>
    </section>
  );
}

function Card({ item, fresh }: { item: MenuItem; fresh: boolean }) {
  const t = useTranslate();
  return (
    <li>
      <Link to={`/f/${encodeURIComponent(item.feature)}`} className="card crop" data-fresh={fresh || undefined}>
        <span className="card__icon"><Icon name={featureIcon(item.icon)} size={26} /></span>
        <span className="card__text">
          <strong className="card__title">{item.title}{fresh && <em className="card__new">{t("home.newTag")}</em>}</strong>
          <span className="card__about">{item.description}</span>
        </span>
        <span className="card__go"><Icon name="forward" size={18} /></span>
      </Link>
    </li>
  );
}

function CardSkeletons() {
  const t = useTranslate();
  return (
    <div className="cards" aria-busy="true" aria-label={t("state.loading")}>
      {[1, 2, 3].map((n) => <div key={n} className="card card--blank" />)}
    </div>
  );
}
