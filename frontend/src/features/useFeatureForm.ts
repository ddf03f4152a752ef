import { useCallback, useEffect, useRef, useState } from "react";
import { readFeature } from "../api/endpoints";
import type { FeatureSchema, Values } from "../api/types";
import { preview } from "../api/preview";
import { session } from "../api/session";
import { revision } from "../app/revision";
import { keepFitting } from "../forms/keepFitting";
import { language } from "../i18n/language";
import { useLoad, type Loaded } from "../ui/useLoad";
import { useStore } from "../ui/store";
import { readDraft, saveDraft } from "./draft";

/** The version of what was never published. */
const DRAFT = 0;

export interface FeatureForm extends Loaded<FeatureSchema> {
  values: Values;
  setValues: (values: Values) => void;
  /** True after an operator has published a new version under the reader's hands. */
  updated: boolean;
  dismissUpdate: () => void;
}

/** A feature's form, kept true to what is published, with what the person has typed so far. */
export function useFeatureForm(feature: string): FeatureForm {
  const user = useStore(session)?.user.id ?? "";
  // Draft and release are two subjects: neither may stay on the page when the other cannot be had.
  const key = `${feature}|${useStore(preview) ?? ""} ${useStore(revision)} ${useStore(language)} ${user}`;
  const loaded = useLoad(key, () => readFeature(feature));
  const [values, setRaw] = useState<Values>(() => readDraft(feature));
  const [updated, setUpdated] = useState(false);
  const seen = useRef<number | null>(null);

  const setValues = useCallback((next: Values) => {
    setRaw(next);
    saveDraft(feature, next);
  }, [feature]);

  const data = loaded.data;
  useEffect(() => {
    if (!data) return;
    const before = seen.current;
    seen.current = data.feature.version;
    // A draft has no version: it may have changed each time.
    if (before === data.feature.version && before !== DRAFT) return;
    setRaw((old) => keepFitting(old, data.form.schema));
    setUpdated(before !== null && before !== DRAFT && data.feature.version !== DRAFT);
  }, [data]);

  return { ...loaded, values, setValues, updated, dismissUpdate: () => setUpdated(false) };
}
