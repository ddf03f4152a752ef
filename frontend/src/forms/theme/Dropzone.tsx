import { ariaDescribedByIds, type WidgetProps } from "@rjsf/utils";
import { useEffect, useRef, useState, type DragEvent } from "react";
import { useTranslate } from "../../i18n/translate";
import { Icon } from "../../ui/icons";
import { accepts } from "../files";

type Props = WidgetProps & { locked: boolean; onFile: (file: File) => void };

/** Choose, drop or paste. The input stays a real file input, for keyboards and screen readers. */
export function Dropzone({ id, schema, options, label, rawErrors, locked, onFile }: Props) {
  const t = useTranslate();
  const [over, setOver] = useState(false);
  const [refused, setRefused] = useState<string | null>(null);
  const accept = acceptOf(schema, options.accept);
  const take = (file: File | undefined) => {
    if (!file || locked) return;
    const welcome = accepts(accept, file);
    setRefused(welcome ? null : file.name);
    if (welcome) onFile(file);
  };
  usePaste(take);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files[0]);
  };

  return (
    <>
      <label
        className="dropzone"
        data-over={over || undefined}
        data-invalid={rawErrors?.length ? true : undefined}
        onDragOver={(event) => { event.preventDefault(); setOver(true); }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <input
          id={id}
          type="file"
          className="dropzone__input"
          accept={accept || undefined}
          disabled={locked}
          aria-label={label}
          aria-describedby={ariaDescribedByIds(id)}
          aria-invalid={Boolean(rawErrors?.length)}
          onChange={(event) => { take(event.target.files?.[0]); event.target.value = ""; }}
        />
        <span className="dropzone__icon"><Icon name={accept.startsWith("image") ? "image" : "upload"} size={24} /></span>
        <span className="dropzone__title">{t(accept.startsWith("image") ? "file.chooseImage" : "file.choose")}</span>
        <span className="dropzone__hint">{t("file.dropOrPaste")}</span>
      </label>
      {refused && <p className="field__error" role="alert">{t("file.wrongType", { name: refused })}</p>}
    </>
  );
}

function acceptOf(schema: WidgetProps["schema"], option: unknown): string {
  if (typeof option === "string") return option;
  const items = schema.items as { contentMediaType?: string } | undefined;
  return String(schema.contentMediaType ?? items?.contentMediaType ?? "");
}

/** A picture pasted anywhere on the page goes to the first file field that has room for it. */
function usePaste(take: (file: File | undefined) => void): void {
  const latest = useRef(take);
  useEffect(() => {
    latest.current = take;
  });
  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      const file = event.clipboardData?.files[0];
      if (!file || event.defaultPrevented) return;
      event.preventDefault();
      latest.current(file);
    };
    document.addEventListener("paste", paste);
    return () => document.removeEventListener("paste", paste);
  }, []);
}
