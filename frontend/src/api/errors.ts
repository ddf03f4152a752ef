import type { MessageKey } from "../i18n/messages";

export interface FieldProblem {
  pointer: string;
  code: string;
  message: string;
}

interface ErrorBody {
  code?: string;
  reason?: string;
  message?: string;
  requestId?: string;
  retryable?: boolean;
  details?: { errors?: FieldProblem[] };
}

interface Extras {
  status: number;
  requestId: string | null;
  retryAfter: number | null;
}

/** Any refusal of the API, or the lack of an answer (`status` 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly reason: string;
  readonly requestId: string | null;
  readonly retryable: boolean;
  readonly retryAfter: number | null;
  readonly fields: FieldProblem[];

  constructor(body: ErrorBody, extras: Extras) {
    super(body.message ?? "");
    this.name = "ApiError";
    this.status = extras.status;
    this.code = body.code ?? "";
    this.reason = body.reason ?? "";
    this.requestId = body.requestId ?? extras.requestId;
    this.retryable = body.retryable ?? (extras.status === 0 || extras.status >= 500);
    this.retryAfter = extras.retryAfter;
    this.fields = body.details?.errors ?? [];
  }
}

export function networkError(): ApiError {
  return new ApiError(
    { code: "NETWORK", reason: "E_NETWORK" },
    { status: 0, requestId: null, retryAfter: null },
  );
}

/** A proxy's HTML page is as likely here as our JSON, so nothing about the body is assumed. */
export function errorFromText(status: number, text: string, header: (name: string) => string | null): ApiError {
  const seconds = Number(header("Retry-After"));
  return new ApiError(parseBody(text), {
    status,
    requestId: header("X-Request-Id"),
    retryAfter: Number.isFinite(seconds) && seconds > 0 ? seconds : null,
  });
}

function parseBody(text: string): ErrorBody {
  try {
    const body: unknown = JSON.parse(text);
    return body !== null && typeof body === "object" ? (body as ErrorBody) : {};
  } catch {
    return {};
  }
}

export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : networkError();
}

const ADVICE_BY_STATUS: Record<number, MessageKey> = {
  0: "advice.network",
  401: "advice.signIn",
  402: "advice.balance",
  403: "advice.forbidden",
  404: "advice.notFound",
  409: "advice.conflict",
  413: "advice.tooLarge",
  415: "advice.fileType",
  422: "advice.fields",
  429: "advice.slowDown",
};

/** What the reader can do about it; every error shown carries one of these. */
export function adviceFor(error: ApiError): MessageKey {
  if (/QUOTA|BALANCE|INSUFFICIENT/.test(error.reason)) return "advice.balance";
  if (error.reason.startsWith("E_PREVIEW")) return "advice.preview";
  if (error.fields.length > 0) return "advice.fields";
  const known = ADVICE_BY_STATUS[error.status];
  if (known) return known;
  return error.retryable ? "advice.retry" : "advice.report";
}
