"""What admission costs: the right to a call and handing it back, in microseconds of this process, by kind of endpoint.

Each kind alone and sixteen at once, over loopback to a private Redis; beside it a bare PING in the same run.
Run: `.venv/bin/python -m bench.admission [--calls 5000]`.
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

TOGETHER = 16
Work = Callable[[], Awaitable[object]]
KINDS: dict[str, dict[str, int]] = {
    "no limits, well": {},
    "requests a minute": {"rpm": 100_000_000},
    "calls at once": {"max_concurrency": 1_000},
    "all limits": {"max_concurrency": 1_000, "rpm": 100_000_000, "tpm": 2_000_000_000},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=5_000)
    options = parser.parse_args()
    from ops.redis_server import start_redis

    with tempfile.TemporaryDirectory(prefix="paiban-bench-") as folder, start_redis(Path(folder) / "redis") as server:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "PAIBAN_TEST_DATA_DIR": folder,
            "REDIS_URL": server.url,
        }
        import django

        django.setup()
        asyncio.run(measure(options.calls))


async def measure(calls: int) -> None:
    from apps.core.redis_wire import wire

    figures: dict[str, Any] = {}
    kinds: dict[str, Work] = {name: _call(number, limits) for number, (name, limits) in enumerate(KINDS.items(), 1)}
    for name, work in {"a bare PING": lambda: wire().ask("PING"), **kinds}.items():
        await work()  # connections and scripts are there
        figures[name] = {"alone": await _timed(work, calls, 1), "together": await _timed(work, calls, TOGETHER)}
        for how, (cpu, wall) in figures[name].items():
            print(f"{name:18} {how:9} cpu {cpu:7.1f} µs  wall {wall:7.1f} µs a call")
    print(json.dumps({"calls": calls, "microseconds": figures}))


def _call(number: int, limits: dict[str, int]) -> Work:
    """Admission and leave of a call that went well."""
    from apps.providers import admission
    from apps.providers.types import Candidate

    candidate = Candidate(f"bench-{number}", number, "mock", "", "mock-chat", 60, 0, **limits)  # type: ignore[arg-type]

    async def work() -> None:
        permit = await admission.admit(candidate, tokens=100)
        await admission.leave(permit, error=None, tokens=150, first_ms=1.0)

    return work


async def _timed(work: Work, calls: int, together: int) -> tuple[float, float]:
    """CPU and wall time of one call, in microseconds."""

    async def one() -> None:
        for _number in range(calls // together):
            await work()

    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(one() for _number in range(together)))
    made = calls // together * together
    return round((time.process_time() - cpu) / made * 1e6, 1), round((time.perf_counter() - wall) / made * 1e6, 1)


if __name__ == "__main__":
    main()
