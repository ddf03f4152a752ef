"""A model server on the loopback that answers as it is told, and candidates that lead to it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from apps.core.http import session
from apps.providers.types import Candidate, ChatRequest, message
from apps.providers.usage import UsageRecord

KEY = "sk-canary-0123456789abcdef"
Script = Callable[[web.StreamResponse], Awaitable[None]]


def event(**body: Any) -> bytes:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()


def words(*texts: str, finish: bool = True) -> list[bytes]:
    """The events of an answer made of `texts`."""
    pieces = [event(choices=[{"delta": {"content": text}}]) for text in texts]
    return pieces + [event(choices=[{"delta": {}, "finish_reason": "stop"}])] * finish


USAGE = event(choices=[], usage={"prompt_tokens": 7, "completion_tokens": 2})
DONE = b"data: [DONE]\n\n"


class ModelServer:
    """Answers with what the test scripted; remembers what it was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.body: bytes | list[bytes] = [*words("Hello", " world"), USAGE, DONE]
        self.cut = False  # close the connection instead of ending the answer
        self.hang = False  # keep the connection open after the last piece
        self.delay = 0.0  # before the first byte
        self.pace = 0.0  # seconds after each piece
        self.headers: dict[str, str] = {}
        self.endless = b""  # sent again and again until the caller goes away
        self.sent = 0  # bytes of it
        self.asked: list[dict[str, Any]] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        body = json.loads(raw) if raw else None
        self.asked.append({"headers": dict(request.headers), "body": body, "path": request.path_qs})
        await asyncio.sleep(self.delay)
        if isinstance(self.body, bytes) and not (self.cut or self.endless):
            kind = {"Content-Type": "application/json"} if self.body[:1] in b"{[" else {"Content-Type": "text/html"}
            return web.Response(status=self.status, body=self.body, headers=kind | self.headers)
        return await self.streamed(request)

    async def streamed(self, request: web.Request) -> web.StreamResponse:
        plain = isinstance(self.body, bytes)
        kind = {"Content-Type": "application/json" if plain else "text/event-stream"}
        response = web.StreamResponse(status=self.status, headers=kind | self.headers)
        await response.prepare(request)
        for piece in [self.body] if isinstance(self.body, bytes) else self.body:
            await response.write(piece)
            await asyncio.sleep(self.pace)
        while self.endless:
            await response.write(self.endless)
            self.sent += len(self.endless)
        if self.hang:
            await asyncio.sleep(30)
        if self.cut and request.transport:
            await asyncio.sleep(0.05)  # or what was sent is thrown away with the connection
            request.transport.abort()
        return response

    @asynccontextmanager
    async def running(self, port: int | None = None) -> AsyncIterator[str]:
        """Its base URL, while it runs."""
        app = web.Application(client_max_size=64 * 1024**2)
        app.router.add_route("*", "/{path:.*}", self.answer)
        server = TestServer(app, port=port, shutdown_timeout=0)
        await server.start_server()
        try:
            yield f"http://127.0.0.1:{server.port}/v1"
        finally:
            await session().close()
            await server.close()


def make_candidate(base_url: str, **fields: Any) -> Candidate:
    given = {
        "endpoint": "local",
        "endpoint_id": 1,
        "handler_key": "openai",
        "base_url": base_url,
        "model": "gpt-test",
        "timeout_seconds": 5,
        "max_retries": 0,
    }
    return Candidate(**(given | fields))


def make_request(text: str = "Hi", *, stream: bool = True, **options: Any) -> ChatRequest:
    messages = [message("system", "Be brief."), message("user", text)]
    return ChatRequest(messages, options, stream=stream, key="t:n:0")


def make_record(**fields: Any) -> UsageRecord:
    """A call that was made now and went well."""
    given = {
        "request_id": "r-1",
        "at": time.time(),
        "operation": "chat",
        "user_id": 1,
        "key_id": None,
        "feature": "",
        "step": "",
        "endpoint": "local",
        "model": "gpt-test",
        "stream": False,
        "input_tokens": 10,
        "output_tokens": 5,
        "cached_tokens": 0,
        "estimated": False,
        "cost": 100,
        "first_ms": 10.0,
        "total_ms": 1_200.0,
        "attempts": 1,
        "degraded": False,
        "status": "ok",
    }
    return UsageRecord(**(given | fields))  # type: ignore[arg-type]
