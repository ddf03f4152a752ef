import type { FileInfo, Schema } from "../../api/types";
import { choiceTitle } from "../../forms/values";
import { formatBytes, formatNumber } from "../../i18n/format";
import { useTranslate } from "../../i18n/translate";
import { Icon } from "../../ui/icons";
import { isStored, useNamed } from "./known";

/** Numbers, switches, lists and objects, in words rather than in JSON. */
export function ValueResult({ title, value, schema }: { title: string; value: unknown; schema: Schema }) {
  return (
    <div className="sheet sheet--text">
      <header className="sheet__caption"><strong>{title}</strong></header>
      <Value value={value} schema={schema} />
    </div>
  );
}

export function Value({ value, schema }: { value: unknown; schema?: Schema }) {
  const file = useNamed(value);
  if (file || isStored(value)) return <StoredValue value={value} file={file} />;
  if (Array.isArray(value)) return <ul className="values">{value.map((item, index) => <li key={index}><Value value={item} schema={schema?.items} /></li>)}</ul>;
  if (value !== null && typeof value === "object") return <Members value={value as Record<string, unknown>} schema={schema} />;
  return <Plain value={value} schema={schema} />;
}

/** A picture is shown, anything else can be fetched; of a long value, its beginning stands there. */
function StoredValue({ value, file }: { value: unknown; file: FileInfo | undefined }) {
  const t = useTranslate();
  const preview = isStored(value) ? value.preview : undefined;
  if (!file && !preview) return <span className="muted">{t("result.fileGone")}</span>;
  return (
    <span className="stored">
      {preview && <span className="stored__text">{preview}…</span>}
      {file?.mime.startsWith("image/") && <img src={file.url} alt={file.name} loading="lazy" />}
      {file && <a className="button button--plain button--small" href={file.url} download={file.name}><Icon name="download" size={16} />{t("action.download")} · {formatBytes(file.size)}</a>}
    </span>
  );
}

function Plain({ value, schema }: { value: unknown; schema?: Schema }) {
  const t = useTranslate();
  if (value === null || value === undefined || value === "") return <span className="muted">{t("value.none")}</span>;
  if (typeof value === "boolean") return <>{t(value ? "value.yes" : "value.no")}</>;
  if (typeof value === "number" && !schema?.oneOf) return <>{formatNumber(value)}</>;
  return <>{choiceTitle(schema, value)}</>;
}

function Members({ value, schema }: { value: Record<string, unknown>; schema?: Schema }) {
  return (
    <dl className="members">
      {Object.entries(value).map(([name, member]) => (
        <div key={name}>
          <dt>{schema?.properties?.[name]?.title ?? name}</dt>
          <dd><Value value={member} schema={schema?.properties?.[name]} /></dd>
        </div>
      ))}
    </dl>
  );
}
