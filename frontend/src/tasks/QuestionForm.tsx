import { useState } from "react";
import { asApiError, type ApiError } from "../api/errors";
import type { FormSpec, Question, Schema, UiSchema, Values } from "../api/types";
import { translated } from "../admin/translated";
import { segments } from "../forms/pointer";
import { SchemaForm } from "../forms/SchemaForm";
import { errorSchemaFrom } from "../forms/validator";
import { formatMoment } from "../i18n/format";
import { currentLanguage } from "../i18n/language";
import type { MessageKey } from "../i18n/messages";
import { useTranslate, type Translate } from "../i18n/translate";
import { Button, IconButton } from "../ui/Button";
import { ErrorNotice } from "../ui/ErrorNotice";
import { Icon } from "../ui/icons";

export type Closed = "question.late" | "question.taken";

interface Props {
  question: Question;
  /** Widgets for places where the storefront's own would not do. */
  ui?: UiSchema;
  /** Raises what the server has against the answer. */
  onSend: (answer: Values, option: string) => Promise<void>;
  /** The question is closed: somebody else was first, or its time is over. */
  onClosed: (why: Closed) => void;
}

/** What a run asks a person: its form, one button for each way it can go on, and until when. */
export function QuestionForm({ question, ui, onSend, onClosed }: Props) {
  const t = useTranslate();
  const spec = specOf(question, ui);
  const [values, setValues] = useState<Values>({});
  const [sending, setSending] = useState<string | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const options = question.options.length > 0 ? question.options : [""];
  const refuse = (failure: ApiError) => (CLOSED.includes(failure.status) ? onClosed(failure.status === 410 ? "question.late" : "question.taken") : setError(failure));
  const send = async (option: string, given: Values) => {
    setSending(option);
    setError(null);
    await onSend(given, option).catch((failure: unknown) => refuse(asApiError(failure)));
    setSending(null);
  };
  const id = `question-${question.path.replace(/\W/g, "-")}`;
  return (
    <section className="question" aria-labelledby={`${id}-title`}>
      <h3 id={`${id}-title`}>{question.title}</h3>
      <SchemaForm id={id} spec={spec} values={values} serverErrors={error ? errorSchemaFrom(inForm(error)) : undefined} onChange={setValues} onSubmit={(given) => void send(chosen(id, options), given)}>
        <div className="question__ways">
          {options.map((option, index) => (
            <Button key={option} type="submit" kind={index === 0 ? "key" : "plain"} name="option" value={option} busy={sending === option} onClick={() => choose(id, option)}>{sayOption(t, option)}</Button>
          ))}
        </div>
      </SchemaForm>
      {error && inForm(error).length === 0 && <ErrorNotice error={error} takeFocus />}
      <p className="fine-print">
        {t("question.until", { when: formatMoment(question.deadline) })} {question.default && t("question.default", { option: sayOption(t, question.default) })}
      </p>
    </section>
  );
}

const CLOSED = [404, 409, 410];

/** Stays after the question has gone, so that whoever answered too late knows it. */
export function TooLate({ why, onRead }: { why: Closed; onRead: () => void }) {
  const t = useTranslate();
  return (
    <div className="notice" role="alert">
      <Icon name="info" />
      <div className="notice__body"><p className="notice__title">{t(why)}</p><p>{t("question.goesOn")}</p></div>
      <IconButton icon="close" label={t("action.dismiss")} onClick={onRead} />
    </div>
  );
}

/** Which button sent the form: the form library does not say. */
const pressed = new Map<string, string>();
const choose = (form: string, option: string) => void pressed.set(form, option);
const chosen = (form: string, options: string[]) => pressed.get(form) ?? options[0] ?? "";

function specOf({ form }: Question, ui: UiSchema | undefined): FormSpec {
  const language = currentLanguage();
  const drawn = translated(form.ui, language) as UiSchema;
  return { schema: { type: "object", ...(translated(form.schema, language) as Schema) }, uiSchema: { ...drawn, ...ui } };
}

/** Pointers of an answer begin with its place in the body. */
const inForm = (error: ApiError) =>
  error.fields.filter((one) => one.pointer.startsWith("/answer/")).map((one): [string[], string] => [segments(one.pointer).slice(1), one.message]);

const KNOWN = ["approve", "reject", "retry", "fail", "yes", "no"];

/** What a way is called: the usual ones in the reader's language, others as their author wrote them. */
export function sayOption(t: Translate, option: string): string {
  if (KNOWN.includes(option)) return t(`option.${option}` as MessageKey);
  if (!option) return t("question.send");
  const words = option.replace(/_/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
