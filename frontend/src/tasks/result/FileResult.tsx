import type { FileInfo } from "../../api/types";
import { formatBytes, formatSize } from "../../i18n/format";
import { useTranslate } from "../../i18n/translate";
import { Icon } from "../../ui/icons";
import { BeforeAfter } from "./BeforeAfter";
import { FreshImage } from "./FreshImage";

export interface FileProps {
  file: FileInfo | undefined;
  title: string;
  before?: FileInfo;
  /** Links expire after some minutes: the task has to be read again for new ones. */
  onStale: () => void;
}

export function FileResult({ file, title, before, onStale }: FileProps) {
  const t = useTranslate();
  if (!file) return <p className="sheet sheet--quiet">{t("result.fileGone")}</p>;
  return (
    <figure className="sheet sheet--image crop">
      <Picture file={file} title={title} before={before} onStale={onStale} />
      <figcaption className="sheet__caption">
        <div>
          <strong>{title}</strong>
          <span>{[formatSize(file.width, file.height), formatBytes(file.size), shortType(file.mime)].filter(Boolean).join(" · ")}</span>
        </div>
        <DownloadLink file={file} />
      </figcaption>
    </figure>
  );
}

function Picture({ file, title, before, onStale }: FileProps & { file: FileInfo }) {
  if (!file.mime.startsWith("image/")) return <div className="sheet__file"><Icon name="document" size={40} /><p>{file.name}</p></div>;
  if (before) return <BeforeAfter before={before} after={file} title={title} onStale={onStale} />;
  return <div className="canvas"><FreshImage file={file} alt={title} onStale={onStale} /></div>;
}

export function GalleryResult({ files, title, onStale }: { files: (FileInfo | undefined)[]; title: string; onStale: () => void }) {
  return (
    <div className="gallery">
      {files.map((file, index) => <FileResult key={index} file={file} title={`${title} ${index + 1}`} onStale={onStale} />)}
    </div>
  );
}

function DownloadLink({ file }: { file: FileInfo }) {
  const t = useTranslate();
  return (
    <a className="button button--key" href={file.url} download={file.name}>
      <Icon name="download" size={18} />{t("action.download")}
    </a>
  );
}

const shortType = (mime: string) => (mime.split("/")[1] ?? mime).replace(/\+.*/, "").toUpperCase();
