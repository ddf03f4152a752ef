import type { WidgetProps } from "@rjsf/utils";
import { useState } from "react";
import { asApiError } from "../../../api/errors";
import { IconButton } from "../../../ui/Button";
import { useDesk } from "../desk";
import { say } from "../words";

/** Names of the files that were kept while the page is open: an id alone tells nobody anything. */
const names = new Map<string, string>();

/** A file, or several, for a test run. The value is the id under which the server keeps it. */
export function TestFile({ id, label, schema, value, onChange }: WidgetProps) {
  const desk = useDesk();
  const [state, setState] = useState({ busy: false, error: "" });
  const many = schema.type === "array";
  const ids: string[] = Array.isArray(value) ? (value as string[]) : value ? [String(value)] : [];
  const accept = (schema as { contentMediaType?: string }).contentMediaType;
  const keep = async (file: File | undefined) => {
    if (!file) return;
    setState({ busy: true, error: "" });
    try {
      const kept = await desk.api.upload(file);
      names.set(kept, file.name);
      onChange(many ? [...ids, kept] : kept);
      setState({ busy: false, error: "" });
    } catch (error) {
      setState({ busy: false, error: asApiError(error).message || say("test.fileLost") });
    }
  };
  const drop = (one: string) => onChange(many ? ids.filter((other) => other !== one) : undefined);
  return (
    <div className="fe-files">
      {ids.map((one) => <p key={one}><span>{names.get(one) ?? one}</span><IconButton icon="close" label={say("test.dropFile", { name: names.get(one) ?? one })} onClick={() => drop(one)} /></p>)}
      {(many || ids.length === 0) && <input id={id} type="file" className="input" aria-label={label} accept={accept} disabled={state.busy} onChange={(event) => void keep(event.target.files?.[0])} />}
      {state.busy && <p role="status" className="fe-faint">{say("test.keeping")}</p>}
      {state.error && <p role="alert" className="field__error">{state.error}</p>}
    </div>
  );
}
