"""One id per request, from the edge to the last log line."""

import re
import time
from collections.abc import Callable
from random import getrandbits

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse

log = structlog.get_logger("http")

HEADER = "X-Request-Id"
# Anything else would let a caller write into our logs and headers.
_ACCEPTED = re.compile(r"[A-Za-z0-9._:-]{8,64}")


def accept_or_mint(inbound: str | None) -> str:
    """The caller's id when it is well-formed, otherwise a new one."""
    return inbound if inbound and _ACCEPTED.fullmatch(inbound) else f"{getrandbits(128):032x}"


def bind_request_id(inbound: str | None) -> str:
    """Start a fresh logging context that carries the request id; returns the id."""
    request_id = accept_or_mint(inbound)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(requestId=request_id)
    return request_id


def get_request_id() -> str:
    """The id of the work in hand; empty outside any request or job."""
    return str(structlog.contextvars.get_contextvars().get("requestId", ""))


def log_request(*, method: str, route: str, status: int, started: float) -> None:
    """One line per request."""
    log.info(
        "request.done",
        method=method,
        route=route,
        status=status,
        durationMs=round((time.perf_counter() - started) * 1000, 1),
    )


class RequestIdMiddleware:
    """Binds the id, returns it in the response and writes the request's log line."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        request_id = bind_request_id(request.headers.get(HEADER))
        response = self.get_response(request)
        response.headers[HEADER] = request_id
        match = request.resolver_match
        route = f"/{match.route}" if match and "(" not in match.route else request.path
        if not request.path.startswith(settings.STATIC_URL):
            log_request(method=request.method or "", route=route, status=response.status_code, started=started)
        return response
