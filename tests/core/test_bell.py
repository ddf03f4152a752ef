"""Waiting for bells, and going away in any moment of it."""

import asyncio
from contextlib import suppress

from asgiref.sync import async_to_sync

from apps.core.events import bell
from apps.core.events.bell import BellTower, ring, tower, wait


async def quiet(found: BellTower) -> None:
    """Until the reader of `found` has nobody to read for."""
    if found._reader is not None:
        await asyncio.wait_for(asyncio.shield(found._reader), 20)


def test_wait__rung_by_another__is_woken():
    async def work() -> bool:
        async with tower().waiting_for("a", "b") as event:
            await asyncio.to_thread(ring, "b")
            await wait(event, seconds=20)
            return event.is_set()  # it is cleared for the next time

    assert async_to_sync(work)() is False


def test_waiting_for__given_up_before_redis_answered__nobody_is_left_waiting(monkeypatch):
    async def work() -> tuple[dict[object, object], bool]:
        found = tower()

        async def enter() -> None:
            async with found.waiting_for("a"):
                await asyncio.sleep(60)

        for steps in range(12):  # after each number of turns of the loop
            entering = asyncio.create_task(enter())
            for _ in range(steps):
                await asyncio.sleep(0)
            entering.cancel()
            with suppress(asyncio.CancelledError):
                await entering
        await quiet(found)
        return dict(found._waiters), found._reader is not None

    assert async_to_sync(work)() == ({}, True)


def test_wait__given_up_as_the_bell_rings__is_given_up():
    async def work() -> bool:
        event = asyncio.Event()
        waiting = asyncio.create_task(wait(event, seconds=20))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        event.set()
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        return waiting.cancelled()

    assert async_to_sync(work)()


def test_read__cancelled_as_the_librarys_time_is_over__ends(monkeypatch):
    class Pubsub:
        async def get_message(self, **time: float) -> None:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(time["timeout"])

        async def psubscribe(self, _pattern: str) -> None: ...
        async def __aenter__(self) -> "Pubsub":
            return self

        async def __aexit__(self, *_exc: object) -> None: ...

    class Client:
        def pubsub(self, **_options: object) -> Pubsub:
            return Pubsub()

        async def aclose(self) -> None: ...

    monkeypatch.setattr(bell.redis, "new_async_client", Client)

    async def work() -> bool:
        found = BellTower()
        async with found.waiting_for("a"):
            reading = found._reader
            assert reading is not None
            await asyncio.sleep(0)
            reading.cancel()
            await asyncio.wait([reading], timeout=20)
            return reading.cancelled()

    assert async_to_sync(work)()
