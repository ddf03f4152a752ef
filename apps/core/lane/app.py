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
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from apps.core.error_handling import error_headers, to_api_error
from apps.core.errors import ApiError, MethodNotAllowed, Unauthenticated, error_body
from apps.core.lane.identity import Principal, identify
from apps.core.request_id import HEADER, bind_request_id, get_request_id, log_request

# Those that a route does not serve get their 405 in its own error shape; Starlette's is plain text.
ANSWERED = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

_REQUEST_ID = HEADER.lower().encode()
_NO_SNIFFING = (b"x-content-type-options", b"nosniff")

Endpoint = Callable[[Request], Awaitable[Response]]
Refusal = Callable[[Request, ApiError], Response]


def refuse(request: Request, error: ApiError) -> Response:
    """`error` in the product's one shape."""
    body = error_body(error, get_request_id())
    return JSONResponse(body, status_code=error.status, headers=error_headers(error))


@dataclass(frozen=True)
class HotRoute:
    """One route of the hot lane.

    `access` says who may call it, `operation` is its OpenAPI operation and `components` are the schemas that it
    names. `methods` are served (HEAD comes with GET); `refusal` renders errors where a protocol of others asks for
    a shape of its own.
    """

    path: str
    endpoint: Endpoint
    access: Literal["public", "user"]
    operation: Mapping[str, Any] = field(default_factory=dict)
    documented: bool = True
    methods: tuple[str, ...] = ("GET",)
    components: Mapping[str, Any] = field(default_factory=dict)
    refusal: Refusal = refuse

    @property
    def served(self) -> tuple[str, ...]:
        """Every method that is answered with more than a refusal."""
        return (*self.methods, "HEAD") if "GET" in self.methods else self.methods


routes: list[HotRoute] = []


def register(route: HotRoute) -> None:
    """Add a route; apps do this in `AppConfig.ready()`."""
    routes.append(route)


class Lane:
    """Every registered route. Those without parameters are found by a look into a dict, and called directly."""

    def __init__(self) -> None:
        guarded = [(route.path, _guarded(route)) for route in routes]
        self.starlette = Starlette(routes=[Route(path, endpoint, methods=ANSWERED) for path, endpoint in guarded])
        self._direct = {path: _direct(endpoint) for path, endpoint in guarded if "{" not in path}

    def find(self, scope: Scope) -> ASGIApp | None:
        """Who answers the request; None when nobody here does."""
        if direct := self._direct.get(scope["path"]):
            return direct
        if any(route.matches(scope)[0] is Match.FULL for route in self.starlette.routes):
            return self.starlette
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answering = self.starlette if scope["type"] == "lifespan" else self.find(scope) or self.starlette
        await answering(scope, receive, send)


def build() -> Lane:
    """The application with every registered route."""
    return Lane()


def _direct(endpoint: Endpoint) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await endpoint(Request(scope, receive, send))
        await response(scope, receive, send)

    return app


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


async def _admitted(route: HotRoute, request: Request) -> Principal | None:
    """Who calls. Raises `MethodNotAllowed`, `Unauthenticated`, or the token's own error."""
    if request.method not in route.served:
        raise MethodNotAllowed()
    address = request.client.host if request.client else ""
    principal = await identify(request.headers.get("authorization", ""), address)
    if route.access == "user" and principal is None:
        raise Unauthenticated()
    return principal


def _refused(route: HotRoute, request: Request, error: ApiError) -> Response:
    response = route.refusal(request, error)
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(route.served)
    return response


def _guarded(route: HotRoute) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        started = time.perf_counter()
        request_id = bind_request_id(request.headers.get(HEADER))
        # For the whole task, which is the request's own: what a stream says later is in the same language.
        translation.activate(accepted_language(request.headers.get("accept-language", "")))
        try:
            request.state.principal = await _admitted(route, request)
            response = await route.endpoint(request)
        except Exception as exc:
            response = _refused(route, request, to_api_error(exc))
        response.raw_headers += [(_REQUEST_ID, request_id.encode()), _NO_SNIFFING]
        log_request(method=request.method, route=route.path, status=response.status_code, started=started)
        return response

    return endpoint
