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

OPEN_SECONDS = 1.0
IDLE_SECONDS = 1.0  # how often the reader looks whether anybody still waits


def ring(*topics: str) -> None:
    """Wake whoever waits for one of `topics`, in every process. Call it after commit."""
    try:
        with redis.client().pipeline(transaction=False) as trip:
            for topic in topics:
                trip.publish(redis.key(f"bell:{topic}"), "1")
            trip.execute()
    except RedisError:
        log.warning("bell.unreachable", topics=topics)


class BellTower:
    """The one Redis reader of an event loop; fans bells out to the waiters of that loop.

    It reads only while somebody waits, so an idle loop holds no connection and a finished one leaves no task.
    """

    def __init__(self) -> None:
        self._waiters: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._reader: asyncio.Task[None] | None = None
        self._hearing = asyncio.Event()

    @contextlib.asynccontextmanager
    async def waiting_for(self, *topics: str) -> AsyncIterator[asyncio.Event]:
        """An event that is set when one of `topics` rings. Enter before reading the backlog, then `wait`."""
        event = asyncio.Event()
        for topic in topics:
            self._waiters[topic].add(event)
        try:
            if self._reader is None or self._reader.done():
                self._hearing.clear()
                self._reader = asyncio.create_task(self._read(), name="bell-tower")
            # An unreachable Redis costs a moment; readers look by themselves.
            await _set_within(self._hearing, OPEN_SECONDS)
            yield event
        finally:
            for topic in topics:
                self._waiters[topic].discard(event)
                if not self._waiters[topic]:
                    del self._waiters[topic]

    async def _read(self) -> None:
        while self._waiters:
            client = redis.new_async_client()
            try:
                async with client.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.psubscribe(redis.key("bell:*"))
                    self._hearing.set()
                    while self._waiters:
                        message = await pubsub.get_message(timeout=IDLE_SECONDS)
                        _check_cancelled()
                        if message:
                            self._wake(str(message["channel"]).removeprefix(redis.key("bell:")))
            except RedisError:
                log.warning("bell.reader_lost")
                await asyncio.sleep(1)
            finally:
                self._hearing.clear()
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
    await _set_within(event, seconds)
    event.clear()


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    """Not by `wait_for`: before Python 3.12 that forgets a cancellation that comes together with the event."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _check_cancelled() -> None:
    """A cancellation that the library took for the end of its time is one still."""
    if (task := asyncio.current_task()) is not None and task.cancelling():
        raise asyncio.CancelledError
