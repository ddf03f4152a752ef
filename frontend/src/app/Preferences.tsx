import { chooseLanguage, language, type Language } from "../i18n/language";
import { useTranslate } from "../i18n/translate";
import { IconButton } from "../ui/Button";
import type { IconName } from "../ui/icons";
import { useStore } from "../ui/store";
import { chooseTheme, theme, THEMES, type Theme } from "./theme";

const THEME_ICONS: Record<Theme, IconName> = { auto: "auto", light: "sun", dark: "moon" };

/** Names the other language in its own script, so that it can be found by whoever needs it. */
export function LanguageToggle() {
  const t = useTranslate();
  const current = useStore(language);
  const other: Language = current === "en" ? "zh-hans" : "en";
  return (
    <button
      type="button"
      className="icon-button language-toggle"
      lang={other === "en" ? "en" : "zh-Hans"}
      title={t("language.switch")}
      onClick={() => chooseLanguage(other)}
    >
      {other === "en" ? "English" : "简体中文"}
    </button>
  );
}

export function ThemeToggle() {
  const t = useTranslate();
  const current = useStore(theme);
  const next = THEMES[(THEMES.indexOf(current) + 1) % THEMES.length] ?? "auto";
  return <IconButton className="theme-toggle" icon={THEME_ICONS[current]} label={t("theme.label", { theme: t(`theme.${current}`) })} onClick={() => chooseTheme(next)} />;
}
