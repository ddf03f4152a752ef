import { adviceFor, type ApiError } from "../../api/errors";
import { useTranslate } from "../../i18n/translate";
import { ErrorNumbers } from "../../ui/ErrorNotice";

export function UploadProblem({ error }: { error: ApiError }) {
  const t = useTranslate();
  return (
    <div className="field__error" role="alert">
      {error.message || t("file.failed")} {t(adviceFor(error), { seconds: error.retryAfter ?? 30 })}
      <ErrorNumbers code={error.code} requestId={error.requestId} />
    </div>
  );
}
