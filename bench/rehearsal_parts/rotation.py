"""The encryption key is changed as `docs/operations.md` says, while calls go on."""

import asyncio
import itertools
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.outage import call_steadily, spread
from bench.rehearsal_parts.asking import FORMS, Client, Outcome
from bench.rehearsal_parts.fleet import Fleet
from bench.rehearsal_parts.promises import Promises
from bench.rehearsal_parts.site import CROWD, TOOL_SERVERS, Site, new_entry

BEHIND, IN_FRONT, ALONE = "{old},{new}", "{new},{old}", "{new}"
ENTER_EVERY = 0.5  # seconds between two keys that people enter meanwhile
SECRETS = 1 + CROWD + TOOL_SERVERS


class Balancer:
    """Sends each call to the next process that serves; never twice."""

    def __init__(self, fleet: Fleet, authorization: str) -> None:
        self._fleet, self._authorization = fleet, authorization
        self._client, self._numbers = Client(fresh=True), itertools.count()
        self.calls: list[Outcome] = []
        self.by_process: Counter[int] = Counter()
        self._under_way: Counter[int] = Counter()
        self.entered: list[int] = []

    def _next(self) -> int:
        serving = self._fleet.serving
        return serving[next(self._numbers) % len(serving)]

    def drained(self, port: int) -> bool:
        """Whether nothing is under way at that process."""
        return not self._under_way[port]

    @contextmanager
    def _chosen(self) -> Iterator[int]:
        port = self._next()
        self._under_way[port] += 1
        try:
            yield port
        finally:
            self._under_way[port] -= 1

    async def call(self, _due: float) -> None:
        with self._chosen() as port:
            self.by_process[port] += 1
            form = FORMS[self.by_process.total() % len(FORMS)]
            self.calls.append(await self._client.chat(port, self._authorization, form))

    async def enter_keys(self, site: Site) -> None:
        """Somebody enters the key of an endpoint again and again."""
        path = f"/api/v1/admin/providers/{site.spare}/secret"
        while True:
            body = {"secret": f"sk-entered-{len(self.entered):04d}-0123456789"}
            with self._chosen() as port:
                status, _told = await self._client.send("PUT", port, path, site.bearer(site.staff), json=body)
            self.entered.append(status)
            await asyncio.sleep(ENTER_EVERY)

    async def close(self) -> None:
        await self._client.close()


async def rehearse(site: Site, fleet: Fleet, promises: Promises, *, rate: float) -> dict[str, Any]:
    """Every step of the procedure; afterwards every secret is under the new key, and the old one is gone."""
    from apps.accounts.keys.scopes import scopes
    from apps.accounts.keys.services import create_key

    made = create_key(site.staff, by=site.staff, name="rotation", scopes=scopes())
    balancer, began = Balancer(fleet, f"Bearer {made.token}"), time.monotonic()
    load = [
        asyncio.create_task(call_steadily(lambda: time.monotonic() - began, rate, balancer.call)),
        asyncio.create_task(balancer.enter_keys(site)),
    ]
    try:
        await asyncio.sleep(2)
        told = await _rotate(site, fleet, balancer)
        await asyncio.sleep(2)
    finally:
        for one in load:
            one.cancel()
        outcomes = await asyncio.gather(*load, return_exceptions=True)
        await balancer.close()
    died = [repr(one) for one in outcomes if not isinstance(one, asyncio.CancelledError)]
    promises.check("the load goes on to the end", kept=not died, found=died)
    return _judged(balancer, told, promises) | {"seconds": round(time.monotonic() - began, 1)}


async def _rotate(site: Site, fleet: Fleet, balancer: Balancer) -> dict[str, Any]:
    old, new = site.environment["PAIBAN_MASTER_KEYS"], new_entry("k2")
    for ring in (BEHIND, IN_FRONT):
        _use(site, fleet, ring.format(old=old, new=new))
        await fleet.restart_one_by_one(balancer.drained)
    told = await _command(site)
    _use(site, fleet, ALONE.format(new=new))
    await fleet.restart_one_by_one(balancer.drained)
    return told


def _use(site: Site, fleet: Fleet, ring: str) -> None:
    """From the next start on; for this process, too, which seals what later parts make."""
    from django.conf import settings

    for environment in (site.environment, fleet.environment, os.environ):
        environment["PAIBAN_MASTER_KEYS"] = ring
    settings.MASTER_KEYS = ring.split(",")


async def _command(site: Site) -> dict[str, Any]:
    """`manage.py rotate_secrets`, and what it tells."""
    command = [sys.executable, "manage.py", "rotate_secrets", "--json"]
    process = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, **site.environment}, stdout=asyncio.subprocess.PIPE
    )
    out, _err = await process.communicate()
    return {**json.loads(out), "exit": process.returncode}


def _judged(balancer: Balancer, told: dict[str, Any], promises: Promises) -> dict[str, Any]:
    failed = Counter(f"{call.status} {call.code}" for call in balancer.calls if not call.answered)
    promises.check("no call fails while the key is changed", kept=not failed, found=dict(failed))
    entered = Counter(balancer.entered)
    promises.check("keys can be entered meanwhile", kept=set(entered) == {200}, found=dict(entered))
    done = (told["exit"], told["under_other_keys"])
    promises.check("rotate_secrets does all of them", kept=done == (0, 0), found=told)
    kids = _kids()
    promises.check("every secret is under the new key", kept=kids == {"k2": SECRETS}, found=dict(kids))
    idle = [port for port, calls in balancer.by_process.items() if not calls]
    promises.check("every process takes part", kept=not idle, found=idle)
    return {
        "calls": len(balancer.calls),
        "failed": sum(failed.values()),
        "keys_entered": len(balancer.entered),
        "secrets": kids,
        "ms": spread([1000 * (call.ended - call.began) for call in balancer.calls]),
    }


def _kids() -> Counter[str]:
    """How many blobs lie under which key."""
    from apps.core.crypto import kid_of, sealed_fields

    return Counter(
        kid_of(getattr(row, sealed.field)) for sealed in sealed_fields.values() for row in sealed.rows().iterator()
    )
