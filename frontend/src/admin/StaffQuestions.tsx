import { useState } from "react";
import { errorFromText, networkError } from "../api/errors";
import type { Question, Values } from "../api/types";
import { useTranslate } from "../i18n/translate";
import { QuestionForm, TooLate, type Closed } from "../tasks/QuestionForm";
import { Notice } from "../ui/Notice";

interface Source {
  questions?: Question[];
  url?: string;
}

/** What a run asks the staff, each with its form; an answer is sent as the page's own forms are. */
export function StaffQuestions({ source }: { source: unknown }) {
  const { questions = [], url = "" } = (source ?? {}) as Source;
  return questions.map((question) => <StaffQuestion key={question.path} question={question} url={url} />);
}

function StaffQuestion({ question, url }: { question: Question; url: string }) {
  const t = useTranslate();
  const [state, setState] = useState<Closed | "answered" | null>(null);
  const send = async (answer: Values, option: string) => {
    await post(url, { path: question.path, answer, option });
    setState("answered");
  };
  if (state === "answered") return <div role="status"><Notice icon="check">{t("admin.questionAnswered")}</Notice></div>;
  if (state) return <TooLate why={state} onRead={() => location.reload()} />;
  return <QuestionForm question={question} onSend={send} onClosed={setState} />;
}

async function post(url: string, body: object): Promise<void> {
  const csrf = document.querySelector<HTMLInputElement>("input[name=csrfmiddlewaretoken]")?.value ?? "";
  const headers = { "Content-Type": "application/json", "X-CSRFToken": csrf };
  const answer = await fetch(url, { method: "POST", body: JSON.stringify(body), headers, credentials: "same-origin", redirect: "error" }).catch(() => {
    throw networkError();
  });
  if (!answer.ok) throw errorFromText(answer.status, await answer.text(), (name) => answer.headers.get(name));
}
