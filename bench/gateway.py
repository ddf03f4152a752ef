"""What the gateway adds to a call: through it, to the upstream directly, and through other gateways, in one run.

One worker each, asked in turns; with authentication, routing, budgets, breaker and usage on (and with limits, where
`--limits` says so). The upstream answers at once, so that only the gateways' own work is seen.
Run: `.venv/bin/python -m bench.gateway --peer litellm --peer portkey`
(where the peers are installed: `bench/gateway_parts/peers.py`). Ends with one line of JSON.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.gateway_parts import peers
from bench.gateway_parts.load import Round, Target, measure
from ops.processes import free_port

KEY_VARIABLE = "PAIBAN_BENCH_TOKEN"
READY_SECONDS = 90.0
_COLUMNS = "{:>10}{:>9}{:>9}{:>10}{:>11}{:>9}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upstream", default="", help="a model server of your own; a local one is started without")
    parser.add_argument("--peer", action="append", default=[], choices=["litellm", "portkey"])
    parser.add_argument("--requests", type=int, default=1500, help="a round of Paiban; peers get fewer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--concurrency", default="1,16,64")
    parser.add_argument("--limits", action="store_true", help="calls at once, calls and tokens a minute, too")
    options = parser.parse_args()
    import uvloop

    with tempfile.TemporaryDirectory(prefix="paiban-bench-", ignore_cleanup_errors=True) as folder:
        uvloop.run(run(options, Path(folder)))


async def run(options: argparse.Namespace, folder: Path) -> None:
    from ops.redis_server import start_redis

    with start_redis(folder / "redis") as redis:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "PAIBAN_TEST_DATA_DIR": str(folder),
            "REDIS_URL": redis.url,
            "PAIBAN_OUTBOUND_ALLOWED_HOSTS": "127.0.0.1",
            "DJANGO_ALLOW_ASYNC_UNSAFE": "1",  # of this program's own preparations; the server is another process
        }
        upstream = int(options.upstream.rsplit(":", 1)[1].split("/")[0]) if options.upstream else free_port()
        running = [] if options.upstream else [_python("-m", "bench.gateway_parts.upstream", str(upstream))]
        try:
            token = prepare(upstream, limits=options.limits)
            own = free_port()
            running.append(_python("-m", "bench.gateway_parts.server", str(own)))
            headers = {"Authorization": f"Bearer {token}"}
            targets = [Target("direct", upstream), Target("paiban", own, headers=headers, pid=running[-1].pid)]
            for name in options.peer:
                target, process = peers.start(name, upstream, folder)
                running.append(process)
                target.pid = process.pid
                targets.append(target)
            for target in targets:
                await ready(target)
            report(await rounds(targets, options))
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait(timeout=30)


def _python(*arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, *arguments])


def prepare(upstream: int, *, limits: bool) -> str:
    """An installation with one endpoint and a budget; returns the API key to ask with."""
    import django

    django.setup()
    from django.core.management import call_command

    from apps.core import logging

    logging.configure(fmt="console", level="ERROR")
    call_command("migrate", verbosity=0)
    from bench.gateway_parts.installation import install

    return install(f"http://127.0.0.1:{upstream}/v1", limits=limits)


async def ready(target: Target) -> None:
    """Ask until it answers, and a little more, so that nothing is cold."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            await measure(target, stream=False, requests=1, concurrency=1)
            break
        except (OSError, AssertionError, asyncio.IncompleteReadError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.5)
    await measure(target, stream=False, requests=40, concurrency=4)
    await measure(target, stream=True, requests=20, concurrency=4)


async def rounds(targets: Sequence[Target], options: argparse.Namespace) -> dict[tuple[str, bool, int], Round]:
    """The best round of each: what others did on the machine meanwhile is nobody's merit."""
    best: dict[tuple[str, bool, int], Round] = {}
    for concurrency in map(int, options.concurrency.split(",")):
        for stream in (False, True):
            for _number in range(options.rounds):
                for target in targets:
                    count = _requests(target, options.requests, stream=stream, concurrency=concurrency)
                    found = await measure(target, stream=stream, requests=count, concurrency=concurrency)
                    place = (target.name, stream, concurrency)
                    if place not in best or found.rate > best[place].rate:
                        best[place] = found
    return best


def _requests(target: Target, most: int, *, stream: bool, concurrency: int) -> int:
    share = {"litellm": 0.08, "portkey": 0.25}.get(target.name, 1.0) * (0.4 if stream else 1.0)
    return max(int(most * share * (0.4 if concurrency == 1 else 1.0)), concurrency * 2)


def report(best: dict[tuple[str, bool, int], Round]) -> None:
    """The table, then one line of JSON."""
    told: list[dict[str, Any]] = []
    columns = ("calls/s", "p50 ms", "p95 ms", "first ms", "events/s", "cpu ms")
    print(f"{'gateway':9}{'form':8}{'conc':>5}" + _COLUMNS.format(*columns))
    for (name, stream, concurrency), found in best.items():
        row = {
            "gateway": name,
            "form": "stream" if stream else "plain",
            "concurrency": concurrency,
            "calls_per_s": round(found.rate, 1),
            "p50_ms": round(found.p(0.5), 3),
            "p95_ms": round(found.p(0.95), 3),
            "first_ms": round(found.median_first, 3),
            "events_per_s": round(found.event_rate),
            "cpu_ms": round(found.cpu_ms, 3),
        }
        told.append(row)
        values = (row["calls_per_s"], row["p50_ms"], row["p95_ms"], row["first_ms"], row["events_per_s"], row["cpu_ms"])
        print(f"{name:9}{row['form']:8}{concurrency:>5}" + _COLUMNS.format(*values))
    ratios = _ratios(best)
    for words, value in ratios.items():
        print(f"{words}: {value:.1f}")
    print(json.dumps({"rows": told, "ratios": {words: round(value, 2) for words, value in ratios.items()}}))


def _ratios(best: dict[tuple[str, bool, int], Round]) -> dict[str, float]:
    """Paiban against each peer; `added` is what a gateway adds to the upstream called directly."""
    found: dict[str, float] = {}
    for name in sorted({name for name, _stream, _concurrency in best} - {"direct", "paiban"}):
        for _name, stream, concurrency in [place for place in best if place[0] == name]:
            own, peer = best["paiban", stream, concurrency], best[name, stream, concurrency]
            direct = best["direct", stream, concurrency]
            form = f"{'stream' if stream else 'plain'} at {concurrency}"
            found[f"calls/s against {name}, {form}"] = own.rate / peer.rate
            if concurrency == 1:
                what = "to first byte" if stream else "p50"
                added = [
                    r.median_first - direct.median_first if stream else r.p(0.5) - direct.p(0.5) for r in (own, peer)
                ]
                found[f"{name} adds so many times {what}, {form}"] = added[1] / max(added[0], 0.001)
            if stream:
                found[f"events/s against {name}, {form}"] = own.event_rate / peer.event_rate
    return found


if __name__ == "__main__":
    main()
