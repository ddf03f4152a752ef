"""From a publish to eight other processes serving it: 500 publishes as fast as they go, then with every message lost.

Beside it the floor in the same run: a bare Redis message. Other keys' payloads that had to be loaded again are counted.
Run: `.venv/bin/python -m bench.config_delay [--count 500] [--processes 8]`.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.fleet import KEY, SCOPE, Watcher


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--processes", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="paiban-bench-", ignore_cleanup_errors=True) as folder:
        measure(options.count, options.processes, Path(folder))


def measure(count: int, processes: int, folder: Path) -> None:
    from ops.redis_server import start_redis

    with start_redis(folder / "redis") as server:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "PAIBAN_TEST_DATA_DIR": str(folder),
            "REDIS_URL": server.url,
        }
        prepare()
        watchers = [Watcher() for _ in range(processes)]
        try:
            fast(count, watchers)
            paced(min(count, 100), watchers)
        finally:
            for watcher in watchers:
                watcher.stop()
        deaf = [Watcher(deaf=True) for _ in range(processes)]
        try:
            without_messages(deaf)
        finally:
            for watcher in deaf:
                watcher.stop()


def prepare() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from apps.core import logging
    from apps.core.publishing.services import release

    logging.configure(fmt="console", level="ERROR")
    call_command("migrate", verbosity=0)
    release(SCOPE, KEY, {"n": 1}, by=None)
    for number in range(20):
        release(SCOPE, f"other-{number}", {"text": "x" * 2000}, by=None)


def put() -> tuple[int, float]:
    """Publish once more; the version, and when the call began."""
    from apps.core.publishing.services import live_versions, release

    number = live_versions(SCOPE)[KEY] + 1
    began = time.monotonic()
    release(SCOPE, KEY, {"n": number}, by=None)
    return number, began


def fast(count: int, watchers: list[Watcher]) -> None:
    began = time.monotonic()
    sent = dict(put() for _ in range(count))
    rate = count / (time.monotonic() - began)
    last = max(sent)
    stale = wait_for(last, watchers, seconds=15)
    reports = [watcher.ask("report") for watcher in watchers]
    delays = [at - sent[int(v)] for report in reports for v, at in report["seen"].items() if int(v) in sent]
    print(f"{count} publishes at {rate:.0f}/s to {len(watchers)} processes")
    told("publish to served, every version that was served", delays)
    print(f"versions served {len(delays)} of {count * len(watchers)} (bursts are merged); stale at the end: {stale}")
    others = sum(max(0, sum(r["loads"]) - len(r["seen"]) - 1) for r in reports)
    print(f"other keys loaded again: {others}; whole index loaded again: {sum(r['resyncs'] for r in reports)}")


def paced(count: int, watchers: list[Watcher]) -> None:
    """One at a time, each waited for: the delay without a queue."""
    from apps.core import redis

    floor, sent = [], {}
    with redis.subscription() as own:
        own.subscribe("bench:floor")
        own.get_message(timeout=1)
        for _number in range(count):
            began = time.monotonic()
            redis.client().publish("bench:floor", "x")
            while own.get_message(timeout=5) is None:
                pass
            floor.append(time.monotonic() - began)
            version, began = put()
            sent[version] = began
            time.sleep(0.03)
    wait_for(max(sent), watchers, seconds=15)
    delays = [at - sent[int(v)] for w in watchers for v, at in w.ask("report")["seen"].items() if int(v) in sent]
    told("publish to served, one every 30 ms", delays)
    told("a bare Redis message", floor)
    print(f"ratio at p50: {statistics.median(delays) / statistics.median(floor):.1f}")


def without_messages(watchers: list[Watcher]) -> None:
    version, began = put()
    stale = wait_for(version, watchers, seconds=10)
    delays = [w.ask("report")["seen"].get(str(version), time.monotonic()) - began for w in watchers]
    told("every message lost: publish to served", delays)
    print(f"stale after 10 s: {stale}")


def wait_for(version: int, watchers: list[Watcher], *, seconds: float) -> int:
    """How many processes do not serve `version` after at most `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        behind: int = sum(watcher.ask("version") < version for watcher in watchers)
        if not behind or time.monotonic() > deadline:
            return behind
        time.sleep(0.05)


def told(name: str, seconds: list[float]) -> None:
    found = sorted(s * 1000 for s in seconds)
    p95: Any = found[min(len(found) - 1, int(len(found) * 0.95))]
    print(f"{name}: p50 {statistics.median(found):.1f} ms  p95 {p95:.1f} ms  max {found[-1]:.1f} ms  n {len(found)}")


if __name__ == "__main__":
    main()
