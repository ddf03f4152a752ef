"""`/api/v1/ui/*` in the hot lane: released configuration per audience, with ETags and no query."""

import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from apps.core.aio import in_thread
from apps.core.config import NotReleased
from apps.core.lane.app import HotRoute
from apps.features import answers, feed
from apps.features.answers import UiFeatures, UiFeatureSchema, UiMenus, UiPreview, UiSchema
from apps.features.delivery import Reading, deliver, passing, reading_of, shared
from apps.features.notices import revisions
from apps.features.preview import open_draft

HEARTBEAT_SECONDS = 10.0
LONGEST_ID = 18  # digits of a `Last-Event-ID` that is looked at


class Shown(NamedTuple):
    """What an answer is made of."""

    revision: int
    released: feed.Released
    viewer: feed.Viewer
    preview: UiPreview | UnsetType = UNSET


async def read_menus(request: Request) -> Response:
    """Menu groups and the features this audience sees."""
    return await _answer(request, _menus)


async def read_features(request: Request) -> Response:
    """The feature registry."""
    return await _answer(request, _features)


async def read_schema(request: Request) -> Response:
    """Forms, results and tables: of one feature (`?feature=key`), or of all that this audience sees."""
    wanted = request.query_params.get("feature")
    if wanted is None:
        return await _answer(request, _schema)
    return await _answer(request, partial(_one, wanted), wanted)


async def _answer(request: Request, build: Callable[[Shown], answers.Answer], *about: str) -> Response:
    """What `build` makes for this caller: shared with its audience, or its own when it previews a draft."""
    reading = await reading_of(request)
    if (token := request.query_params.get("preview")) is not None:
        return await in_thread(_previewed)(reading, token, build)

    def encoded() -> bytes:
        released = reading.released()
        return shared(released, msgspec.json.encode(build(Shown(reading.revision, released, reading.viewer))))

    return await deliver(request, reading, reading.address(request.url.path, *about), encoded)


def _previewed(reading: Reading, token: str, build: Callable[[Shown], answers.Answer]) -> Response:
    """The same with a draft laid over what is live. Nobody keeps it."""
    draft = open_draft(token)
    released = {**reading.released(), draft.key: (0, draft.payload)}
    # All of the caller's roles: the draft may name some that nothing live does.
    viewer = reading.viewer._replace(roles=reading.person.roles, draft=draft.key)
    preview = UiPreview(draft.key, draft.expires_at.isoformat())
    body = msgspec.json.encode(build(Shown(reading.revision, released, viewer, preview)))
    return passing(body, reading)


def _menus(shown: Shown) -> UiMenus:
    groups = feed.menus(shown.released, shown.viewer)
    return UiMenus(revision=shown.revision, groups=groups, preview=shown.preview)


def _features(shown: Shown) -> UiFeatures:
    items = feed.features(shown.released, shown.viewer)
    return UiFeatures(revision=shown.revision, items=items, preview=shown.preview)


def _schema(shown: Shown) -> UiSchema:
    seen = feed.visible(shown.released, shown.viewer)
    forms = {key: feed.forms(key, *entry, shown.viewer) for key, entry in seen.items()}
    return UiSchema(
        revision=shown.revision,
        menus=feed.menus(seen, shown.viewer),
        forms=forms,
        tables={key: feed.columns(payload, forms[key]) for key, (_version, payload) in seen.items()},
        permissions={key: shown.viewer.may_run(key, payload) for key, (_version, payload) in seen.items()},
        preview=shown.preview,
    )


def _one(wanted: str, shown: Shown) -> UiFeatureSchema:
    seen = feed.visible(shown.released, shown.viewer)
    if wanted not in seen:
        raise NotReleased()
    version, payload = seen[wanted]
    forms = feed.forms(wanted, version, payload, shown.viewer)
    return UiFeatureSchema(
        revision=shown.revision,
        feature=forms.feature,
        form=forms.form,
        output=forms.output,
        table=feed.columns(payload, forms),
        permissions=shown.viewer.may_run(wanted, payload),
        preview=shown.preview,
    )


async def stream_revisions(request: Request) -> Response:
    """Server-sent events: the revision, unless the caller has it, and again whenever something is published."""
    last = request.headers.get("last-event-id", "")
    known = int(last) if last.isascii() and last.isdigit() and len(last) <= LONGEST_ID else None
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(known), media_type="text/event-stream", headers=headers)


async def _events(known: int | None) -> AsyncIterator[str]:
    """Events, with a comment after every ten quiet seconds."""
    yield "retry: 1000\n\n"
    spoke = time.monotonic()
    news = revisions(known)
    try:
        async for revision in news:
            if revision is not None:
                spoke = time.monotonic()
                yield f'event: revision\nid: {revision}\ndata: {{"revision": {revision}}}\n\n'
            elif time.monotonic() - spoke >= HEARTBEAT_SECONDS:
                spoke = time.monotonic()
                yield ": still here\n\n"
    finally:
        await news.aclose()


def _parameter(place: str, name: str, words: str) -> dict[str, Any]:
    return {"in": place, "name": name, "required": False, "schema": {"type": "string"}, "description": words}


_PREVIEW = _parameter("query", "preview", "The token of a preview link: its draft is laid over what is live")
_FEATURE = _parameter("query", "feature", "Only this feature; the answer is then a UiFeatureSchema")
_KNOWN = _parameter("header", "If-None-Match", "Tags of answers that the caller has")
_LAST = _parameter("header", "Last-Event-ID", "The revision that the caller has; it is not told again")
_HEADERS = {
    "ETag": {"schema": {"type": "string"}, "description": "Of revision, audience and encoding"},
    "X-Config-Version": {"schema": {"type": "integer"}, "description": "The revision"},
    "Age": {"schema": {"type": "integer"}, "description": "Seconds, when the revision could not be confirmed lately"},
}


def _route(
    path: str, endpoint: Any, summary: str, *schemas: type, parameters: tuple[dict[str, Any], ...] = ()
) -> HotRoute:
    """A route that answers one of `schemas`."""
    refs = [{"$ref": answers.COMPONENTS.format(name=one.__name__)} for one in schemas]
    schema = refs[0] if len(refs) == 1 else {"oneOf": refs}
    operation = {
        "operationId": f"ui_{path}",
        "summary": summary,
        "tags": ["ui"],
        "parameters": [*parameters, _PREVIEW, _KNOWN],
        "responses": {
            "200": {"description": summary, "headers": _HEADERS, "content": {"application/json": {"schema": schema}}},
            "304": {"description": "Unchanged since an ETag of `If-None-Match`."},
        },
    }
    components = answers.components(answers.COMPONENTS)
    return HotRoute(f"/api/v1/ui/{path}", endpoint, "public", operation, components=components)


_EVENTS = {
    "operationId": "ui_events",
    "summary": "The configuration revision, live",
    "tags": ["ui"],
    "parameters": [_LAST],
    "responses": {"200": {"description": "Events", "content": {"text/event-stream": {"schema": {"type": "string"}}}}},
}
ROUTES = [
    _route("menus", read_menus, "The menu of this audience", UiMenus),
    _route("features", read_features, "The released features", UiFeatures),
    _route(
        "schema",
        read_schema,
        "Forms, results, tables, menus and permissions",
        UiSchema,
        UiFeatureSchema,
        parameters=(_FEATURE,),
    ),
    HotRoute("/api/v1/ui/events", stream_revisions, "public", _EVENTS),
]
