"""`GET /api/v1/ui/schema` with 200 features, against the same server answering constants of the same sizes.

One uvicorn process with the whole application and one more hot route that answers so many bytes from a constant.
Each kind of answer (plain, gzip, 304) and its constant are asked in turns in the same run; the last lines are the
ratios. Cold is the first answer after a release, which is built anew.
Run: `.venv/bin/python bench/ui_schema.py [--features 200] [--requests 2000] [--rounds 3] [--releases 20]`.
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

SCHEMA = "/api/v1/ui/schema"
CONSTANT = "/bench/constant"
CONNECTIONS = 8
SLOWEST_SECONDS = 30.0  # a round that takes longer is cut short


class Answer(NamedTuple):
    """What a server said, and how long it took."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float


class Round(NamedTuple):
    """What one round of requests took."""

    per_second: float
    p95_ms: float


class Question(NamedTuple):
    """One kind of request, and the constant that stands beside it."""

    name: str
    headers: dict[str, str]
    status: int
    size: int

    @property
    def constant(self) -> str:
        return f"{CONSTANT}?status={self.status}&size={self.size}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=int, default=200)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--releases", type=int, default=20)
    parser.add_argument("--serve", type=int, metavar="PORT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
    else:
        with tempfile.TemporaryDirectory(prefix="paiban-bench-", ignore_cleanup_errors=True) as folder:
            measure(options, Path(folder))


def measure(options: argparse.Namespace, folder: Path) -> None:
    """Start the server, ask it in every way, print medians and ratios."""
    from ops.processes import free_port
    from ops.redis_server import start_redis

    with start_redis(folder / "redis") as redis:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "PAIBAN_TEST_DATA_DIR": str(folder),
            "REDIS_URL": redis.url,
        }
        prepare(options.features)
        port = free_port()
        process = subprocess.Popen([sys.executable, __file__, "--serve", str(port)])
        try:
            first = asyncio.run(when_ready(port))
            cold = [cold_answer(port, number) for number in range(options.releases)]
            taken = asyncio.run(in_turns(port, options))
        finally:
            process.terminate()
            process.wait(timeout=20)
    report(options.features, first, cold, taken)


def prepare(count: int) -> None:
    """A database with `count` released features, each with the form of a demo."""
    import django

    django.setup()
    from django.core.management import call_command

    from apps.core import logging
    from apps.features.models import Feature
    from apps.features.services import publish_feature

    logging.configure(fmt="console", level="ERROR")
    call_command("migrate", verbosity=0)
    call_command("seed", "--credentials", "/dev/null")
    model = Feature.objects.get(key="copywriter")
    for number in range(count - Feature.objects.count() + 1):  # one demo is left unreleased
        model.pk, model._state.adding = None, True
        model.key = f"bench-{number:03}"
        model.save()
        publish_feature(model.key, by=None)


def serve(port: int) -> None:
    """The application and the constant, until told to stop."""
    import django
    import uvicorn

    django.setup()
    from starlette.requests import Request
    from starlette.responses import Response

    from apps.core.lane.app import HotRoute, register

    bodies: dict[int, bytes] = {}

    async def constant(request: Request) -> Response:
        size, status = int(request.query_params["size"]), int(request.query_params["status"])
        body = bodies.setdefault(size, b"x" * size)
        return Response(body or None, status_code=status, media_type="application/json" if body else None)

    register(HotRoute(CONSTANT, constant, "public", documented=False))
    from config.asgi import application

    uvicorn.run(application, port=port, log_level="warning", access_log=False, lifespan="off")


async def when_ready(port: int) -> Answer:
    """The server's first answer."""
    deadline = time.monotonic() + 60
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
            continue
        answer = await ask(reader, writer, SCHEMA, {})
        writer.close()
        return answer


def cold_answer(port: int, number: int) -> float:
    """Release something, and see how long the first answer of the new revision takes; in milliseconds."""
    from apps.features.models import Feature
    from apps.features.services import publish_feature

    Feature.objects.filter(key="copywriter").update(title=f"Copywriter {number}")
    publish_feature("copywriter", by=None)
    return asyncio.run(first_of_revision(port))


