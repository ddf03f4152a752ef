"""A key that is revoked while it is used on every process: how long until the last of them refuses it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bench.outage import spread
from bench.rehearsal_parts.asking import Client, Outcome
from bench.rehearsal_parts.fleet import DEAF, Fleet
from bench.rehearsal_parts.promises import Promises
from bench.rehearsal_parts.site import Site

CALLERS = 3  # at once, for each process
PAUSE = 0.01
AFTER = 0.3  # seconds of calls once everybody refused
WITHIN = 1.0  # seconds; "as soon as it hears of it"
LOOKED = 7.0  # "about 5 seconds": a look every 5 s, a fifth more at most, half a second to notice it is due, and load
PATIENCE = 30.0


async def rehearse(site: Site, fleet: Fleet, promises: Promises, *, rounds: int) -> dict[str, Any]:
    """Every message heard; then the connections that carry them cut; then none of them heard at all."""
    heard = [await _one(site, fleet, number) for number in range(rounds)]
    cut = [await _one(site, fleet, number, cutting=True) for number in range(rounds)]
    deaf = Fleet(site.environment, site.folder / "deaf.log", application=DEAF)
    try:
        await deaf.start(len(fleet.ports))
        lost = [await _one(site, deaf, number) for number in range(max(1, rounds // 4))]
    finally:
        deaf.close()
    return {
        "heard": _judged("a revoked key", heard, WITHIN, promises),
        "connections cut": _judged("a key revoked while connections break", cut, LOOKED, promises),
        "every message lost": _judged("a key revoked with every message lost", lost, LOOKED, promises),
    }


async def _one(site: Site, fleet: Fleet, number: int, *, cutting: bool = False) -> "_Round":
    from apps.accounts.keys.scopes import scopes
    from apps.accounts.keys.services import create_key

    made = create_key(site.staff, by=site.staff, name=f"revoked-{number}", scopes=scopes())
    client, told = Client(), _Round()
    load = [
        asyncio.create_task(_call(client, port, f"Bearer {made.token}", told.calls.setdefault(port, [])))
        for port in fleet.ports
        for _caller in range(CALLERS)
    ]
    try:
        await _until(lambda: all(len(calls) >= 2 * CALLERS for calls in told.calls.values()))
        async with _connections_cut() if cutting else _left_alone():
            port = fleet.ports[number % len(fleet.ports)]
            path = f"/api/v1/api-keys/{made.row.pk}/revoke"
            status, _body = await client.send("POST", port, path, site.bearer(site.staff))
            told.revoked = time.monotonic()
            assert status == 200, status
            await _until(lambda: all(told.refused_at(port) for port in told.calls))
        await asyncio.sleep(AFTER)
    finally:
        for one in load:
            one.cancel()
        await asyncio.gather(*load, return_exceptions=True)
        await client.close()
    return told


async def _call(client: Client, port: int, authorization: str, calls: list[Outcome]) -> None:
    while True:
        calls.append(await client.chat(port, authorization))
        await asyncio.sleep(PAUSE)


async def _until(true: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true() and time.monotonic() < deadline:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.005)


@asynccontextmanager
async def _left_alone() -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def _connections_cut() -> AsyncIterator[None]:
    """Nobody keeps a subscription for longer than an instant: whatever is published now is mostly lost."""
    from apps.core import redis

    over = asyncio.Event()

    async def cut() -> None:
        while not over.is_set():
            await asyncio.to_thread(redis.client().client_kill_filter, _type="pubsub")
            await asyncio.sleep(0.002)

    cutting = asyncio.create_task(cut())
    try:
        await asyncio.sleep(0.1)
        yield
    finally:
        over.set()
        await cutting


class _Round:
    """The calls of one round by process."""

    def __init__(self) -> None:
        self.calls: dict[int, list[Outcome]] = {}
        self.revoked = 0.0

    def refused_at(self, port: int) -> float:
        """When that process first refused the key; 0 before."""
        return next((call.ended for call in self.calls[port] if call.status == 401), 0.0)

    @property
    def delay(self) -> float:
        """Seconds from the answer until the last process refused; infinite when one never did."""
        refused = [self.refused_at(port) for port in self.calls]
        return max(0.0, max(refused) - self.revoked) if all(refused) else float("inf")

    @property
    def accepted_late(self) -> int:
        """Calls that were accepted by a process after it had refused one."""
        return sum(
            call.status == 200 and call.began > self.refused_at(port)
            for port, calls in self.calls.items()
            for call in calls
            if self.refused_at(port)
        )

    @property
    def failed(self) -> set[str]:
        """Whatever is neither an answer nor the refusal."""
        every = [call for calls in self.calls.values() for call in calls]
        return {f"{call.status} {call.code}" for call in every if not call.answered and call.status != 401}


def _judged(what: str, rounds: list[_Round], within: float, promises: Promises) -> dict[str, Any]:
    delays = [one.delay for one in rounds]
    late = sum(one.accepted_late for one in rounds)
    failed = set().union(*(one.failed for one in rounds))
    promises.check(f"{what} is refused by all processes within {within} s", kept=max(delays) <= within, found=delays)
    promises.check(f"{what} is not accepted again", kept=late == 0, found=late)
    promises.check(f"{what} disturbs no other answer", kept=not failed, found=failed)
    calls = sum(len(calls) for one in rounds for calls in one.calls.values())
    return {
        "rounds": len(rounds),
        "calls": calls,
        "ms": spread([delay * 1000 for delay in delays]),
        "accepted_after": late,
    }
