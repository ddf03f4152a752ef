"""A stream's events become the pieces of an answer; when an answer is complete, and what still may come after."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Protocol

from apps.core.http_wire import Answer
from apps.providers import upstream
from apps.providers.errors import UpstreamError, UpstreamFailed
from apps.providers.types import Candidate, Finish, Item, Usage

LINGER_SECONDS = 2.0  # of silence after the end of an answer, in which its counts may still come


class Reading(Protocol):
    """What a vendor's stream has said so far. `take` gives the new pieces, without `Finish` and `Usage`.

    `finish` is why the answer ended, empty before; `done` says that nothing more will come.
    """

    finish: str
    usage: Usage
    done: bool
    linger: float

    def take(self, name: str, data: bytes) -> Iterable[Item]: ...


async def pieces(response: Answer, candidate: Candidate, reading: Reading) -> AsyncIterator[Item]:
    """The answer's pieces, then `Finish` and `Usage`.

    Raises `UpstreamFailed` when the stream ends before the answer does. Once the upstream said why the answer ended it
    is complete: a cut, an error or silence after that only costs the counts.
    """
    if response.content_type == "text/html":
        raise UpstreamFailed(endpoint=candidate.endpoint, what="a web page instead of an answer")
    found = upstream.events(response, candidate)
    async for name, data in found:
        for item in reading.take(name, data):
            yield item
        if reading.finish or reading.done:
            break
    if not reading.finish:
        raise UpstreamFailed(endpoint=candidate.endpoint, what="the stream was cut")
    while not reading.done:
        for item in await _after_end(found, reading):
            yield item
    yield Finish(reading.finish)
    yield reading.usage


async def _after_end(found: AsyncIterator[tuple[str, bytes]], reading: Reading) -> Iterable[Item]:
    try:
        async with asyncio.timeout(reading.linger):
            name, data = await anext(found)
        return reading.take(name, data)
    except (StopAsyncIteration, TimeoutError, ConnectionError, UpstreamError):
        reading.done = True
        return ()
