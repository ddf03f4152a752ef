"""`GET /api/v1/tasks/{id}/stream`: a task's events as server-sent events, resumable by number."""

import time
from collections.abc import AsyncIterator

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from apps.accounts.models import User
from apps.core.aio import in_thread
from apps.core.errors import Unauthenticated
from apps.core.lane.app import HotRoute
from apps.core.lane.identity import Principal
from apps.tasks import services
from apps.tasks.events import follow
from apps.tasks.models import Task

HEARTBEAT_SECONDS = 10.0


async def stream_task(request: Request) -> Response:
    """The events after `Last-Event-ID`; 204 when the task has ended and all of them were seen."""
    task = await in_thread(_authorised)(request.state.principal, request.path_params["task_id"])
    last = request.headers.get("last-event-id", "")
    after = int(last) if last.isdigit() and len(last) < 10 else 0
    if task.is_terminal and after >= task.event_seq:
        return Response(status_code=204)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_frames(task, min(after, task.event_seq)), media_type="text/event-stream", headers=headers)


def _authorised(principal: Principal, task_id: str) -> Task:
    """Every (re)connection is checked again. Raises `Unauthenticated` or `TaskUnknown`."""
    user = User.objects.filter(pk=principal.user_id, is_active=True, token_epoch=principal.epoch).first()
    if user is None:
        raise Unauthenticated()
    user.key_grant = principal.key
    return services.get_for(user, task_id)


async def _frames(task: Task, after: int) -> AsyncIterator[bytes]:
    yield b"retry: 2000\n\n"
    spoke = time.monotonic()
    async for frame in follow(task.pk, after=after):
        if frame is not None:
            spoke = time.monotonic()
            body = msgspec.json.encode(frame.as_dict())
            yield b"id: %d\nevent: %s\ndata: %s\n\n" % (frame.seq, frame.type.encode(), body)
        elif time.monotonic() - spoke >= HEARTBEAT_SECONDS:
            spoke = time.monotonic()
            yield b": still here\n\n"


ROUTE = HotRoute(
    "/api/v1/tasks/{task_id}/stream",
    stream_task,
    access="user",
    operation={
        "operationId": "tasks_stream",
        "summary": "A task's events, live; resumes after Last-Event-ID",
        "tags": ["tasks"],
        "parameters": [{"in": "header", "name": "Last-Event-ID", "required": False, "schema": {"type": "integer"}}],
        "responses": {
            "200": {
                "description": "Events",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            },
            "204": {"description": "The task has ended and every event was seen."},
        },
    },
)
