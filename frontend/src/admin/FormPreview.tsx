import { Component, useState, type ReactNode } from "react";
import type { FormSpec, Schema, UiSchema, Values } from "../api/types";
import { keepFitting } from "../forms/keepFitting";
import { SchemaForm } from "../forms/SchemaForm";
import { currentLanguage } from "../i18n/language";
import { translate, useTranslate } from "../i18n/translate";
import { Button } from "../ui/Button";
import { Notice } from "../ui/Notice";
import { useLiveJson } from "./source";
import { translated } from "./translated";

interface Source {
  schema?: Schema;
  uiSchema?: UiSchema;
  language?: string;
}

/** The form as visitors will see it, following the two textareas as they are typed in. */
export function FormPreview({ source }: { source: unknown }) {
  const given = (source ?? {}) as Source;
  const language = given.language ?? currentLanguage();
  const schema = useLiveJson("id_form_schema");
  const ui = useLiveJson("id_ui_schema");
  const spec = {
    schema: readable(schema.value ?? given.schema, language),
    uiSchema: readable(ui.value ?? given.uiSchema, language),
  };
  return (
    <div className="preview">
      {schema.broken && <Broken text="admin.brokenSchema" />}
      {ui.broken && <Broken text="admin.brokenUi" />}
      <Guard key={JSON.stringify(spec)}><PreviewForm spec={spec} /></Guard>
    </div>
  );
}

const readable = (value: unknown, language: string) => (translated(value, language) ?? {}) as Schema & UiSchema;

function Broken({ text }: { text: "admin.brokenSchema" | "admin.brokenUi" }) {
  const t = useTranslate();
  return <Notice icon="pen">{t(text)}</Notice>;
}

/** What was tried in the preview, kept while the form around it is being written. */
let tried: Values = {};

function PreviewForm({ spec }: { spec: FormSpec }) {
  const t = useTranslate();
  const [values, setValues] = useState<Values>(() => keepFitting(tried, spec.schema));
  const [fits, setFits] = useState(false);
  const change = (next: Values) => {
    tried = next;
    setValues(next);
    setFits(false);
  };
  if (Object.keys(spec.schema.properties ?? {}).length === 0) return <p className="muted">{t("admin.noFields")}</p>;
  return (
    <SchemaForm id="preview-form" spec={spec} values={values} context={{ preview: true }} onChange={change} onSubmit={() => setFits(true)}>
      <div className="preview__foot">
        <Button type="submit" icon="check">{t("admin.check")}</Button>
        {fits && <span className="preview__fits" role="status">{t("admin.fits")}</span>}
      </div>
    </SchemaForm>
  );
}

/** A schema that is valid JSON can still be one that cannot be drawn: say so, and wait for the next key. */
class Guard extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    return this.state.failed ? <Notice icon="alert">{translate("admin.cannotDraw")}</Notice> : this.props.children;
  }
}