async def first_of_revision(port: int) -> float:
    """Ask with the tag of what is known until the answer is another one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    known = _known.get("tag", "")
    while True:
        answer = await ask(reader, writer, SCHEMA, {"If-None-Match": known} if known else {})
        if answer.status == 200 and answer.headers["etag"] != known:
            break
        await asyncio.sleep(0.002)
    _known["tag"] = answer.headers["etag"]
    writer.close()
    return answer.seconds * 1000


_known: dict[str, str] = {}


async def in_turns(port: int, options: argparse.Namespace) -> dict[str, list[tuple[Round, Round]]]:
    """Rounds of each question with rounds of its constant between them."""
    taken: dict[str, list[tuple[Round, Round]]] = {}
    questions = await questions_of(port)
    for _number in range(options.rounds):
        for one in questions:
            real = await one_round(port, options.requests, SCHEMA, one)
            beside = await one_round(port, options.requests, one.constant, one._replace(headers={}))
            taken.setdefault(f"{one.name}, {one.size:,} bytes", []).append((real, beside))
    return taken


async def questions_of(port: int) -> list[Question]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    plain = await ask(reader, writer, SCHEMA, {})
    packed = await ask(reader, writer, SCHEMA, {"Accept-Encoding": "gzip"})
    writer.close()
    assert packed.headers["content-encoding"] == "gzip"
    return [
        Question("plain", {}, 200, len(plain.body)),
        Question("gzip", {"Accept-Encoding": "gzip"}, 200, len(packed.body)),
        Question("304", {"If-None-Match": plain.headers["etag"]}, 304, 0),
    ]


async def one_round(port: int, requests: int, path: str, one: Question) -> Round:
    """`requests` requests over a few kept connections."""
    left, began = iter(range(requests)), time.monotonic()
    done = await asyncio.gather(
        *[one_connection(port, left, path, one, began + SLOWEST_SECONDS) for _ in range(CONNECTIONS)]
    )
    took = [seconds for part in done for seconds in part]
    return Round(len(took) / (time.monotonic() - began), statistics.quantiles(took, n=20)[-1] * 1000)


async def one_connection(port: int, left: Any, path: str, one: Question, until: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    took = []
    for _number in left:
        answer = await ask(reader, writer, path, one.headers)
        assert (answer.status, len(answer.body)) == (one.status, one.size), (path, answer.status, len(answer.body))
        took.append(answer.seconds)
        if time.monotonic() > until:
            break
    writer.close()
    return took


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, headers: dict[str, str]) -> Answer:
    """One request by hand: a client library would cost more than the lane."""
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Accept-Language: en",
        *(f"{k}: {v}" for k, v in headers.items()),
    ]
    began = time.perf_counter()
    writer.write("\r\n".join([*lines, "", ""]).encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    told = {name.lower(): value for name, _colon, value in (line.partition(": ") for line in head[1:])}
    body = await reader.readexactly(int(told.get("content-length", 0)))
    return Answer(int(head[0].split()[1]), told, body, time.perf_counter() - began)


def report(features: int, first: Answer, cold: list[float], taken: dict[str, list[tuple[Round, Round]]]) -> None:
    rounds = len(next(iter(taken.values())))
    print(f"{features} features, {CONNECTIONS} connections, one process, medians of {rounds} rounds")
    print(f"first answer of a new process: {first.seconds * 1000:.0f} ms")
    if cold:
        p95 = statistics.quantiles(cold, n=20)[-1] if len(cold) > 1 else cold[0]
        print(f"cold, after each of {len(cold)} releases: p50 {statistics.median(cold):.1f} ms, p95 {p95:.1f} ms")
    for name, pairs in taken.items():
        real, beside = (_median([pair[side] for pair in pairs]) for side in (0, 1))
        print(f"{name:<22} {real.per_second:7.0f} requests/s, p95 {real.p95_ms:5.2f} ms")
        print(f"{'  a constant':<22} {beside.per_second:7.0f} requests/s, p95 {beside.p95_ms:5.2f} ms")
        print(f"ratio: {real.per_second / beside.per_second:.0%} of the constant")


def _median(rounds: list[Round]) -> Round:
    return Round(statistics.median(r.per_second for r in rounds), statistics.median(r.p95_ms for r in rounds))


if __name__ == "__main__":
    main()
