import { useEffect, useState, type FormEvent } from "react";
import { navigate, place, safeNext } from "../app/router";
import { signIn } from "../api/endpoints";
import { asApiError, type ApiError } from "../api/errors";
import { session } from "../api/session";
import { useTranslate } from "../i18n/translate";
import { Button } from "../ui/Button";
import { ErrorNotice } from "../ui/ErrorNotice";
import { Mark } from "../ui/Mark";
import { Notice } from "../ui/Notice";
import { useStore } from "../ui/store";
import { useTitle } from "../ui/useTitle";

export function SignInPage() {
  const t = useTranslate();
  const heading = useTitle(t("auth.signIn"));
  const signedIn = useStore(session) !== null;
  const next = safeNext(useStore(place).query.get("next"));
  useEffect(() => {
    if (signedIn) navigate(next, { replace: true });
  }, [signedIn, next]);
  return (
    <div className="sign-in crop">
      <Mark size={44} />
      <h1 ref={heading} tabIndex={-1}>{t("auth.title")}</h1>
      <p className="muted">{t("auth.hint")}</p>
      <SignInForm />
    </div>
  );
}

function SignInForm() {
  const t = useTranslate();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setError(null);
    try {
      await signIn(String(form.get("username")).trim(), String(form.get("password")));
    } catch (failure) {
      setError(asApiError(failure));
      setBusy(false);
    }
  };
  return (
    <form className="fields" onSubmit={(event) => void submit(event)}>
      <div className="field">
        <label className="field__label" htmlFor="username">{t("auth.username")}</label>
        <input className="input" id="username" name="username" autoComplete="username" autoCapitalize="none" spellCheck={false} required autoFocus />
      </div>
      <div className="field">
        <label className="field__label" htmlFor="password">{t("auth.password")}</label>
        <input className="input" id="password" name="password" type="password" autoComplete="current-password" required />
      </div>
      {error && (wrongPassword(error) ? <Notice icon="alert">{t("auth.wrong")}</Notice> : <ErrorNotice error={error} />)}
      <Button type="submit" kind="key" busy={busy}>{t("auth.signIn")}</Button>
    </form>
  );
}

/** Which of the two was wrong is nobody's business; that they may be typed again is. */
const wrongPassword = (error: ApiError) => error.status === 400 || error.status === 401;
