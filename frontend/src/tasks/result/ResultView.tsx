import type { Schema } from "../../api/types";
import { isFileField, orderedNames, widgetOf, type UiField } from "../../forms/values";
import { useTranslate } from "../../i18n/translate";
import type { LiveTask } from "../progress";
import { KnownFiles } from "./known";
import { FileResult, GalleryResult, type FileProps } from "./FileResult";
import { TextResult } from "./TextResult";
import { ValueResult } from "./ValueResult";

/** Draws any feature's output from its schema. What no rule knows is shown as readable values. */
export function ResultView({ task, onStale }: { task: LiveTask; onStale: () => void }) {
  const t = useTranslate();
  const output = task.output ?? {};
  const spec = task.output_form ?? { schema: {}, uiSchema: {} };
  const declared = orderedNames(spec);
  const names = declared.length > 0 ? declared : Object.keys(output);
  const shown = names.filter((name) => output[name] !== undefined && output[name] !== null);
  return (
    <KnownFiles value={task.files}>
    <section className="result" aria-label={t("result.title")}>
      {task.mock && <p className="mock-badge">{t("result.mock")}</p>}
      {shown.map((name) => (
        <Part
          key={name}
          name={name}
          value={output[name]}
          schema={spec.schema.properties?.[name] ?? {}}
          ui={spec.uiSchema[name] as UiField | undefined}
          task={task}
          onStale={onStale}
        />
      ))}
      {shown.length === 0 && <p className="sheet sheet--quiet">{t("result.nothing")}</p>}
    </section>
    </KnownFiles>
  );
}

interface PartProps {
  name: string;
  value: unknown;
  schema: Schema;
  ui: UiField | undefined;
  task: LiveTask;
  onStale: () => void;
}

function Part({ name, value, schema, ui, task, onStale }: PartProps) {
  const title = schema.title ?? name;
  const shared: Omit<FileProps, "file"> = { title, onStale, before: beforeFile(ui, task) };
  if (isFileField(schema) && typeof value === "string") return <FileResult file={task.files[value]} {...shared} />;
  if (isFileField(schema.items) && Array.isArray(value)) {
    return <GalleryResult files={value.map((id) => task.files[String(id)])} title={title} onStale={onStale} />;
  }
  if (typeof value === "string") {
    return <TextResult text={value} title={title} markdown={schema.contentMediaType === "text/markdown"} />;
  }
  return <ValueResult title={title} value={value} schema={schema} />;
}

function beforeFile(ui: UiField | undefined, task: LiveTask) {
  const field = widgetOf(ui) === "before-after" ? ui?.["ui:options"]?.before : undefined;
  const id = field ? task.input[field] : undefined;
  return typeof id === "string" ? task.files[id] : undefined;
}
