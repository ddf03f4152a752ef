"""Small tool servers that do exactly what a test says, down to the bytes: over HTTP and over a websocket.

Everything runs in one thread of the test process, on a port of its own.
"""

import asyncio
import contextlib
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

Answer = Callable[[dict[str, Any]], Any]
LEGACY = "2025-11-25"


def a_tool(**changes: Any) -> dict[str, Any]:
    """A tool as it goes over the wire."""
    return {
        "name": "echo",
        "title": "Echo",
        "description": "Says it again.",
        "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
        "outputSchema": {"type": "object", "properties": {"said": {"type": "string"}}},
        "annotations": {"readOnlyHint": True},
    } | changes


def said(text: str) -> dict[str, Any]:
    """The result of a call."""
    return {"content": [{"type": "text", "text": text}], "structuredContent": {"said": text}}


class Refuse(Exception):
    """Answer with this HTTP response instead."""

    def __init__(self, response: Response) -> None:
        self.response = response


@dataclass
class Script:
    """What the server says, and what it was asked."""

    tools: Callable[[], list[dict[str, Any]]] = lambda: [a_tool()]
    version: Callable[[], str] = lambda: "1.0"
    call: Answer = lambda message: said(message["params"]["arguments"]["text"])
    before: Callable[[Request], None] = lambda request: None
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    port: int = 0

    async def answer(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """The JSON-RPC answer, or None for a notification."""
        method = message["method"]
        self.asked.append(method)
        if "id" not in message:
            return None
        head = {"jsonrpc": "2.0", "id": message["id"]}
        if method == "initialize":
            info = {"name": "raw", "version": self.version()}
            return head | {"result": {"protocolVersion": LEGACY, "capabilities": {"tools": {}}, "serverInfo": info}}
        if method == "tools/list":
            return head | {"result": {"tools": self.tools()}}
        if method == "tools/call":
            self.calls.append(message["params"])
            result = self.call(message)
            result = await result if isinstance(result, Awaitable) else result
            return head | (result if "error" in result else {"result": result})
        return head | {"error": {"code": -32601, "message": "Method not found"}}

    async def over_http(self, request: Request) -> Response:
        self.headers.append(dict(request.headers))
        try:
            self.before(request)
            if request.method != "POST":
                return Response(status_code=405)
            told = await self.answer(json.loads(await request.body()))
        except Refuse as refused:
            return refused.response
        return Response(status_code=202) if told is None else JSONResponse(told)

    async def over_websocket(self, connection: ServerConnection) -> None:
        self.headers.append({k.lower(): v for k, v in connection.request.headers.raw_items()})

        async def reply(frame: Any) -> None:
            try:
                told = await self.answer(json.loads(frame))
            except Refuse as refused:
                await connection.send([refused.response.body], text=True)
                return
            if told is not None:
                await connection.send(json.dumps(told))

        async with asyncio.TaskGroup() as tasks:
            async for frame in connection:
                tasks.create_task(reply(frame))


@contextlib.contextmanager
def http_server(app: Any) -> Iterator[int]:
    """`app` on a port of its own; a `Script` speaks streamable HTTP at every path."""
    if isinstance(app, Script):
        app = Starlette(routes=[Route("/{path:path}", app.over_http, methods=["GET", "POST", "DELETE"])])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="auto"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.force_exit = server.should_exit = True
        thread.join(10)


@contextlib.contextmanager
def websocket_server(script: Script, **options: Any) -> Iterator[int]:
    """The script over websockets."""
    loop = asyncio.new_event_loop()
    port: list[int] = []

    async def work() -> None:
        async with serve(
            script.over_websocket, "127.0.0.1", 0, subprotocols=[Subprotocol("mcp")], **options
        ) as running:
            port.append(next(iter(running.sockets)).getsockname()[1])
            await asyncio.Event().wait()

    def run() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(work())

    def end() -> None:
        for task in asyncio.all_tasks(loop):
            task.cancel()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    until(lambda: bool(port))
    try:
        yield port[0]
    finally:
        loop.call_soon_threadsafe(end)
        thread.join(10)
        loop.close()


def until(ready: Callable[[], bool]) -> None:
    """Wait for something that comes by itself within moments."""
    for _attempt in range(2000):
        if ready():
            return
        threading.Event().wait(0.005)
    raise AssertionError("it did not happen")
