import { expect, test } from "vitest";
import { adviceFor, ApiError, errorFromText, networkError } from "../src/api/errors";
import { fieldEntries } from "../src/forms/values";

const from = (status: number, body: object | string, headers: Record<string, string> = {}) =>
  errorFromText(status, typeof body === "string" ? body : JSON.stringify(body), (name) => headers[name] ?? null);

test("keeps every field of the error body", () => {
  const error = from(422, {
    code: "TASKS_2004", reason: "E_INPUT_INVALID", message: "No.", requestId: "r1", retryable: false,
    details: { errors: [{ pointer: "/a~1b/0", code: "maximum", message: "Too big." }] },
  });
  expect(error).toMatchObject({ status: 422, code: "TASKS_2004", reason: "E_INPUT_INVALID", message: "No.", requestId: "r1", retryable: false });
  expect(fieldEntries(error.fields)).toEqual([[["a/b", "0"], "Too big."]]);
});

test("survives a proxy's HTML page", () => {
  const error = from(502, "<html>Bad gateway</html>", { "X-Request-Id": "r2" });
  expect(error).toMatchObject({ status: 502, message: "", requestId: "r2", retryable: true });
});

test.each([
  [networkError(), "advice.network"],
  [from(401, {}), "advice.signIn"],
  [from(402, { reason: "E_QUOTA_INSUFFICIENT" }), "advice.balance"],
  [from(400, { details: { errors: [{ pointer: "/a", code: "x", message: "m" }] } }), "advice.fields"],
  [from(429, {}, { "Retry-After": "7" }), "advice.slowDown"],
  [from(503, { retryable: true }), "advice.retry"],
  [from(418, {}), "advice.report"],
])("every error says what to do next (%#)", (error: ApiError, advice) => {
  expect(adviceFor(error)).toBe(advice);
});

test("reads how long to wait", () => {
  expect(from(429, {}, { "Retry-After": "7" }).retryAfter).toBe(7);
  expect(from(429, {}, {}).retryAfter).toBeNull();
});
