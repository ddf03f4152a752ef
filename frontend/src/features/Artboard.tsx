import { useEffect, useRef } from "react";
import type { FeatureSchema, FileInfo, Values } from "../api/types";
import { knownFiles } from "../forms/files";
import { isFileField } from "../forms/values";
import { formatSize } from "../i18n/format";
import { useTranslate } from "../i18n/translate";
import { RunPanel } from "../tasks/RunPanel";
import { useTask } from "../tasks/useTask";
import { featureIcon, Icon } from "../ui/icons";
import { useStore } from "../ui/store";

/** The sheet beside the form: what was put in, then the run, then the result. */
export function Artboard({ task, spec, values }: { task: string | null; spec: FeatureSchema | null; values: Values }) {
  const t = useTranslate();
  return (
    <section className="workbench__sheet" aria-label={t("artboard.label")}>
      {task ? <CurrentRun task={task} /> : <Preview spec={spec} values={values} />}
    </section>
  );
}

function CurrentRun({ task }: { task: string }) {
  const view = useTask(task);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // On a phone the sheet lies below the form: without this, pressing Run seems to do nothing.
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    box.current?.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
  }, []);
  const again = () => document.querySelector<HTMLFormElement>("#feature-form")?.requestSubmit();
  return <div ref={box} className="workbench__anchor"><RunPanel view={view} onAgain={again} /></div>;
}

function Preview({ spec, values }: { spec: FeatureSchema | null; values: Values }) {
  const files = useStore(knownFiles);
  const field = Object.entries(spec?.form.schema.properties ?? {}).find(([, schema]) => isFileField(schema))?.[0];
  const file = field ? files[String(values[field])] : undefined;
  return file?.mime.startsWith("image/") ? <Source file={file} /> : <Blank icon={spec?.feature.icon ?? ""} />;
}

function Source({ file }: { file: FileInfo }) {
  const t = useTranslate();
  return (
    <figure className="sheet sheet--image crop">
      <div className="canvas"><img src={file.url} alt={file.name} width={file.width ?? undefined} height={file.height ?? undefined} /></div>
      <figcaption className="sheet__caption"><div><strong>{t("artboard.source")}</strong><span>{formatSize(file.width, file.height)}</span></div></figcaption>
    </figure>
  );
}

function Blank({ icon }: { icon: string }) {
  const t = useTranslate();
  return (
    <div className="artboard-empty crop">
      <span className="empty__icon"><Icon name={featureIcon(icon)} size={28} /></span>
      <h2>{t("artboard.empty")}</h2>
      <p>{t("artboard.emptyHint")}</p>
    </div>
  );
}
