"""`POST /api/v1/admin/pipelines/{id}/test` and `GET /api/v1/admin/trials/{id}/stream`: start a trial, and watch it."""

from collections.abc import AsyncGenerator
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from apps.accounts.models import User
from apps.core.aio import in_thread
from apps.core.errors import Unauthenticated
from apps.core.lane.app import HotRoute
from apps.core.lane.body import read_json
from apps.core.lane.identity import Principal
from apps.core.lane.streams import EventStream
from apps.tasks.models import Task
from apps.tasks.trials import services
from apps.tasks.trials.frames import follow
from apps.tasks.trials.render import accepted
from apps.tasks.trials.wish import read_wish

LARGEST: Final = 4 * 1024 * 1024  # bytes; a graph of 300 nodes with its input
RETRY: Final = b"retry: 2000\n\n"


async def start_trial(request: Request) -> Response:
    """Start it: with `Accept: text/event-stream` its events, else where to find them."""
    user = await in_thread(_known)(request.state.principal)
    wish = read_wish(await read_json(request, largest=LARGEST))
    task = await in_thread(services.start_trial)(user, request.path_params["pipeline"], wish)
    if "text/event-stream" in request.headers.get("accept", ""):
        return EventStream(_events(task, 0), headers={"X-Trial": str(task.pk)})
    return Response(msgspec.json.encode(accepted(task)), status_code=202, media_type="application/json")


async def stream_trial(request: Request) -> Response:
    """The events after `Last-Event-ID`; 204 when the trial has ended and all of them were seen."""
    user = await in_thread(_known)(request.state.principal)
    task = await in_thread(services.get_for)(user, request.path_params["trial"])
    last = request.headers.get("last-event-id", "")
    after = int(last) if last.isascii() and last.isdigit() and len(last) < 10 else 0
    if task.is_terminal and after >= task.event_seq:
        return Response(status_code=204)
    return EventStream(_events(task, min(after, task.event_seq)))


def _known(principal: Principal) -> User:
    """Every (re)connection is checked again. Raises `Unauthenticated`."""
    user = User.objects.filter(pk=principal.user_id, is_active=True, token_epoch=principal.epoch).first()
    if user is None:
        raise Unauthenticated()
    user.key_grant = principal.key
    return user


async def _events(task: Task, after: int) -> AsyncGenerator[bytes, None]:
    yield RETRY
    async for one in follow(task, after=after):
        if one is not None:
            yield frame(*one)


def frame(seq: int, name: str, data: Any) -> bytes:
    """One server-sent event; its id is its number in the log."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (seq, name.encode(), msgspec.json.encode(data))


_OBJECT = {"type": "object", "additionalProperties": True}
_BODY = {
    "type": "object",
    "properties": {
        "input": _OBJECT,
        "mode": {"type": "string", "enum": ["mock", "real"], "default": "mock"},
        "graph": {**_OBJECT, "description": "An unsaved graph; without it the draft as it is stored."},
        "feature": {"type": "string"},
        "node": {"type": "string", "description": "Run this node alone."},
        "inputs": {**_OBJECT, "description": 'Of the one node; or {"$pin": name}, or {"$last": true}.'},
        "pins": {"type": "object", "additionalProperties": {"type": "string"}},
        "fail": {"type": "array", "items": {"type": "string"}},
        "charge": {"type": "boolean", "default": False},
        "case": {"type": "string"},
    },
}
_STREAM = {"text/event-stream": {"schema": {"type": "string", "description": "start, step, log, …, done or error"}}}
_STARTED = {
    "type": "object",
    "properties": {
        "trial": {"type": "string"},
        "links": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
START = HotRoute(
    "/api/v1/admin/pipelines/{pipeline}/test",
    start_trial,
    access="user",
    methods=("POST",),
    operation={
        "operationId": "pipelines_test",
        "summary": "Try a pipeline: its draft, an unsaved graph or one node; on the mock provider or for real",
        "tags": ["pipelines"],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _BODY}}},
        "responses": {
            "200": {"description": "Events, when the request accepts them", "content": _STREAM},
            "202": {"description": "Started", "content": {"application/json": {"schema": _STARTED}}},
        },
    },
)
STREAM = HotRoute(
    "/api/v1/admin/trials/{trial}/stream",
    stream_trial,
    access="user",
    operation={
        "operationId": "trials_stream",
        "summary": "A trial's events, live; resumes after Last-Event-ID",
        "tags": ["pipelines"],
        "parameters": [{"in": "header", "name": "Last-Event-ID", "required": False, "schema": {"type": "integer"}}],
        "responses": {
            "200": {"description": "Events", "content": _STREAM},
            "204": {"description": "The trial has ended and every event was seen."},
        },
    },
)
