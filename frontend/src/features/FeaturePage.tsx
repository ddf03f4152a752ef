import { useEffect, useMemo, useRef } from "react";
import { readTask } from "../api/endpoints";
import { session } from "../api/session";
import type { ApiError } from "../api/errors";
import type { FeatureSchema } from "../api/types";
import { navigate, place } from "../app/router";
import { signInPath } from "../app/AccountMenu";
import { rememberFiles, uploadsUnderWay } from "../forms/files";
import { SchemaForm } from "../forms/SchemaForm";
import { errorSchemaFrom } from "../forms/validator";
import { fieldEntries } from "../forms/values";
import { useTranslate } from "../i18n/translate";
import { Button, IconButton } from "../ui/Button";
import { ErrorNotice } from "../ui/ErrorNotice";
import { featureIcon, Icon } from "../ui/icons";
import { Link } from "../ui/Link";
import { Notice } from "../ui/Notice";
import { useStore } from "../ui/store";
import { useTitle } from "../ui/useTitle";
import { Artboard } from "./Artboard";
import { useFeatureForm, type FeatureForm } from "./useFeatureForm";
import { useRun } from "./useRun";

/** The form on one side, the sheet it fills on the other. `?task=` names the run on the sheet. */
export function FeaturePage({ feature }: { feature: string }) {
  const form = useFeatureForm(feature);
  const { query } = useStore(place);
  usePastInput(query.get("from"), form.setValues);
  if (form.error && !form.data) return <Unavailable error={form.error} onRetry={form.reload} />;
  return (
    <div className="workbench">
      <div className="workbench__form">
        {!form.data && <div className="panel panel--blank" aria-busy="true" />}
        {form.data && <FormPanel data={form.data} form={form} />}
      </div>
      <Artboard key={query.get("task")} task={query.get("task")} spec={form.data} values={form.values} />
    </div>
  );
}

/** No sheet where there is no form to fill it. */
function Unavailable({ error, onRetry }: { error: ApiError; onRetry: () => void }) {
  const t = useTranslate();
  return (
    <div className="workbench__missing">
      <Link to="/" className="back"><Icon name="back" size={16} />{t("nav.all")}</Link>
      <ErrorNotice error={error} onRetry={onRetry} />
    </div>
  );
}

function FormPanel({ data, form }: { data: FeatureSchema; form: FeatureForm }) {
  const t = useTranslate();
  const { feature } = data;
  const heading = useTitle(feature.title);
  return (
    <section className="panel">
      <Link to="/" className="back"><Icon name="back" size={16} />{t("nav.all")}</Link>
      <header className="panel__head">
        <span className="card__icon"><Icon name={featureIcon(feature.icon)} size={26} /></span>
        <div>
          <h1 ref={heading} tabIndex={-1}>{feature.title}</h1>
          <p>{feature.description}</p>
        </div>
      </header>
      {form.updated && (
        <Notice icon="sparkles" action={<IconButton icon="close" label={t("action.dismiss")} onClick={form.dismissUpdate} />}>
          <p className="notice__title">{t("form.updated")}</p>
          <p>{t("form.updatedHint")}</p>
        </Notice>
      )}
      <RunForm data={data} form={form} />
    </section>
  );
}

function RunForm({ data, form }: { data: FeatureSchema; form: FeatureForm }) {
  const t = useTranslate();
  const signedIn = useStore(session) !== null;
  const uploading = useStore(uploadsUnderWay) > 0;
  const key = data.feature.key;
  const isDraft = data.preview?.feature === key;
  const { run, busy, error, clearError } = useRun(key, (task) => navigate(`/f/${encodeURIComponent(key)}?task=${encodeURIComponent(task)}`, { quiet: true }));
  const serverErrors = useMemo(() => (error?.fields.length ? errorSchemaFrom(fieldEntries(error.fields)) : undefined), [error]);
  const askSignIn = () => navigate(signInPath());
  const submit = (values: FeatureForm["values"]) => {
    if (isDraft) return;
    if (signedIn) void run(values);
    else askSignIn();
  };
  const change = (values: FeatureForm["values"]) => {
    form.setValues(values);
    if (error) clearError();
  };
  return (
    <SchemaForm
      id="feature-form"
      spec={data.form}
      values={form.values}
      serverErrors={serverErrors}
      context={{ askSignIn }}
      onChange={change}
      onSubmit={(values) => submit(values)}
    >
      <div className="panel__foot">
        {error && <ErrorNotice error={error} takeFocus />}
        {isDraft && <p className="preview-note">{t("preview.noRun")}</p>}
        {signedIn || isDraft
          ? <Button type="submit" kind="key" icon="play" busy={busy || uploading} disabled={isDraft} className="button--wide">{runLabel(data.feature.cost, t)}</Button>
          : <Button kind="key" className="button--wide" onClick={askSignIn}>{t("run.signIn")}</Button>}
        {!isDraft && <p className="fine-print">{t(signedIn ? "run.costHint" : "run.signInHint")}</p>}
      </div>
    </SchemaForm>
  );
}

function runLabel(cost: number | undefined, t: ReturnType<typeof useTranslate>): string {
  if (!cost) return t("run.startFree");
  return t(cost === 1 ? "run.startOne" : "run.start", { n: cost });
}

/** `?from=` fills the form with what an earlier run was asked. */
function usePastInput(task: string | null, fill: FeatureForm["setValues"]): void {
  const done = useRef(false);
  useEffect(() => {
    if (!task || done.current) return;
    done.current = true;
    void readTask(task).then((past) => {
      rememberFiles(past.files);
      fill(past.input);
    }).catch(() => {});
  }, [task, fill]);
}
