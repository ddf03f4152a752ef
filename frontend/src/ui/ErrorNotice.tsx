import { useEffect, useRef } from "react";
import { adviceFor, type ApiError } from "../api/errors";
import { useTranslate } from "../i18n/translate";
import { Button } from "./Button";
import { Icon } from "./icons";

/** What happened, what to do next, and the number to quote when asking for help. */
export function ErrorNotice({ error, onRetry, takeFocus = false }: { error: ApiError; onRetry?: () => void; takeFocus?: boolean }) {
  const t = useTranslate();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (takeFocus) box.current?.focus();
  }, [error, takeFocus]);
  const advice = t(adviceFor(error), { seconds: error.retryAfter ?? 30 });
  return (
    <div className="notice notice--error" role="alert" tabIndex={-1} ref={box}>
      <Icon name="alert" />
      <div className="notice__body">
        <p className="notice__title">{error.message || t(error.status === 0 ? "error.network" : "error.unknown")}</p>
        <p>{advice}</p>
        <ErrorNumbers code={error.code} requestId={error.requestId} />
      </div>
      {/* What is gone will not come back by asking again. */}
      {onRetry && error.status !== 404 && <Button icon="repeat" onClick={onRetry}>{t("action.retry")}</Button>}
    </div>
  );
}

export function ErrorNumbers({ code, requestId }: { code: string; requestId: string | null | undefined }) {
  const t = useTranslate();
  if (!requestId) return null;
  return (
    <p className="fine-print">
      {t("error.requestId")} <code>{requestId}</code>
      {code && <> · <code>{code}</code></>}
    </p>
  );
}
