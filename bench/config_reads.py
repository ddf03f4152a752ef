"""Reading configuration from memory, as a ratio to a bare dict read; the cost of a miss; the hit ratio of 10,000 mixed
reads; one origin load for 1,000 readers at once.

Run: `.venv/bin/python -m bench.config_reads`.
"""

import os
import random
import statistics
import tempfile
import time
import timeit
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SCOPE = "bench"
FEATURES = 200


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
        hits()
        misses()
        mixed()
        crowd()


def prepare() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from apps.core import logging
    from apps.core.publishing.services import release

    logging.configure(fmt="console", level="CRITICAL")
    call_command("migrate", verbosity=0)
    for number in range(FEATURES):
        release(SCOPE, f"feature-{number}", {"text": "x" * 20_000, "n": number}, by=None)


def hits() -> None:
    from apps.core.config import Person, reader

    plain = {(SCOPE, f"feature-{n}"): (1, {"n": n}) for n in range(FEATURES)}
    address = (SCOPE, "feature-7")
    reader.get(*address)
    somebody = Person(id="7", roles=frozenset({"member"}))
    found = {}
    for name, call in {
        "a bare dict": lambda: plain[address],
        "reader.get": lambda: reader.get(*address),
        "reader.get for a person": lambda: reader.get(*address, somebody),
    }.items():
        seconds = min(timeit.repeat(call, number=100_000, repeat=5)) / 100_000
        found[name] = seconds
        print(f"{name:24} {1 / seconds:12,.0f}/s   {seconds * 1e6:.2f} µs")
    print(f"ratio to the dict: {found['a bare dict'] / found['reader.get']:.3f}")


def misses() -> None:
    from apps.core import redis
    from apps.core.config.reader import ConfigReader

    for layer in ("redis", "table"):
        spent = []
        for number in range(50):
            reader = ConfigReader()
            reader.resync()
            if layer == "table":
                redis.client().flushdb()
            else:
                ConfigReader().get(SCOPE, f"feature-{number}")
            began = time.perf_counter()
            reader.get(SCOPE, f"feature-{number}")
            spent.append((time.perf_counter() - began) * 1000)
        print(f"a miss answered by {layer:6} mean {statistics.mean(spent):.2f} ms   p95 {sorted(spent)[47]:.2f} ms")
    reader = ConfigReader()
    redis.client().flushdb()
    began = time.perf_counter()
    reader.all(SCOPE)
    print(f"all {FEATURES} of a cold process: {(time.perf_counter() - began) * 1000:.0f} ms")


def mixed() -> None:
    """10,000 reads of 200 things and of unknown ones, with a publish after every 100."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from apps.core.config import NotReleased
    from apps.core.config import reader as shared
    from apps.core.publishing.services import release

    chance = random.Random(7)
    before, unknown, queries = shared.metrics.as_dict()["layers"], 0, 0
    for number in range(10_000):
        if number % 100 == 0:
            key = chance.randrange(FEATURES)
            release(SCOPE, f"feature-{key}", {"text": "x" * 20_000, "n": number}, by=None)
        with CaptureQueriesContext(connection) as seen:
            try:
                shared.get(SCOPE, f"feature-{chance.randrange(FEATURES + 20)}")
            except NotReleased:
                unknown += 1
        queries += len(seen)
    after = shared.metrics.as_dict()["layers"]
    layers = {name: after[name] - before[name] for name in after}
    ratio = (layers["memory"] + unknown) / 10_000
    print(f"10,000 reads with 100 publishes: {layers}, unknown ids answered by the index {unknown}")
    print(f"hit ratio {ratio:.3f}; database queries {queries} (without the cache 10,000)")


def crowd() -> None:
    from apps.core import redis
    from apps.core.config import payloads
    from apps.core.config.reader import ConfigReader

    redis.client().flushdb()
    loads: list[object] = []
    real = payloads.from_table

    def counted(address: tuple[str, str, int]) -> tuple[str, str] | None:
        loads.append(address)
        return real(address)

    payloads.from_table = counted
    readers = [ConfigReader() for _ in range(8)]
    for reader in readers:
        reader.resync()
    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda n: readers[n % 8].get(SCOPE, "feature-3")[1]["n"], range(1000)))
    print(f"1,000 readers at once over 8 memories: {len(answers)} answers, {len(loads)} origin load")


if __name__ == "__main__":
    main()
