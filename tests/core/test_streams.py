"""Event streams: what is sent, what happens when the caller goes away, and who speaks while nothing happens."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from apps.core.lane import streams
from apps.core.lane.streams import HEARTBEAT, EventStream


class Caller:
    """The other end of a connection: keeps what it is sent, hangs up when told to."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.gone = asyncio.Event()
        self._more = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        self._more.set()

    async def until(self, piece: bytes, *, times: int = 1) -> None:
        """Returns when `piece` was received so often."""
        while self.body.count(piece) < times:
            self._more.clear()
            await self._more.wait()

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


class Source:
    """Chunks that come when the test lets them; knows whether it was closed."""

    def __init__(self, *chunks: bytes, endless: bool = False, failure: Exception | None = None) -> None:
        self.chunks, self.endless, self.failure, self.closed = chunks, endless, failure, 0

    async def run(self) -> AsyncGenerator[bytes, None]:
        try:
            for chunk in self.chunks:
                yield chunk
            if self.failure:
                raise self.failure
            if self.endless:
                await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)  # closing may take a moment
            self.closed += 1


def play(source: Source, act: Any = None) -> Caller:
    """Send the stream to a caller; `act(caller)` happens meanwhile."""

    async def work() -> Caller:
        caller = Caller()
        sending = asyncio.create_task(EventStream(source.run(), {"X-More": "1"})({}, caller.receive, caller.send))  # type: ignore[arg-type]
        if act is not None:
            await act(caller)
        await asyncio.wait_for(sending, 5)
        return caller

    return async_to_sync(work)()


def test_stream__to_its_end__is_sent_and_closed_once():
    source = Source(b"data: 1\n\n", b"data: 2\n\n")

    caller = play(source)

    assert caller.body == b"data: 1\n\ndata: 2\n\n"
    assert [message.get("more_body") for message in caller.sent] == [None, True, True, False]
    headers = dict(caller.sent[0]["headers"])
    assert headers[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert (headers[b"cache-control"], headers[b"x-more"]) == (b"no-store", b"1")
    assert source.closed == 1


def test_stream__caller_hangs_up__is_closed_at_once_and_ends_quietly():
    source = Source(b"data: 1\n\n", endless=True)

    async def hang_up(caller: Caller) -> None:
        await caller.until(b"data: 1")
        caller.gone.set()

    caller = play(source, hang_up)

    assert caller.body == b"data: 1\n\n"
    assert source.closed == 1


def test_stream__server_stops__the_source_is_closed_and_the_stop_goes_on():
    source = Source(b"data: 1\n\n", endless=True)

    async def work() -> None:
        caller = Caller()
        sending = asyncio.create_task(EventStream(source.run())({}, caller.receive, caller.send))  # type: ignore[arg-type]
        await caller.until(b"data: 1")
        sending.cancel()
        await sending

    with pytest.raises(asyncio.CancelledError):
        async_to_sync(work)()
    assert source.closed == 1


def test_stream__silence__is_filled_with_comments(monkeypatch):
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.01)
    source = Source(b"data: 1\n\n", endless=True)

    async def wait_for_two(caller: Caller) -> None:
        await caller.until(HEARTBEAT, times=2)
        caller.gone.set()

    assert play(source, wait_for_two).body.startswith(b"data: 1\n\n" + HEARTBEAT)


def test_stream__source_fails__is_closed_and_the_failure_is_the_servers():
    source = Source(b"data: 1\n\n", failure=RuntimeError("broken"))

    with pytest.raises(RuntimeError):
        play(source)

    assert source.closed == 1
