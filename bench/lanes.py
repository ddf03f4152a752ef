"""The menu (600 bytes of JSON, from memory) through the stock Django stack and through the hot lane, over loopback.

Three servers, one uvicorn process each, asked in turns in the same run: a Django REST framework view and a plain
Django view behind the product's middleware, and the product's own hot lane. The last lines are the ratios.
Run: `.venv/bin/python bench/lanes.py [--requests 2000] [--rounds 3]`.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

PATH = "/api/v1/ui/menus"
CONNECTIONS = 8
SLOWEST_SECONDS = 30.0  # a round that takes longer is cut short
SERVERS = ("drf", "django", "lane")
urlpatterns: list[Any] = []  # of the two Django servers; this module is their ROOT_URLCONF


class Round(NamedTuple):
    """What one round of requests took; `cpu` is the server's own."""

    per_second: float
    cpu_ms: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", choices=SERVERS, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.port)
    else:
        with tempfile.TemporaryDirectory(prefix="paiban-bench-") as folder:
            measure(options.requests, options.rounds, Path(folder))


def measure(requests: int, rounds: int, folder: Path) -> None:
    """Start the servers, ask each in turn, print medians and ratios."""
    from ops.processes import free_port
    from ops.redis_server import start_redis

    with start_redis(folder / "redis") as redis:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "PAIBAN_TEST_DATA_DIR": str(folder),
            "REDIS_URL": redis.url,
        }
        prepare()
        ports = {name: free_port() for name in SERVERS}
        processes = {name: start(name, port) for name, port in ports.items()}
        try:
            bodies = {name: asyncio.run(when_ready(port)) for name, port in ports.items()}
            assert len(set(bodies.values())) == 1, "the servers answer differently"
            taken: dict[str, list[Round]] = {name: [] for name in SERVERS}
            for _number in range(rounds):
                for name in SERVERS:
                    taken[name].append(asyncio.run(one_round(ports[name], requests, processes[name].pid)))
        finally:
            for process in processes.values():
                process.terminate()
                process.wait(timeout=20)
    report(taken, size=len(next(iter(bodies.values()))))


def prepare() -> None:
    """A database with the demo's released features."""
    import django

    django.setup()
    from django.core.management import call_command

    from apps.core import logging

    logging.configure(fmt="console", level="ERROR")
    call_command("migrate", verbosity=0)
    call_command("seed", "--credentials", "/dev/null")


def start(name: str, port: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, __file__, "--serve", name, "--port", str(port)])


def serve(name: str, port: int) -> None:
    """One server, until it is told to stop."""
    import uvicorn

    if name == "lane":
        from config.asgi import application
    else:
        application = django_application(name)
    uvicorn.run(application, port=port, log_level="warning", access_log=False, lifespan="off")


def django_application(name: str) -> Any:
    """Django with the product's settings and middleware, and one view."""
    import django
    from django.conf import settings
    from django.core.asgi import get_asgi_application
    from django.urls import path

    django.setup()
    settings.ROOT_URLCONF = __name__
    urlpatterns.append(path(PATH.lstrip("/"), drf_view() if name == "drf" else plain_view))
    return get_asgi_application()


def plain_view(request: Any) -> Any:
    from django.http import HttpResponse

    return HttpResponse(body(), content_type="application/json")


def drf_view() -> Any:
    from django.http import HttpResponse
    from rest_framework.views import APIView

    from apps.core.permissions import Public

    class Menus(APIView):
        permission_classes = [Public]

        def get(self, request: Any) -> HttpResponse:
            return HttpResponse(body(), content_type="application/json")

    return Menus.as_view()


_bodies: dict[int, bytes] = {}


def body() -> bytes:
    """What the lane answers, built once per revision as the lane does."""
    import msgspec

    from apps.core.config import reader
    from apps.features import feed
    from apps.features.publishing import SCOPE

    released = reader.all(SCOPE)
    if reader.revision not in _bodies:
        groups = feed.menus(released, feed.Viewer())
        _bodies[reader.revision] = msgspec.json.encode({"revision": reader.revision, "groups": groups})
    return _bodies[reader.revision]


async def when_ready(port: int) -> bytes:
    """The server's first answer."""
    deadline = time.monotonic() + 30
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
            continue
        answer = await ask(reader, writer)
        writer.close()
        return answer


async def one_round(port: int, requests: int, pid: int) -> Round:
    """`requests` requests over a few kept connections."""
    left = iter(range(requests))
    began, cpu = time.monotonic(), cpu_seconds(pid)
    done = await asyncio.gather(*[one_connection(port, left, began + SLOWEST_SECONDS) for _ in range(CONNECTIONS)])
    count = sum(done)
    return Round(count / (time.monotonic() - began), (cpu_seconds(pid) - cpu) / count * 1000)


async def one_connection(port: int, left: Any, until: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    count = 0
    for _number in left:
        await ask(reader, writer)
        count += 1
        if time.monotonic() > until:
            break
    writer.close()
    return count


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """One request by hand: a client library would cost more than the lane."""
    writer.write(f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Language: en\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    assert head.startswith(b"http/1.1 200"), head
    length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
    return await reader.readexactly(length)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def report(taken: dict[str, list[Round]], *, size: int) -> None:
    medians = {
        name: Round(statistics.median(r.per_second for r in rounds), statistics.median(r.cpu_ms for r in rounds))
        for name, rounds in taken.items()
    }
    print(f"{size} bytes of JSON, {CONNECTIONS} connections, medians of {len(taken['lane'])} rounds")
    for name, label in (("drf", "DRF view"), ("django", "Django view"), ("lane", "hot lane")):
        print(f"{label:<12} {medians[name].per_second:8.0f} requests/s {medians[name].cpu_ms:8.2f} ms CPU a request")
    for name, label in (("drf", "DRF view"), ("django", "Django view")):
        faster = medians["lane"].per_second / medians[name].per_second
        cheaper = medians[name].cpu_ms / medians["lane"].cpu_ms
        print(
            f"ratio: the hot lane answers {faster:.1f} times as many requests as the {label}, for 1/{cheaper:.1f} CPU"
        )


if __name__ == "__main__":
    main()
