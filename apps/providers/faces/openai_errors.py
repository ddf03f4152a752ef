"""Errors in OpenAI's shape, so that its SDKs raise the exception that their users catch."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from apps.core.error_handling import error_headers
from apps.core.errors import ApiError
from apps.core.request_id import get_request_id
from apps.providers.errors import NoRoute, UpstreamBusy

_STATUS: dict[type[ApiError], int] = {NoRoute: 404, UpstreamBusy: 429}
_CODES: dict[str, str] = {
    "E_NO_ROUTE": "model_not_found",
    "E_BUDGET_EXHAUSTED": "insufficient_quota",
    "E_QUOTA_EXHAUSTED": "insufficient_quota",
    "E_UNAUTHENTICATED": "invalid_api_key",
}


def error_object(error: ApiError) -> dict[str, Any]:
    """`{"error": {message, type, param, code}}`, all four always there, and our own code and request id beside them."""
    found = error.details.get("errors") or [{}]
    first = found[0]
    words = f"{error.text()} ({first['pointer']}: {first['message']})" if first.get("pointer") else error.text()
    return {
        "error": {
            "message": words,
            "type": _type(error),
            "param": str(first["pointer"]).lstrip("/").replace("/", ".") if first.get("pointer") else None,
            "code": _CODES.get(error.reason, error.reason),
            "paiban_code": error.code,
            "request_id": get_request_id(),
        }
    }


def status_of(error: ApiError) -> int:
    """The status that OpenAI would answer."""
    if _CODES.get(error.reason) == "insufficient_quota":
        return 429
    return _STATUS.get(type(error), error.status)


def refuse(_request: Request, error: ApiError) -> Response:
    """`error` as OpenAI's API tells it. Its SDKs repeat every 409 and 5xx unless they are told not to."""
    headers = error_headers(error) | ({} if error.retryable else {"X-Should-Retry": "false"})
    return JSONResponse(error_object(error), status_code=status_of(error), headers=headers)


def _type(error: ApiError) -> str:
    status = status_of(error)
    if status == 429:
        return "insufficient_quota" if _CODES.get(error.reason) == "insufficient_quota" else "rate_limit_error"
    if status in {401, 403}:
        return "authentication_error" if status == 401 else "permission_error"
    return "invalid_request_error" if status < 500 else "server_error"
