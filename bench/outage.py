"""A primary model server that goes down under load: who is answered, how late, and how soon it is asked again.

Two servers on loopback that speak OpenAI's format; calls go through `gateway.chat` at a steady rate, whoever waits.
The primary answers for a while, refuses with 503 (or stays silent, `--silent`) for `--seconds`, and comes back.
The delay of a call counts from the moment it was due.
Run: `.venv/bin/python -m bench.outage [--seconds 60] [--rate 50] [--silent]`.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

CALM_SECONDS = 5.0  # before the outage
LONGEST_WAIT = 45.0  # after it, for the primary to be asked again: the circuit is open for 30 s
SILENCE = 30.0  # of a server that hangs


@dataclass
class Server:
    """A model server that answers, or does not."""

    name: str
    down: bool = False
    silent: bool = False
    asked: int = 0

    async def answer(self, request: Any) -> Any:
        from aiohttp import web

        self.asked += 1
        if self.down and self.silent:
            await asyncio.sleep(SILENCE)
        if self.down:
            return web.json_response({"error": {"message": "overloaded"}}, status=503)
        body = {"choices": [{"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}]}
        return web.json_response(body | {"usage": {"prompt_tokens": 3, "completion_tokens": 1}})


@dataclass
class Log:
    """What became of the calls: when due (seconds since the beginning), who answered, how long it took."""

    calls: list[tuple[float, str, float, int]] = field(
        default_factory=list
    )  # due, endpoint or error, seconds, attempts
    began: float = field(default_factory=time.monotonic)

    def now(self) -> float:
        return time.monotonic() - self.began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the primary is down")
    parser.add_argument("--rate", type=float, default=50.0, help="calls per second")
    parser.add_argument("--silent", action="store_true", help="the primary accepts and says nothing")
    options = parser.parse_args()
    from ops.redis_server import start_redis

    with tempfile.TemporaryDirectory(prefix="paiban-bench-") as folder, start_redis(Path(folder) / "redis") as server:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "PAIBAN_TEST_DATA_DIR": folder,
            "PAIBAN_OUTBOUND_ALLOWED_HOSTS": "127.0.0.1",
            "REDIS_URL": server.url,
        }
        import django

        django.setup()
        ports = prepare()
        log, marks = asyncio.run(rehearse(ports, options.seconds, options.rate, silent=options.silent))
    report(log, *marks)


def prepare() -> list[int]:
    """An empty installation with two released endpoints; their ports."""
    from django.conf import settings
    from django.core.management import call_command

    from apps.core import logging
    from apps.providers.models import Endpoint, Offer
    from apps.providers.services import release_catalogue, set_secret
    from ops.processes import free_port

    logging.configure(fmt="console", level="ERROR")
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    call_command("migrate", verbosity=0)
    ports = []
    for priority, key in enumerate(("primary", "secondary")):
        ports.append(free_port())
        url = f"http://127.0.0.1:{ports[-1]}/v1"
        endpoint = Endpoint.objects.create(
            key=key, name=key, handler_key="openai", base_url=url, priority=priority, max_retries=0, timeout_seconds=2
        )
        Offer.objects.create(endpoint=endpoint, model="gpt", capabilities=["chat"])
        set_secret(endpoint, "sk-bench-0123456789", by=None)
    release_catalogue(by=None)
    return ports


async def rehearse(ports: list[int], seconds: float, rate: float, *, silent: bool) -> tuple[Log, tuple[float, float]]:
    from aiohttp import web

    from apps.core.http import session

    servers = [Server("primary", silent=silent), Server("secondary")]
    runners = []
    for server, port in zip(servers, ports, strict=True):
        app = web.Application()
        app.router.add_post("/v1/chat/completions", server.answer)
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        runners.append(runner)
    await ask(Log(), 0.0)  # connections, catalogue and scripts are there
    log = Log()
    load = asyncio.create_task(call_steadily(log.now, rate, partial(ask, log)))
    await asyncio.sleep(CALM_SECONDS)
    down_at, servers[0].down = log.now(), True
    await asyncio.sleep(seconds)
    up_at, servers[0].down = log.now(), False
    while recovered(log, up_at) is None and log.now() - up_at < LONGEST_WAIT:  # noqa: ASYNC110 - the log tells nobody
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)
    load.cancel()
    await asyncio.gather(load, return_exceptions=True)
    await session().close()
    for runner in runners:
        await runner.cleanup()
    return log, (down_at, up_at)


async def call_steadily(
    now: Callable[[], float], rate: float, ask: Callable[[float], Coroutine[Any, Any, None]]
) -> None:
    """Until it is cancelled, one call every 1/rate seconds, whether or not the others have ended.

    `now` is in seconds since the beginning, and so is what `ask` is given: when the call was due.
    """
    calls: set[asyncio.Task[None]] = set()
    number = 0
    try:
        while True:
            number += 1
            due = number / rate
            await asyncio.sleep(max(0.0, due - now()))
            call = asyncio.create_task(ask(due))
            calls.add(call)
            call.add_done_callback(calls.discard)
    finally:
        await asyncio.gather(*calls)


async def ask(log: Log, due: float) -> None:
    from apps.core.errors import ApiError
    from apps.providers import gateway
    from apps.providers.gateway import Ask
    from apps.providers.types import ChatRequest, message

    try:
        answer = await gateway.chat(ChatRequest([message("user", "Hi")], stream=False), Ask("chat"))
        log.calls.append((due, answer.endpoint, log.now() - due, len(answer.attempts)))
    except ApiError as exc:
        log.calls.append((due, exc.code, log.now() - due, 0))


def recovered(log: Log, up_at: float) -> float | None:
    """When the primary answered again, in seconds after it was well."""
    return next((due + took - up_at for due, who, took, _n in log.calls if due > up_at and who == "primary"), None)


def report(log: Log, down_at: float, up_at: float) -> None:
    answered = [call for call in log.calls if call[1] in ("primary", "secondary")]
    outage = [call for call in log.calls if down_at <= call[0] < up_at]
    switched = [took * 1000 for due, who, took, tries in outage if who == "secondary" and tries]
    direct = [took * 1000 for due, who, took, tries in outage if who == "secondary" and not tries]
    calm = [took * 1000 for due, _who, took, _tries in log.calls if due < down_at]
    opened = next((due - down_at for due, who, _took, tries in outage if who == "secondary" and not tries), None)
    figures = {
        "calls": len(log.calls),
        "success_percent": round(100 * len(answered) / len(log.calls), 3),
        "success_in_outage_percent": round(100 * sum(c[1] == "secondary" for c in outage) / max(1, len(outage)), 3),
        "calls_that_met_the_outage": len(switched),
        "calm_ms": spread(calm),
        "switch_ms": spread(switched),
        "in_outage_straight_to_the_second_ms": spread(direct),
        "seconds_until_straight_to_the_second": opened and round(opened, 3),
        "seconds_to_recover": (found := recovered(log, up_at)) and round(found, 3),
    }
    for name, value in figures.items():
        print(f"{name:40} {value}")
    print(json.dumps(figures))


def spread(found: list[float]) -> dict[str, float] | None:
    """Median, 95th percentile, highest."""
    if not found:
        return None
    ordered = sorted(found)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    return {"p50": round(statistics.median(ordered), 1), "p95": round(p95, 1), "max": round(ordered[-1], 1)}


if __name__ == "__main__":
    main()
