import { useTranslate } from "../i18n/translate";
import { Button } from "../ui/Button";
import { Icon } from "../ui/icons";
import { useStore } from "../ui/store";
import { leavePreview, preview } from "../api/preview";

/** Above every page while a draft is shown, so that nobody takes it for what users see. */
export function PreviewBanner() {
  const t = useTranslate();
  if (useStore(preview) === null) return null;
  return (
    <div className="preview-banner" role="status">
      <Icon name="sparkles" size={18} />
      <p><strong>{t("preview.title")}</strong> <span>{t("preview.hint")}</span></p>
      <Button className="button--small" onClick={leavePreview}>{t("preview.leave")}</Button>
    </div>
  );
}
