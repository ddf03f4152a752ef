"""An answer while it arrives."""

import asyncio
import zlib
from typing import Protocol

from apps.core.http_wire.errors import AnswerCut, AnswerMalformed
from apps.core.http_wire.unpacking import KNOWN, Unpacker

HIGH_WATER = 256 * 1024  # bytes that wait for their reader; the server is not listened to until they are taken


class Source(Protocol):
    """The connection that an answer comes from."""

    def pause(self) -> None:
        """Listen to the server no more for now."""

    def resume(self) -> None:
        """Listen again."""

    def drop(self) -> None:
        """Close the connection: what comes on it belongs to an answer that nobody waits for."""


class Answer:
    """Status and headers once `head` returned, then the body's bytes by iterating, in pieces as they come.

    The connection is given back by itself when the last byte is there. Whoever stops before that calls `close`.
    Iterating raises `TimeoutError` when the time for the whole answer is over, `AnswerCut` and `AnswerMalformed`.
    """

    __slots__ = (
        "_error",
        "_held",
        "_paused",
        "_size",
        "_source",
        "_timer",
        "_unpack",
        "_waiter",
        "headers",
        "is_whole",
        "status",
    )

    def __init__(self, source: Source) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}  # names in lower case; of several the last
        self.is_whole = False  # the last byte came; some may still wait for their reader
        self._source: Source | None = source
        self._held: list[bytes] = []
        self._size = 0
        self._paused = False
        self._error: BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._unpack: Unpacker | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def content_type(self) -> str:
        """The media type alone, in lower case."""
        return self.headers.get("content-type", "application/octet-stream").partition(";")[0].strip().lower()

    async def head(self) -> None:
        """Wait for status and headers."""
        while not self.status:
            if self._error is not None:
                raise self._error
            await self._news()

    def __aiter__(self) -> "Answer":
        return self

    async def __anext__(self) -> bytes:
        while True:
            if self._held:
                if taken := self._take():
                    return taken
            elif self._error is not None:
                raise self._error
            elif self.is_whole:
                self._check_unpacked()
                raise StopAsyncIteration
            else:
                await self._news()

    def close(self) -> None:
        """Have no more of it. An answer that was not whole takes its connection along."""
        self._held = []
        if self._error is None:
            self._error = AnswerCut("closed")
        self._leave()

    def within(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        """Fail with `TimeoutError` unless the answer is whole in `seconds`."""
        self._timer = loop.call_later(seconds, self._late)

    # What the connection tells.

    def begin(self, status: int, headers: dict[str, str]) -> None:
        """The head is there."""
        self.status, self.headers = status, headers
        if coding := headers.get("content-encoding", "").strip().lower():
            if coding in KNOWN:
                self._unpack = Unpacker(coding)
            elif coding != "identity":
                self.fail(AnswerMalformed("Content-Encoding"))
        self._wake()

    def feed(self, data: bytes) -> None:
        """A piece of the body is there."""
        self._held.append(data)
        self._size += len(data)
        if self._size > HIGH_WATER and not self._paused and self._source is not None:
            self._paused = True
            self._source.pause()
        self._wake()

    def finish(self) -> None:
        """The last byte came; the connection is somebody else's from here on."""
        source, self._source = self._source, None
        self.is_whole = True
        if self._paused and source is not None:
            source.resume()
        self._stop_timer()
        self._wake()

    def fail(self, error: BaseException) -> None:
        """Nothing more will come, and why. What came before is still there to be read."""
        if not self.is_whole and self._error is None:
            self._error = error
            self._leave()
            self._wake()

    def _late(self) -> None:
        self.fail(TimeoutError())

    def _leave(self) -> None:
        self._stop_timer()
        source, self._source = self._source, None
        if source is not None:
            source.drop()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _take(self) -> bytes:
        taken = self._held[0] if len(self._held) == 1 else b"".join(self._held)
        self._held, self._size = [], 0
        if self._unpack is not None:
            taken = self._unpacked(self._unpack, taken)
        if self._paused and not self._held:
            self._paused = False
            if self._source is not None:
                self._source.resume()
        return taken

    def _unpacked(self, unpack: Unpacker, packed: bytes) -> bytes:
        try:
            found, rest = unpack.take(packed)
        except zlib.error as exc:
            self.close()
            raise AnswerMalformed("Content-Encoding") from exc
        if rest:
            self._held, self._size = [rest], len(rest)
        return found

    def _check_unpacked(self) -> None:
        if self._unpack is not None and not self._unpack.is_over and self.headers.get("content-length") != "0":
            raise AnswerCut("the packed body has no end")

    async def _news(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
