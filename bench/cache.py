"""The read cache: what a hit, a miss and a forget cost; 10,000 mixed reads with 100 forgets over two processes' worth
of memory; how late a forget is heard. And the lock: alone, and with a hundred contenders.

Run: `.venv/bin/python -m bench.cache`.
"""

import os
import random
import statistics
import tempfile
import threading
import time
import timeit
from pathlib import Path
from typing import Any

PEOPLE = 500
READS = 10_000


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="paiban-bench-", ignore_cleanup_errors=True) as folder:
        measure(Path(folder))


def measure(folder: Path) -> None:
    from ops.redis_server import start_redis

    with start_redis(folder / "redis") as server:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "PAIBAN_TEST_DATA_DIR": str(folder),
            "REDIS_URL": server.url,
        }
        prepare()
        costs()
        mixed()
        heard()
        locks()


def prepare() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from apps.accounts.models import User
    from apps.core import logging

    logging.configure(fmt="console", level="CRITICAL")
    call_command("migrate", verbosity=0)
    User.objects.bulk_create(User(username=f"user-{number}", password="!") for number in range(PEOPLE))


def profile(number: int) -> Any:
    """What a colleague's row would be: one query."""
    from apps.accounts.models import User

    return User.objects.filter(username=f"user-{number}").values("id", "username", "is_active").first()


def costs() -> None:
    from apps.core.cache import ReadCache

    plain, cache = {"k": {"n": 1}}, ReadCache()
    cache.get_or_set("k", lambda: {"n": 1})
    found = {}
    for name, call in {
        "a bare dict": lambda: plain["k"],
        "get_or_set": lambda: cache.get_or_set("k", dict),
    }.items():
        found[name] = min(timeit.repeat(call, number=100_000, repeat=5)) / 100_000
        print(f"{name:24} {1 / found[name]:12,.0f}/s   {found[name] * 1e6:.2f} µs")
    print(f"ratio to the dict: {found['a bare dict'] / found['get_or_set']:.3f}")


def mixed() -> None:
    """Two processes; four reads of five go to a fifth of the people; some are unknown; a forget after every 100."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from apps.core.cache import ReadCache, cache

    chance, caches, queries, spent = random.Random(7), (cache, ReadCache()), 0, {"hit": [0.0], "miss": [0.0]}
    caches[1].news.look()
    for number in range(READS):
        if number % 100 == 0:
            caches[number // 100 % 2].forget(f"user:{chance.randrange(PEOPLE // 5)}")
            caches[1].news.look()
        who = chance.randrange(PEOPLE // 5) if chance.random() < 0.8 else chance.randrange(PEOPLE + 20)
        with CaptureQueriesContext(connection) as seen:
            began = time.perf_counter()
            caches[number % 2].get_or_set(f"user:{who}", lambda who=who: profile(who))  # type: ignore[misc]
            spent["miss" if len(seen) else "hit"].append((time.perf_counter() - began) * 1000)
        queries += len(seen)
    told = [one.metrics.as_dict() for one in caches]
    layers = {name: sum(one["layers"][name] for one in told) for name in told[0]["layers"]}
    loads = sum(one["meanLoadMs"] * one["layers"]["loader"] for one in told) / layers["loader"]
    print(f"{READS:,} reads with 100 forgets over two processes: {layers}")
    print(f"hit ratio {1 - layers['loader'] / READS:.3f}; database queries {queries} (without the cache {READS:,})")
    print(f"mean load {loads:.2f} ms; a whole miss mean {statistics.mean(spent['miss']):.2f} ms, "
          f"p95 {sorted(spent['miss'])[int(len(spent['miss']) * 0.95)]:.2f} ms")  # fmt: skip


def heard() -> None:
    """From `forget` in one process's cache until the other, fed by the subscriber's thread, has dropped it."""
    from apps.core.cache import ReadCache, cache

    other, delays = ReadCache(), []
    for number in range(200):
        cache.get_or_set(f"late:{number}", lambda: 1)
        began = time.perf_counter()
        other.forget(f"late:{number}")
        while cache._memory.held(f"late:{number}") is not None:
            threading.Event().wait(0.0005)
        delays.append((time.perf_counter() - began) * 1000)
    print(
        f"a forget is obeyed elsewhere after p50 {statistics.median(delays):.1f} ms, p95 {sorted(delays)[190]:.1f} ms"
    )


def locks() -> None:
    """A section alone; then a hundred contenders, each of whom waits five seconds at most."""
    from concurrent.futures import ThreadPoolExecutor

    from apps.core.lock import LockBusy, with_lock

    def alone() -> None:
        with with_lock("alone"):
            pass

    def contend(_number: int) -> bool:
        try:
            with with_lock("crowd", wait=5):
                time.sleep(0.002)
        except LockBusy:
            return False
        return True

    print(f"a lock taken and opened: {min(timeit.repeat(alone, number=200, repeat=3)) / 200 * 1000:.2f} ms")
    began = time.perf_counter()
    with ThreadPoolExecutor(100) as pool:
        late = list(pool.map(contend, range(1000))).count(False)
    print(f"1,000 sections of 2 ms by 100 at once: {late} timed out, {time.perf_counter() - began:.1f} s in all")


if __name__ == "__main__":
    main()
