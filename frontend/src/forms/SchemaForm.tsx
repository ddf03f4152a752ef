import { withTheme } from "@rjsf/core";
import type { ErrorSchema, RJSFSchema, UiSchema as LibraryUiSchema } from "@rjsf/utils";
import { useMemo, useState, type ReactNode } from "react";
import type { FormSpec, Values } from "../api/types";
import { useTranslate } from "../i18n/translate";
import { completeOrder } from "./completeOrder";
import { theme } from "./theme";
import { createValidator } from "./validator";

const ThemedForm = withTheme(theme);

interface Props {
  id: string;
  spec: FormSpec;
  values: Values;
  serverErrors?: ErrorSchema;
  disabled?: boolean;
  /** Handed to widgets: `askSignIn` for those that need an account, `preview` where nothing is sent. */
  context?: { askSignIn?: () => void; preview?: boolean };
  onChange: (values: Values) => void;
  onSubmit: (values: Values) => void;
  children?: ReactNode;
}

/** Draws any feature's form. Nothing is marked wrong before the first try; afterwards, at each key. */
export function SchemaForm({ id, spec, values, serverErrors, disabled, context, onChange, onSubmit, children }: Props) {
  const t = useTranslate();
  const validator = useMemo(() => createValidator(t), [t]);
  const uiSchema = useMemo(() => completeOrder(spec.uiSchema, spec.schema), [spec.uiSchema, spec.schema]);
  const [tried, setTried] = useState(false);
  return (
    <ThemedForm
      id={id}
      className="form"
      schema={spec.schema as RJSFSchema}
      uiSchema={uiSchema as LibraryUiSchema}
      validator={validator}
      formData={values}
      formContext={context}
      extraErrors={serverErrors}
      disabled={disabled}
      noHtml5Validate
      showErrorList={false}
      focusOnFirstError
      liveValidate={tried ? "onChange" : false}
      onChange={(event) => onChange(event.formData as Values)}
      onError={() => setTried(true)}
      onSubmit={(event) => onSubmit(event.formData as Values)}
    >
      {children ?? <></>}
    </ThemedForm>
  );
}
