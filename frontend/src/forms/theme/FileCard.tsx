import type { FileInfo } from "../../api/types";
import { formatBytes, formatSize } from "../../i18n/format";
import { useTranslate } from "../../i18n/translate";
import { IconButton } from "../../ui/Button";
import { Icon } from "../../ui/icons";
import type { Uploading } from "../useUpload";

export function FileCard({ info, onRemove }: { info: FileInfo | undefined; onRemove?: () => void }) {
  const t = useTranslate();
  const facts = info ? [formatSize(info.width, info.height), formatBytes(info.size)].filter(Boolean).join(" · ") : "";
  return (
    <div className="file-card">
      <Thumb url={info?.mime.startsWith("image/") ? info.url : null} />
      <div className="file-card__text">
        <strong>{info?.name ?? t("file.unnamed")}</strong>
        <span>{facts}</span>
      </div>
      {onRemove && <IconButton icon="close" label={t("file.remove")} onClick={onRemove} />}
    </div>
  );
}

export function UploadCard({ upload, onCancel }: { upload: Uploading; onCancel: () => void }) {
  const t = useTranslate();
  const percent = Math.round(upload.progress * 100);
  return (
    <div className="file-card" aria-busy="true">
      <Thumb url={upload.preview} />
      <div className="file-card__text">
        <strong>{upload.name}</strong>
        <span>{t("file.uploading", { percent })}</span>
        <progress className="bar" max={100} value={percent} aria-label={t("file.uploading", { percent })} />
      </div>
      <IconButton icon="close" label={t("action.cancel")} onClick={onCancel} />
    </div>
  );
}

function Thumb({ url }: { url: string | null }) {
  return (
    <span className="file-card__thumb">
      {url ? <img src={url} alt="" /> : <Icon name="document" size={24} />}
    </span>
  );
}
