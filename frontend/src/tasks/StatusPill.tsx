import type { TaskStatus } from "../api/types";
import type { MessageKey } from "../i18n/messages";
import { useTranslate } from "../i18n/translate";

export function StatusPill({ status }: { status: TaskStatus }) {
  const t = useTranslate();
  return <span className="pill" data-status={status}>{t(`status.${status}` as MessageKey)}</span>;
}
