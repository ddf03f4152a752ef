"""The hot lane: a Starlette application for reads and streams that must not cost a thread or a query.

Request id, identity, language, errors and the log line are the same code as in the Django lane.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from django.utils import translation
from django.utils.translation import get_supported_language_variant
from django.utils.translation.trans_real import parse_accept_lang_header
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from apps.core.error_handling import error_headers, to_api_error
from apps.core.errors import MethodNotAllowed, Unauthenticated, error_body
from apps.core.lane.identity import Principal, identify
from apps.core.request_id import HEADER, bind_request_id, get_request_id, log_request

SERVED = ("GET", "HEAD")
# The others get their 405 in the one error shape; Starlette's own is plain text.
ANSWERED = [*SERVED, "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class HotRoute:
    """One route of the hot lane. `operation` is its OpenAPI operation; `access` who may call it."""

    path: str
    endpoint: Endpoint
    access: Literal["public", "user"]
    operation: Mapping[str, Any] = field(default_factory=dict)
    documented: bool = True


routes: list[HotRoute] = []


def register(route: HotRoute) -> None:
    """Add a route; apps do this in `AppConfig.ready()`."""
    routes.append(route)


def build() -> Starlette:
    """The application with every registered route."""
    return Starlette(routes=[Route(r.path, _guarded(r), methods=ANSWERED) for r in routes])


def accepted_language(header: str) -> str:
    """The best supported language of an `Accept-Language` header."""
    for candidate, _quality in parse_accept_lang_header(header.lower()):
        if candidate == "*":
            break
        try:
            return get_supported_language_variant(candidate)
        except LookupError:
            continue
    return "en"


def _admitted(route: HotRoute, request: Request) -> Principal | None:
    """Who calls. Raises `MethodNotAllowed`, `Unauthenticated`, or the token's own error."""
    if request.method not in SERVED:
        raise MethodNotAllowed()
    principal = identify(request.headers.get("authorization", ""))
    if route.access == "user" and principal is None:
        raise Unauthenticated()
    return principal


def _guarded(route: HotRoute) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        started = time.perf_counter()
        request_id = bind_request_id(request.headers.get(HEADER))
        with translation.override(accepted_language(request.headers.get("accept-language", ""))):
            try:
                request.state.principal = _admitted(route, request)
                response = await route.endpoint(request)
            except Exception as exc:
                error = to_api_error(exc)
                body = error_body(error, get_request_id())
                response = JSONResponse(body, status_code=error.status, headers=error_headers(error))
        response.headers[HEADER] = request_id
        response.headers["X-Content-Type-Options"] = "nosniff"
        log_request(method=request.method, route=route.path, status=response.status_code, started=started)
        return response

    return endpoint
