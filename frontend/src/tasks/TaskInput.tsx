import type { Schema } from "../api/types";
import { FileCard } from "../forms/theme/FileCard";
import { isFileField, orderedNames } from "../forms/values";
import type { LiveTask } from "./progress";
import { KnownFiles } from "./result/known";
import { Value } from "./result/ValueResult";

/** The input as it was given, titled as the form of that version titled it. */
export function TaskInput({ task }: { task: LiveTask }) {
  const spec = task.form ?? { schema: {}, uiSchema: {} };
  const names = orderedNames(spec).filter((name) => task.input[name] !== undefined);
  return (
    <KnownFiles value={task.files}>
    <dl className="members">
      {names.map((name) => {
        const schema = spec.schema.properties?.[name];
        return (
          <div key={name}>
            <dt>{schema?.title ?? name}</dt>
            <dd><InputValue value={task.input[name]} schema={schema} files={task.files} /></dd>
          </div>
        );
      })}
    </dl>
    </KnownFiles>
  );
}

function InputValue({ value, schema, files }: { value: unknown; schema: Schema | undefined; files: LiveTask["files"] }) {
  if (isFileField(schema) && typeof value === "string") return <FileCard info={files[value]} />;
  if (isFileField(schema?.items) && Array.isArray(value)) return <>{value.map((id) => <FileCard key={String(id)} info={files[String(id)]} />)}</>;
  if (schema?.format === "color") return <span className="color-value"><i style={{ backgroundColor: String(value) }} />{String(value)}</span>;
  return <Value value={value} schema={schema} />;
}
