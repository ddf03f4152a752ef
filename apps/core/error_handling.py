"""Turns every exception of the Django lane into the one error shape."""

import sys
from collections.abc import Iterator
from typing import Any

import structlog
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, RequestDataTooBig, ValidationError
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from redis.exceptions import ConnectionError as RedisConnectionError
from rest_framework import exceptions as drf
from rest_framework.response import Response

from apps.core import errors
from apps.core.errors import ApiError, error_body
from apps.core.request_id import get_request_id

log = structlog.get_logger("core")

ADMIN = "/admin/"

_BY_TYPE: list[tuple[type[BaseException], type[ApiError]]] = [
    (drf.NotAuthenticated, errors.Unauthenticated),
    (drf.AuthenticationFailed, errors.Unauthenticated),
    (drf.PermissionDenied, errors.Forbidden),
    (PermissionDenied, errors.Forbidden),
    (drf.NotFound, errors.NotFound),
    (Http404, errors.NotFound),
    (drf.MethodNotAllowed, errors.MethodNotAllowed),
    (drf.UnsupportedMediaType, errors.UnsupportedMedia),
    (drf.NotAcceptable, errors.UnsupportedMedia),
    (drf.Throttled, errors.TooManyRequests),
    (RequestDataTooBig, errors.BodyTooLarge),
    (drf.ParseError, errors.InvalidRequest),
    (OperationalError, errors.DependencyDown),
    (RedisConnectionError, errors.DependencyDown),
]


def to_api_error(exc: BaseException) -> ApiError:
    """`exc` as an `ApiError`; what nobody mapped becomes `InternalError` and is logged with its traceback."""
    if isinstance(exc, ApiError):
        return exc
    if isinstance(exc, drf.ValidationError):
        return errors.InvalidRequest(details={"errors": list(_field_errors(exc.get_full_details(), ""))})
    if isinstance(exc, ValidationError):
        return errors.InvalidRequest(details={"errors": list(_model_errors(exc))})
    for known, mapped in _BY_TYPE:
        if isinstance(exc, known):
            if mapped.status >= 500:
                log.error("dependency.failed", exc_info=exc)
            return mapped()
    log.error("request.crashed", exc_info=exc)
    return errors.InternalError()


def _field_errors(detail: Any, pointer: str) -> Iterator[dict[str, str]]:
    if isinstance(detail, dict) and set(detail) == {"message", "code"}:
        yield {"pointer": pointer, "code": detail["code"], "message": str(detail["message"])}
    elif isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _field_errors(inner, pointer if name == "non_field_errors" else f"{pointer}/{name}")
    else:
        for index, inner in enumerate(detail):
            nested = isinstance(inner, dict) and set(inner) != {"message", "code"}
            yield from _field_errors(inner, f"{pointer}/{index}" if nested else pointer)


def _model_errors(exc: ValidationError) -> Iterator[dict[str, str]]:
    fields = exc.error_dict.items() if hasattr(exc, "error_dict") else [(NON_FIELD_ERRORS, exc.error_list)]
    for name, failures in fields:
        for failure in failures:
            pointer = "" if name == NON_FIELD_ERRORS else f"/{name}"
            yield {"pointer": pointer, "code": failure.code or "invalid", "message": failure.messages[0]}


def error_headers(error: ApiError) -> dict[str, str]:
    """The headers that belong to `error`, the same in every lane."""
    headers = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if retry_after := error.details.get("retryAfter"):
        headers["Retry-After"] = str(int(retry_after))
    return headers


def handle_exception(exc: Exception, context: dict[str, object]) -> Response:
    """DRF's exception handler."""
    error = to_api_error(exc)
    headers = error_headers(error)
    if wait := getattr(exc, "wait", None):
        headers["Retry-After"] = str(int(wait))
    return Response(error_body(error, get_request_id()), status=error.status, headers=headers)


def error_response(error: ApiError) -> JsonResponse:
    """The same body for plain Django views."""
    return JsonResponse(error_body(error, get_request_id()), status=error.status, headers=error_headers(error))


def answer(request: HttpRequest, error: ApiError) -> HttpResponse:
    """`error` as a page for who reads it in a browser, as JSON for every program."""
    from apps.core import error_pages  # it needs the admin, and this module is read before the apps are

    return error_pages.error_page(request, error) if error_pages.wants_page(request) else error_response(error)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """`handler404`."""
    return answer(request, errors.NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    """`handler500`: also for what middleware met, such as the session's table being away."""
    error = sys.exc_info()[1]
    if not isinstance(error, OperationalError):
        return answer(request, errors.InternalError())
    if request.path.startswith(ADMIN):
        from apps.core.status.outage import outage

        return outage(request)
    return answer(request, errors.DependencyDown())


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """`handler403`: what the admin refuses. The API's own refusals name the right that was needed."""
    if user_id := getattr(getattr(request, "user", None), "pk", None):
        log.warning("permission.denied", userId=user_id, path=request.path)
    return answer(request, errors.Forbidden())


def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """`CSRF_FAILURE_VIEW`: mostly a page that was left open while its reader signed in again."""
    log.warning("form.expired", path=request.path, why=reason)
    return answer(request, errors.FormExpired())


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """`handler400`."""
    return answer(request, errors.InvalidRequest())
