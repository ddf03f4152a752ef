"""`/api/v1/ui/*` in the hot lane: released configuration per audience, with ETags and no query."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
from django.utils import translation
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from apps.core.config import NOBODY, NotReleased, Person, reader
from apps.core.lane.app import HotRoute
from apps.core.lane.identity import Principal
from apps.features import audience as audiences
from apps.features import feed
from apps.features.audience import is_visible
from apps.features.publishing import SCOPE

HEARTBEAT_SECONDS = 10
POLL_SECONDS = 2  # how often a stream looks by itself, should a notice be lost
CACHE_SIZE = 256

Audience = tuple[audiences.Audience, bool, str]
_bodies: OrderedDict[tuple[Any, ...], tuple[str, bytes]] = OrderedDict()


async def _audience(request: Request) -> Audience:
    principal: Principal | None = request.state.principal
    person = Person(str(principal.user_id), principal.roles) if principal else NOBODY
    return await audiences.aaudience_of(person), principal is not None, translation.get_language() or "en"


async def _answer(request: Request, name: str, build: Callable[[feed.Released, Audience], dict[str, Any]]) -> Response:
    """The body for this audience at this revision, built once; 304 when the caller has it."""
    released = await reader.aall(SCOPE)
    audience = await _audience(request)
    address = (name, request.url.query, reader.revision, audience[0].shared, *audience[1:])
    if address not in _bodies:
        body = msgspec.json.encode({"revision": reader.revision, **build(released, audience)})
        _bodies[address] = (f'"{hashlib.sha256(body).hexdigest()[:32]}"', body)
        while len(_bodies) > CACHE_SIZE:
            _bodies.popitem(last=False)
    etag, body = _bodies[address]
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Authorization, Accept-Language"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


async def read_menus(request: Request) -> Response:
    """Menu groups and the features this audience sees."""

    def build(released: feed.Released, audience: Audience) -> dict[str, Any]:
        roles, signed_in, language = audience
        return {"groups": feed.menus(released, roles=roles, signed_in=signed_in, language=language)}

    return await _answer(request, "menus", build)


async def read_features(request: Request) -> Response:
    """The feature registry."""

    def build(released: feed.Released, audience: Audience) -> dict[str, Any]:
        return {"items": feed.features(released, roles=audience[0], language=audience[2])}

    return await _answer(request, "features", build)


async def read_schema(request: Request) -> Response:
    """Forms and outputs: of one feature (`?feature=key`), or of all that this audience sees."""
    wanted = request.query_params.get("feature")

    def build(released: feed.Released, audience: Audience) -> dict[str, Any]:
        roles, signed_in, language = audience
        visible = {key: entry for key, entry in released.items() if is_visible(entry[1], roles)}
        if wanted is None:
            groups = feed.menus(released, roles=roles, signed_in=signed_in, language=language)
            forms = {key: _one(key, *entry, language) for key, entry in visible.items()}
            permissions = {item["feature"]: item["permissions"] for group in groups for item in group["items"]}
            return {"menus": groups, "forms": forms, "tables": {}, "permissions": permissions}
        if wanted not in visible:
            raise NotReleased()
        return _one(wanted, *visible[wanted], language)

    return await _answer(request, "schema", build)


def _one(key: str, version: int, payload: Any, language: str) -> dict[str, Any]:
    return {
        "feature": feed.summary(key, version, payload, language),
        "form": feed.form(payload, language),
        "output": feed.output(payload, language),
    }


async def stream_revisions(request: Request) -> Response:
    """Server-sent events: the revision at once, and again whenever something is published."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_revisions(), media_type="text/event-stream", headers=headers)


async def _revisions() -> AsyncIterator[str]:
    await reader.aall(SCOPE)
    loop, changed = asyncio.get_running_loop(), asyncio.Event()

    def notice(_revision: int) -> None:
        loop.call_soon_threadsafe(changed.set)

    stop = reader.listen(notice)
    said, quiet = -1, 0.0
    try:
        yield "retry: 1000\n\n"
        while True:
            changed.clear()
            if reader.revision != said:
                said, quiet = reader.revision, 0.0
                yield f'event: revision\nid: {said}\ndata: {{"revision": {said}}}\n\n'
            elif quiet >= HEARTBEAT_SECONDS:
                quiet = 0.0
                yield ": still here\n\n"
            try:
                await asyncio.wait_for(changed.wait(), POLL_SECONDS)
            except TimeoutError:
                quiet += POLL_SECONDS
    finally:
        stop()


def _operation(operation_id: str, summary: str, content: str = "application/json", **more: Any) -> dict[str, Any]:
    schema = {"type": "object"} if content == "application/json" else {"type": "string"}
    responses = {"200": {"description": summary, "content": {content: {"schema": schema}}}}
    if content == "application/json":
        responses["304"] = {"description": "Unchanged since the ETag of `If-None-Match`."}
    return {"operationId": operation_id, "summary": summary, "tags": ["ui"], "responses": responses, **more}


_FEATURE = {
    "in": "query",
    "name": "feature",
    "required": False,
    "schema": {"type": "string"},
    "description": "Only this feature",
}
ROUTES = [
    HotRoute("/api/v1/ui/menus", read_menus, "public", _operation("ui_menus", "The menu of this audience")),
    HotRoute("/api/v1/ui/features", read_features, "public", _operation("ui_features", "The released features")),
    HotRoute(
        "/api/v1/ui/schema",
        read_schema,
        "public",
        _operation("ui_schema", "Forms, outputs, menus and permissions", parameters=[_FEATURE]),
    ),
    HotRoute(
        "/api/v1/ui/events",
        stream_revisions,
        "public",
        _operation("ui_events", "The configuration revision, live", "text/event-stream"),
    ),
]
