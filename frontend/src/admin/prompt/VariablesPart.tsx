import { useMemo } from "react";
import { Notice } from "../../ui/Notice";
import { includedIn } from "./scan";
import type { Variable, Words } from "./types";
import type { DraftState } from "./useDraft";
import type { Previewed } from "./usePreview";
import { TYPES, VariableTable } from "./VariableTable";
import { usageOf } from "./variables";
import { say } from "./words";

interface Props {
  draft: DraftState;
  words: Words | null;
  previewed: Previewed;
  readOnly: boolean;
}

/** The table, or the JSON itself where it is no table. */
export function VariablesPart({ draft, words, previewed, readOnly }: Props) {
  const { variables, texts, typed } = draft;
  const missing = previewed.answer?.missingVars;
  const unusedThere = previewed.answer?.unused;
  const included = useMemo(() => includedVariables(texts, words), [texts, words]);
  if (!variables) return <BrokenJson text={draft.json} onChange={draft.setJson} />;

  const needed = new Set(included.map((variable) => variable.name));
  const usage = usageOf(variables, [texts.system, texts.body], needed);
  const known = new Set([...variables.map((variable) => variable.name), ...usage.undeclared]);
  const further = [...needed, ...(missing ?? []), ...Object.keys(typed).filter((name) => typed[name])].filter((name) => !known.has(name));
  const inherited = [...new Set(further)].map((name) => included.find((variable) => variable.name === name) ?? { name });
  return (
    <VariableTable
      variables={variables}
      types={words?.types.length ? words.types : TYPES}
      usage={unusedThere ? { ...usage, unused: agreed(usage.unused, unusedThere) } : usage}
      inherited={inherited}
      values={typed}
      answer={previewed.answer}
      readOnly={readOnly}
      onChange={draft.setVariables}
      onValue={draft.setValue}
    />
  );
}

/** The server knows what deeper includes read, the page knows the last key: unused is what both call so. */
const agreed = (here: ReadonlySet<string>, there: string[]) => new Set([...here].filter((name) => there.includes(name)));

function includedVariables(texts: { system: string; body: string }, words: Words | null): Variable[] {
  const keys = new Set([texts.system, texts.body].flatMap(includedIn).map((reference) => reference.split("@")[0]));
  return (words?.prompts ?? []).filter((prompt) => keys.has(prompt.key)).flatMap((prompt) => prompt.variables);
}

function BrokenJson({ text, onChange }: { text: string; onChange: (text: string) => void }) {
  return (
    <section className="pe-variables">
      <h3>{say("variables.title")}</h3>
      <Notice icon="alert">{say("variables.broken")}</Notice>
      <textarea className="pe-input pe-input--code" rows={10} aria-label={say("variables.json")} value={text} onChange={(event) => onChange(event.target.value)} />
    </section>
  );
}
