"""`POST /mcp` in the hot lane: identity, source and size are checked here, the protocol is the SDK's."""

import json
from collections.abc import Mapping
from typing import Any, Final

from django.utils import translation
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from apps.core.aio import in_thread
from apps.core.errors import BodyTooLarge
from apps.core.lane.app import HotRoute
from apps.mcp.server import calls
from apps.mcp.server.guard import check_source
from apps.mcp.server.registry import source

LARGEST: Final = 24 * 1024 * 1024  # bytes; arguments may carry pictures
INITIALIZE, CANCELLED = "initialize", "notifications/cancelled"


async def exchange(request: Request) -> Response:
    """One message of a client, and the answer to it."""
    check_source(request)
    body = await _body(request)
    asked = _message(body)
    session = calls.session_of(request.headers.get(calls.HEADER))
    if asked.get("method") == CANCELLED and session:
        await _cancel(request, session, asked)
        return Response(status_code=202)
    await in_thread(_load)()
    more = {calls.HEADER: calls.new_session()} if asked.get("method") == INITIALIZE else {}
    return Exchange(body, more)


def _load() -> None:
    """The SDK takes a second to import; only processes that are asked for it pay that, once, and not in the loop."""
    import apps.mcp.server.protocol  # noqa: F401


async def _body(request: Request) -> bytes:
    taken = bytearray()
    async for chunk in request.stream():
        taken += chunk
        if len(taken) > LARGEST:
            raise BodyTooLarge()
    return bytes(taken)


def _message(body: bytes) -> Mapping[str, Any]:
    """The message as far as it can be read; what is wrong with it is the protocol's to tell."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


async def _cancel(request: Request, session: str, asked: Mapping[str, Any]) -> None:
    params, principal = asked.get("params"), request.state.principal
    wanted = params.get("requestId") if isinstance(params, dict) else None
    if call_id := await calls.call_of(principal, session, wanted):
        await source().cancel(call_id, principal)


class Exchange(Response):
    """Lets the SDK answer. Its server keeps nothing between requests, so each gets a manager of its own."""

    def __init__(self, body: bytes, more: Mapping[str, str]) -> None:
        super().__init__(headers=more)
        del self.headers["content-length"]
        self._given = body
        self._language = translation.get_language() or "en"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from apps.mcp.server.protocol import new_manager

        manager = new_manager(LARGEST)
        with translation.override(self._language):
            async with manager.run():
                await manager.handle_request(scope, self._replayed(receive), self._headed(send))

    def _replayed(self, receive: Receive) -> Receive:
        """The body once more, then whatever comes."""
        messages: list[Message] = [{"type": "http.request", "body": self._given, "more_body": False}]

        async def again() -> Message:
            return messages.pop() if messages else await receive()

        return again

    def _headed(self, send: Send) -> Send:
        """Our headers on the SDK's answer."""

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self.headers)
            await send(message)

        return headed


_MESSAGE = {"schema": {"type": "object", "additionalProperties": True}}
ROUTE = HotRoute(
    "/mcp",
    exchange,
    access="user",
    methods=("POST",),
    operation={
        "operationId": "mcp_exchange",
        "summary": "Released features as MCP tools (streamable HTTP, without sessions)",
        "tags": ["mcp"],
        "requestBody": {"required": True, "content": {"application/json": _MESSAGE}},
        "responses": {
            "200": {
                "description": "The answer, as one message or as a stream with progress before it",
                "content": {"application/json": _MESSAGE, "text/event-stream": {"schema": {"type": "string"}}},
            },
            "202": {"description": "A notification was taken."},
        },
    },
)
