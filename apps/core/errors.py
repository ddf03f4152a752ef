"""The one error model: every failure a caller can see is an `ApiError` with a stable code."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

CATALOGUE: dict[str, type["ApiError"]] = {}


class ApiError(Exception):
    """A failure with a code, a reason and words for the person who meets it.

    Subclasses stand beside the service that raises them. Codes 2xxx are the caller's to mend, 5xxx are ours
    or an upstream's. `message` is a translatable template with named placeholders filled from `params`.
    """

    code: ClassVar[str] = ""
    reason: ClassVar[str] = ""
    status: ClassVar[int] = 500
    message: ClassVar[str | Promise] = ""
    retryable: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not cls.code:
            return
        known = CATALOGUE.setdefault(cls.code, cls)
        if (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"error code {cls.code} is taken by {known.__qualname__}")

    def __init__(self, *, details: Mapping[str, Any] | None = None, **params: object) -> None:
        super().__init__(self.reason)
        self.details = dict(details or {})
        self.params = params

    def text(self) -> str:
        """The message in the active language."""
        template = str(self.message)
        return template % self.params if self.params else template

    def __str__(self) -> str:
        return f"{self.code} {self.reason}: {self.text()}"

    def as_dict(self) -> dict[str, Any]:
        """What may be stored or streamed: code, reason, message, retryable."""
        return {"code": self.code, "reason": self.reason, "message": self.text(), "retryable": self.retryable}


def error_body(error: ApiError, request_id: str) -> dict[str, Any]:
    """The response body of `error`, the same in every lane."""
    body = error.as_dict() | {"requestId": request_id}
    if error.details:
        body["details"] = error.details
    return body


class InternalError(ApiError):
    code, reason, status, retryable = "CORE_5000", "E_INTERNAL", 500, True
    message = _("Something went wrong on our side. Try again; if it stays, report the request id.")


class DependencyDown(ApiError):
    code, reason, status, retryable = "CORE_5001", "E_DEPENDENCY_DOWN", 503, True
    message = _("A part of the service is not reachable right now. Nothing was changed; try again shortly.")


class InvalidRequest(ApiError):
    code, reason, status = "CORE_2000", "E_REQUEST_INVALID", 400
    message = _("The request could not be understood. See the listed fields.")


class Mistaken(ApiError):
    """Nothing was saved; `details.errors` has every mistake with its pointer. The message may say their `count`."""

    def __init__(self, errors: Iterable[Mapping[str, Any]]) -> None:
        found = [dict(one) for one in errors]
        super().__init__(count=len(found), details={"errors": found})


class Unauthenticated(ApiError):
    code, reason, status = "CORE_2001", "E_UNAUTHENTICATED", 401
    message = _("Sign in to go on.")


class Forbidden(ApiError):
    code, reason, status = "CORE_2002", "E_FORBIDDEN", 403
    message = _("Your account may not do this. Ask an administrator for the right.")


class NotFound(ApiError):
    code, reason, status = "CORE_2003", "E_NOT_FOUND", 404
    message = _("There is nothing here, or you may not see it.")


class MethodNotAllowed(ApiError):
    code, reason, status = "CORE_2004", "E_METHOD_NOT_ALLOWED", 405
    message = _("This address does not support that method.")


class UnsupportedMedia(ApiError):
    code, reason, status = "CORE_2005", "E_MEDIA_TYPE", 415
    message = _("Send this request in the documented content type.")


class TooManyRequests(ApiError):
    code, reason, status, retryable = "CORE_2006", "E_THROTTLED", 429, True
    message = _("Too many requests. Wait a moment and try again.")


class StaleRevision(ApiError):
    code, reason, status = "CORE_2007", "E_STALE", 412
    message = _("Somebody changed this in the meantime. Reload it and apply your change again.")


class BodyTooLarge(ApiError):
    code, reason, status = "CORE_2008", "E_BODY_TOO_LARGE", 413
    message = _("The request is larger than this address accepts.")


class CursorInvalid(ApiError):
    code, reason, status = "CORE_2009", "E_CURSOR", 400
    message = _("This page link is not valid. Start again from the first page.")


class FormExpired(ApiError):
    code, reason, status = "CORE_2090", "E_FORM_EXPIRED", 403
    message = _("This page was open for too long. Nothing was changed: go back, reload it and send it again.")
