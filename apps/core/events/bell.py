"""Bells: tiny Redis messages that say "look again". They carry no data; a lost one costs a reader 2 seconds."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator
from weakref import WeakKeyDictionary

import structlog
from redis.exceptions import RedisError

from apps.core import redis

log = structlog.get_logger("core")


def ring(topic: str) -> None:
    """Wake whoever waits for `topic`, in every process. Call it after commit."""
    try:
        redis.client().publish(redis.key(f"bell:{topic}"), "1")
    except RedisError:
        log.warning("bell.unreachable", topic=topic)


class BellTower:
    """The one Redis reader of an event loop; fans bells out to the waiters of that loop."""

    def __init__(self) -> None:
        self._waiters: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._reader: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def waiting_for(self, *topics: str) -> AsyncIterator[asyncio.Event]:
        """An event that is set when one of `topics` rings. Enter before reading the backlog; clear before each look."""
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read())
        event = asyncio.Event()
        for topic in topics:
            self._waiters[topic].add(event)
        try:
            yield event
        finally:
            for topic in topics:
                self._waiters[topic].discard(event)
                if not self._waiters[topic]:
                    del self._waiters[topic]

    async def _read(self) -> None:
        while True:
            client = redis.new_async_client()
            try:
                async with client.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.psubscribe(redis.key("bell:*"))
                    while True:
                        message = await pubsub.get_message(timeout=15)
                        if message:
                            self._wake(str(message["channel"]).removeprefix(redis.key("bell:")))
            except RedisError:
                log.warning("bell.reader_lost")
                await asyncio.sleep(1)
            finally:
                with contextlib.suppress(RedisError):
                    await client.aclose()

    def _wake(self, topic: str) -> None:
        for event in self._waiters.get(topic, ()):
            event.set()


_towers: "WeakKeyDictionary[asyncio.AbstractEventLoop, BellTower]" = WeakKeyDictionary()


def tower() -> BellTower:
    """The bell tower of the running loop."""
    return _towers.setdefault(asyncio.get_running_loop(), BellTower())


async def wait(event: asyncio.Event, *, seconds: float) -> None:
    """Wait for a bell, or `seconds` at the most, and clear it."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    event.clear()
