"""Endpoints through the management API while there are 200 of them, and what it costs to open a secret."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from bench.gateway_parts.load import cpu_seconds
from bench.outage import spread
from bench.rehearsal_parts.asking import Client
from bench.rehearsal_parts.fleet import Fleet
from bench.rehearsal_parts.promises import Promises
from bench.rehearsal_parts.site import CROWD, Site

PATH = "/api/v1/admin/providers"
P95_MS = 100.0
OPENED = 5_000
WARM = 5
Step = Callable[[int], Awaitable[int]]


class Operator:
    """One person at one process, one call after the other."""

    def __init__(self, site: Site, port: int) -> None:
        self._client, self.port, self._site = Client(), port, site
        self._revisions: dict[str, int] = {}

    async def _send(self, method: str, path: str, **given: Any) -> tuple[int, Any]:
        authorization = self._site.bearer(self._site.staff)
        status, told = await self._client.send(method, self.port, PATH + path, authorization, **given)
        return status, msgspec.json.decode(told) if told else {}

    async def list(self, _number: int) -> int:
        """The first page, as it is asked for without a size."""
        status, _told = await self._send("GET", "")
        return status

    async def list_many(self, _number: int) -> int:
        """The largest page."""
        status, told = await self._send("GET", "?limit=100")
        assert len(told["items"]) == 100
        return status

    async def get(self, number: int) -> int:
        status, _told = await self._send("GET", f"/crowd-{number % CROWD + 1}")
        return status

    async def create(self, number: int) -> int:
        """With a model and a key."""
        body = {
            "key": f"new-{number}",
            "name": f"New {number}",
            "handler": "openai",
            "base_url": f"https://new{number}.example/v1",
            "secret": f"sk-new-{number:04d}-0123456789",
            "offers": [{"model": f"new-model-{number}", "capabilities": ["chat"]}],
        }
        status, _told = await self._send("POST", "", json=body)
        self._revisions[f"new-{number}"] = 1
        return 200 if status == 201 else status

    async def update(self, number: int) -> int:
        key = f"new-{number}"
        match = {"If-Match": str(self._revisions[key])}
        status, told = await self._send("PATCH", f"/{key}", json={"name": f"Newer {number}"}, headers=match)
        self._revisions[key] = told.get("revision", 0)
        return status

    async def delete(self, number: int) -> int:
        """So that there are as many as before."""
        key = f"new-{number}"
        status, _told = await self._send("DELETE", f"/{key}", headers={"If-Match": str(self._revisions[key])})
        return 200 if status == 204 else status

    async def close(self) -> None:
        await self._client.close()


async def rehearse(site: Site, fleet: Fleet, promises: Promises, *, rounds: int) -> dict[str, Any]:
    """`rounds` of each verb; what is made is deleted again, one after the other."""
    operator = Operator(site, fleet.ports[0])
    figures: dict[str, Any] = {}
    verbs: dict[str, list[Step]] = {
        "list": [operator.list],
        "list of 100": [operator.list_many],
        "get": [operator.get],
        "create, update, delete": [operator.create, operator.update, operator.delete],
    }
    spent: dict[str, float] = {}
    try:
        for name, steps in verbs.items():
            before = cpu_seconds(fleet.pid(operator.port))
            figures |= await _timed(name, steps, rounds, promises)
            seconds = cpu_seconds(fleet.pid(operator.port)) - before
            spent[name] = round(1000 * seconds / (rounds + WARM) / len(steps), 1)
    finally:
        await operator.close()
    return {"endpoints": CROWD + 1, "ms": figures, "cpu_ms": spent, "open_secret_us": await _opening()}


async def _timed(name: str, steps: list[Step], rounds: int, promises: Promises) -> dict[str, Any]:
    """Milliseconds of each step; the first rounds are for what is cold."""
    names = name.split(", ") if len(steps) > 1 else [name]
    took: dict[str, list[float]] = {one: [] for one in names}
    for number in range(-WARM, rounds):
        for one, step in zip(names, steps, strict=True):
            began = time.perf_counter()
            status = await step(number + WARM)
            if number >= 0:
                took[one].append(1000 * (time.perf_counter() - began))
            assert status == 200, (one, status)
    figures: dict[str, Any] = {one: spread(found) for one, found in took.items()}
    for one, found in figures.items():
        promises.check(f"{one}: P95 within {P95_MS:.0f} ms", kept=found["p95"] <= P95_MS, found=found)
    return figures


async def _opening() -> dict[str, float]:
    """Microseconds of the sealing's own work, and of the whole look-up that a call makes."""
    from apps.core.crypto import decrypt
    from apps.providers.catalogue import every_model
    from apps.providers.models import Secret
    from apps.providers.secrets import secret_of

    row = Secret.objects.select_related("endpoint").get(endpoint__key="bench")
    began = time.perf_counter()
    for _number in range(OPENED):
        decrypt(row.blob, bound_to=row.bound_to)
    decrypted = time.perf_counter() - began
    candidate = next(one for one in every_model() if one.endpoint == "bench")
    await secret_of(candidate)
    began = time.perf_counter()
    for _number in range(OPENED):
        await secret_of(candidate)
    looked_up = time.perf_counter() - began
    return {"decrypt": round(decrypted / OPENED * 1e6, 2), "secret_of": round(looked_up / OPENED * 1e6, 2)}
