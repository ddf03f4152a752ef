"""Answers that go on: server-sent events over a raw ASGI response, with heartbeats and an eye on the caller.

No task group and no queue: a stream costs one task, one timer and what is in flight.
"""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping
from typing import Any, TypeVar, cast

from django.utils import translation
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

T = TypeVar("T")

HEARTBEAT_SECONDS = 10.0
HEARTBEAT = b": heartbeat\n\n"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class EventStream(Response):
    """Sends what `chunks` yields, each a number of whole events.

    A comment is sent whenever nothing else was for `HEARTBEAT_SECONDS`. When the caller goes away, `chunks` is closed
    at once, so that it can settle; it is closed in any case. The words in it are of the language of the request.
    """

    media_type = "text/event-stream"

    def __init__(self, chunks: AsyncGenerator[bytes, None], headers: Mapping[str, str] | None = None) -> None:
        self.chunks = chunks
        self.status_code = 200
        self.background = None
        self.language = translation.get_language() or "en"
        self.init_headers({**HEADERS, **(headers or {})})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        here = cast("asyncio.Task[None]", asyncio.current_task())
        leaving = asyncio.create_task(_gone(receive))
        leaving.add_done_callback(lambda left: None if left.cancelled() else here.cancel())
        try:
            with translation.override(self.language):
                await self._send_all(send)
        except asyncio.CancelledError:
            if not leaving.done():
                raise  # the server stops
            here.uncancel()
        finally:
            leaving.cancel()
            await self.chunks.aclose()

    async def _send_all(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        pulse = _Pulse(send)
        try:
            async for chunk in self.chunks:
                pulse.beat()
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        finally:
            await pulse.stop()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Pulse:
    """A timer that speaks when the stream is silent."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._speaking: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(HEARTBEAT_SECONDS, self._look)

    def beat(self) -> None:
        """Something was sent."""
        self._last = self._loop.time()

    async def stop(self) -> None:
        """No more heartbeats; one that is on its way is waited for."""
        self._timer.cancel()
        if self._speaking is not None:
            await asyncio.wait([self._speaking])

    def _look(self) -> None:
        silent = self._loop.time() - self._last
        if silent >= HEARTBEAT_SECONDS:
            self.beat()
            silent = 0.0
            self._speaking = asyncio.ensure_future(self._speak())
        self._timer = self._loop.call_later(HEARTBEAT_SECONDS - silent, self._look)

    async def _speak(self) -> None:
        await self._send({"type": "http.response.body", "body": HEARTBEAT, "more_body": True})


async def unless_gone(receive: Receive, work: Coroutine[Any, Any, T]) -> T | None:
    """What `work` gives; None when the caller hung up first: it is cancelled then, and may clean up."""
    doing, leaving = asyncio.create_task(work), asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait({doing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return await doing if doing.done() else None
    finally:
        leaving.cancel()
        if not doing.done():
            doing.cancel()
            await asyncio.wait({doing})


async def _gone(receive: Receive) -> None:
    """Returns when the caller has hung up."""
    while (await receive())["type"] != "http.disconnect":
        pass
