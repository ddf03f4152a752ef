import type { ApiError } from "../../api/errors";
import type { Word } from "./words";

const BY_REASON: [RegExp, Word][] = [
  [/NETWORK/, "failed.network"],
  [/STREAM_CUT/, "failed.cut"],
  [/NO_ROUTE|MODEL/, "failed.route"],
  [/BUDGET|QUOTA|BALANCE|INSUFFICIENT/, "failed.budget"],
  [/REFUSED/, "failed.refused"],
];
const BY_STATUS: Record<number, Word> = { 401: "failed.signIn", 403: "failed.forbidden", 404: "failed.missing" };

/** What somebody who tries a prompt can do about `error`. */
export function adviceFor(error: ApiError): Word {
  const known = BY_REASON.find(([pattern]) => pattern.test(error.reason));
  return known?.[1] ?? BY_STATUS[error.status] ?? (error.retryable ? "failed.retry" : "failed.refused");
}
