"""From pressing publish to another process serving the new version: 100 publishes, p50 and p95.

Beside it, in the same run, the floor: a bare Redis message from this process to that one. The last line is the ratio.
Run: `.venv/bin/python bench/publish_to_visible.py [--count 100]`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--reader", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reader:
        read(options.count)
    else:
        with tempfile.TemporaryDirectory(prefix="paiban-bench-") as folder:
            measure(options.count, Path(folder))


def measure(count: int, folder: Path) -> None:
    """Publish `count` times while a second process watches."""
    from ops.redis_server import start_redis

    with start_redis(folder / "redis") as server:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "PAIBAN_TEST_DATA_DIR": str(folder),
            "REDIS_URL": server.url,
        }
        set_up()
        prepare()
        argv = [sys.executable, __file__, "--reader", "--count", str(count)]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            assert json.loads(child.stdout.readline()) == "ready"
            visible, calls, floor = [], [], []
            for number in range(count):
                floor.append(bare_message(number, child))
                began, ended = publish(number)
                seen = json.loads(child.stdout.readline())
                visible.append(seen["at"] - began)
                calls.append(ended - began)
    report(visible, calls, floor)


def set_up() -> None:
    import django

    django.setup()


def prepare() -> None:
    """A database with one released feature."""
    from django.core.management import call_command

    from apps.core import logging

    logging.configure(fmt="console", level="ERROR")
    call_command("migrate", verbosity=0)
    call_command("seed", "--credentials", "/dev/null")


def publish(number: int) -> tuple[float, float]:
    """Change the draft and release it; when the call began and ended."""
    from apps.features.models import Feature
    from apps.features.services import publish_feature

    Feature.objects.filter(key="copywriter").update(cost=100 + number)
    began = time.monotonic()
    publish_feature("copywriter", by=None)
    return began, time.monotonic()


def bare_message(number: int, child: "subprocess.Popen[str]") -> float:
    """The same way without Paiban: one Redis message, seconds until the other process has it."""
    from apps.core import redis

    assert child.stdout is not None
    began = time.monotonic()
    redis.client().publish("bench:floor", str(number))
    seen: dict[str, float] = json.loads(child.stdout.readline())
    return seen["at"] - began


def read(count: int) -> None:
    """The other process: tells when it has a bare message, and when it serves the next version."""
    set_up()
    import threading

    from apps.core import redis
    from apps.core.config import reader

    changed = threading.Event()
    reader.listen(lambda _revision: changed.set())
    version, _payload = reader.get("feature", "copywriter")
    time.sleep(1)  # the subscriber's connection
    with redis.subscription() as floor:
        floor.subscribe("bench:floor")
        floor.get_message(timeout=1)
        say("ready")
        for _number in range(count):
            while floor.get_message(timeout=5) is None:
                pass
            say({"at": time.monotonic()})
            version = next_version(reader, changed, version)
            say({"at": time.monotonic(), "version": version})


def next_version(reader: Any, changed: Any, old: int) -> int:
    while True:
        changed.wait(timeout=10)
        changed.clear()
        version: int = reader.get("feature", "copywriter")[0]
        if version > old:
            return version


def say(value: Any) -> None:
    print(json.dumps(value), flush=True)


def report(visible: list[float], calls: list[float], floor: list[float]) -> None:
    for name, seconds in (("bare Redis message", floor), ("the publish call", calls), ("publish to visible", visible)):
        p50, p95 = quantiles(seconds)
        print(f"{name:22} p50 {p50:7.2f} ms   p95 {p95:7.2f} ms   n {len(seconds)}")
    print(f"ratio to the bare message, p50: {quantiles(visible)[0] / quantiles(floor)[0]:.1f}")


def quantiles(seconds: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles([s * 1000 for s in seconds], n=20)
    return statistics.median([s * 1000 for s in seconds]), cuts[18]


if __name__ == "__main__":
    main()
