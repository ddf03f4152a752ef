"""`POST /api/v1/ai/tools/run`: an approved tool of the released catalogue, plain or as server-sent events.

Closed unless opened: for staff who may change tools, and for their keys with the scope `admin`. Features are how
everybody else uses tools. Events: `start`, `progress` as it comes, `result`, `done`; an `error` is always the last.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec
from django.utils.translation import gettext
from starlette.requests import Request
from starlette.responses import Response

from apps.accounts.models import User
from apps.core import aio
from apps.core.config import NotReleased, reader
from apps.core.errors import ApiError, InvalidRequest, error_body
from apps.core.lane.app import HotRoute
from apps.core.lane.body import read_json
from apps.core.lane.identity import Principal
from apps.core.lane.streams import EventStream, unless_gone
from apps.core.permissions import allows, declared
from apps.core.request_id import get_request_id
from apps.mcp import catalogue
from apps.mcp.errors import ToolUnknown
from apps.mcp.server.errors import ToolNotExposed

RIGHT = "mcp:write"  # whoever may approve a tool may run it
LARGEST = 4 * 1024 * 1024  # bytes
HUNG_UP = 499
declared.add(RIGHT)


@dataclass(frozen=True, slots=True)
class Job:
    """A tool as it was approved, and what it is given."""

    server: str
    name: str
    approved: dict[str, Any]
    arguments: dict[str, Any]

    @property
    def tool(self) -> str:
        """The tool's name with its server's."""
        return f"{self.server}/{self.name}"


async def run_tool(request: Request) -> Response:
    """Run it. Raises `ToolNotExposed`, `ToolUnknown`, `ArgumentsInvalid`, and what the tool's server does."""
    await aio.in_thread(_check_right)(request.state.principal)
    body = await read_json(request, largest=LARGEST)
    job = _job(body)
    if body.get("stream"):
        return EventStream(_events(job))
    found = await unless_gone(request.receive, _called(job, asyncio.Queue()))
    if found is None:
        return Response(status_code=HUNG_UP)
    told = {"requestId": get_request_id(), "tool": job.tool, "result": found}
    return Response(msgspec.json.encode(told), media_type="application/json")


def _check_right(principal: Principal) -> None:
    """Asked anew each time: a right that was taken away a moment ago opens nothing."""
    user = User.objects.filter(pk=principal.user_id, is_active=True, token_epoch=principal.epoch).first()
    if not allows(user, RIGHT) or (principal.key is not None and not principal.key.admin):
        raise ToolNotExposed()


def _job(body: Any) -> Job:
    tool = body.get("tool") if isinstance(body, dict) else None
    if not isinstance(tool, str) or "/" not in tool:
        raise _invalid("/tool", gettext("Name a tool as server/tool."))
    arguments = body.get("arguments", {})
    if not isinstance(arguments, dict):
        raise _invalid("/arguments", gettext("This has to be an object."))
    server, _slash, name = tool.partition("/")
    return Job(server, name, _approved(server, name), arguments)


def _approved(server: str, name: str) -> dict[str, Any]:
    """From the released catalogue: no query once it is in memory. Raises `ToolUnknown`."""
    try:
        _version, payload = reader.get(catalogue.SCOPE, catalogue.KEY)
        found: dict[str, Any] = payload["servers"][server]["tools"][name]
    except (NotReleased, KeyError) as exc:
        raise ToolUnknown(tool=f"{server}/{name}") from exc
    return found


def _invalid(pointer: str, words: str) -> InvalidRequest:
    return InvalidRequest(details={"errors": [{"pointer": pointer, "code": "invalid", "message": words}]})


async def _called(job: Job, told: "asyncio.Queue[tuple[float, str] | None]") -> Any:
    """The tool's result; its progress goes to `told`, None at the end.

    Sessions with tool servers live in the process's background loop, so the call is made there.
    """
    from apps.mcp.client import call_tool  # the SDK takes a second to import

    here = asyncio.get_running_loop()

    async def on_progress(fraction: float, message: str) -> None:
        here.call_soon_threadsafe(told.put_nowait, (fraction, message))

    work = call_tool(job.server, job.name, job.arguments, approved=job.approved, on_progress=on_progress)
    try:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, aio.background_loop()))
    finally:
        told.put_nowait(None)


async def _events(job: Job) -> AsyncGenerator[bytes, None]:
    number = 0

    def frame(name: str, data: Any) -> bytes:
        nonlocal number
        number += 1
        return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, name.encode(), msgspec.json.encode(data))

    told: asyncio.Queue[tuple[float, str] | None] = asyncio.Queue()
    work = asyncio.create_task(_called(job, told))
    try:
        yield frame("start", {"requestId": get_request_id(), "tool": job.tool})
        while (progress := await told.get()) is not None:
            yield frame("progress", {"progress": progress[0], "message": progress[1]})
        yield frame("result", {"result": await work})
        yield frame("done", {"tool": job.tool})
    except ApiError as exc:
        yield frame("error", error_body(exc, get_request_id()))
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError, ApiError):
            await work


_BODY = {
    "type": "object",
    "required": ["tool"],
    "properties": {
        "tool": {"type": "string", "description": "server/tool"},
        "arguments": {"type": "object", "additionalProperties": True},
        "stream": {"type": "boolean", "default": False},
    },
}
_ANSWER = {
    "type": "object",
    "properties": {
        "requestId": {"type": "string"},
        "tool": {"type": "string"},
        "result": {"type": "object", "additionalProperties": True},
    },
}
ROUTE = HotRoute(
    "/api/v1/ai/tools/run",
    run_tool,
    access="user",
    methods=("POST",),
    operation={
        "operationId": "ai_run_tool",
        "summary": "Run an approved tool; for staff who may change tools",
        "tags": ["ai"],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _BODY}}},
        "responses": {
            "200": {
                "description": "The result",
                "content": {
                    "application/json": {"schema": _ANSWER},
                    "text/event-stream": {"schema": {"type": "string", "description": "Server-sent events"}},
                },
            }
        },
    },
)
