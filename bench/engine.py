"""What the engine costs: 20 nodes that do nothing, one after the other and all at once, with durable checkpoints.

Each figure is milliseconds a node of whole runs: what is kept of the run is read, the nodes run, everything is kept
when the run returns. `grouped` is how the product runs: steps that only compute are kept together. `commit each` gives
every step its own transactions, as if each had to be kept before the next begins. `memory` keeps nothing.

The product's own settings hold, SQLite's `synchronous=FULL` among them.
Run: `.venv/bin/python bench/engine.py`; `DATABASE_URL=mysql://…` chooses the server, in a database of its own.
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

FOLDER = Path(tempfile.mkdtemp(prefix="paiban-bench-"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
os.environ.setdefault("PAIBAN_TEST_DATA_DIR", str(FOLDER))

NODES, ROUNDS, WARM = 20, 60, 10


def graph(*, parallel: bool) -> dict[str, Any]:
    names = [f"n{number}" for number in range(NODES)]
    nodes = [{"id": "start", "type": "start"}, *({"id": name, "type": "noop"} for name in names)]
    nodes.append({"id": "end", "type": "end"})
    if parallel:
        edges = [{"source": "start", "target": name} for name in names]
        edges += [{"source": name, "target": "end"} for name in names]
    else:
        line = ["start", *names, "end"]
        edges = [{"source": here, "target": after} for here, after in pairwise(line)]
    return {"nodes": nodes, "edges": edges}


def prepare() -> Any:
    """A database with the tables and one user."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    from ops.redis_server import start_redis

    server = start_redis(FOLDER / "redis")
    settings.REDIS_URL = server.url
    if connection.vendor == "mysql":
        name = f"bench_{os.getpid()}"
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        connection.close()
        settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name
    call_command("migrate", verbosity=0)

    from apps.pipelines.nodes import node_types
    from apps.pipelines.nodes.base import BaseNode, NodeResult

    class Noop(BaseNode):
        type = "noop"
        label = "Nothing"

        async def run(self, context: Any) -> NodeResult:
            return NodeResult({})

    node_types()["noop"] = Noop()  # type: ignore[assignment]  # a plain text is a label, too
    return server


def claimed(user: Any) -> Any:
    """A run that somebody works on."""
    from datetime import timedelta

    from django.utils import timezone

    from apps.tasks.models import Status, Task

    until = timezone.now() + timedelta(hours=1)
    return Task.objects.create(
        user=user,
        feature="bench",
        version=1,
        status=Status.RUNNING,
        attempts=1,
        fencing_token=1,
        lease_until=until,
    )


class Memory:
    """Keeps nothing."""

    async def load(self) -> Any:
        from apps.pipelines.engine.ports import Resumed

        return Resumed()

    async def write(self, entries: Any) -> None:
        return None

    async def progress(self, path: str, fraction: float, message: str) -> None: ...

    async def delta(self, path: str, text: str) -> None: ...


async def milliseconds(how: str, *, parallel: bool, user: Any) -> tuple[float, float]:
    """Of a node: on the clock, and of this process's CPU, which other work on the machine does not stretch."""
    from apps.core.aio import in_thread
    from apps.pipelines.engine.run import Run, execute
    from apps.pipelines.graph import parse_graph
    from apps.tasks.journal import RunJournal
    from apps.tasks.models import StepRun

    parsed = parse_graph(graph(parallel=parallel))
    taken, used = [], []
    for _round in range(ROUNDS):
        task = await in_thread(claimed)(user)
        journal: Any = Memory() if how == "memory" else RunJournal(task, parsed)
        run = Run(
            key=str(task.pk),
            graph=parsed,
            input={},
            parts={},
            files=None,  # type: ignore[arg-type]  # nobody asks for one
            journal=journal,
            sink=journal,
            grouped=how != "commit each",
        )
        began, cpu = time.perf_counter(), time.process_time()
        await execute(run)
        taken.append((time.perf_counter() - began) * 1000 / NODES)
        used.append((time.process_time() - cpu) * 1000 / NODES)
        if how != "memory":
            kept = await in_thread(StepRun.objects.filter(task=task, status="succeeded").count)()
            assert kept == NODES + 2, f"{kept} steps were kept"
    return statistics.median(taken[WARM:]), statistics.median(used[WARM:])


def bare_commit(user: Any) -> float:
    """Milliseconds of the least durable thing there is: one row changed, one commit."""
    from apps.tasks.models import Task

    task, taken = claimed(user), []
    for number in range(ROUNDS):
        began = time.perf_counter()
        Task.objects.filter(pk=task.pk).update(event_seq=number)
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken[WARM:])


def synchronous() -> str:
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "mysql":
            cursor.execute("SELECT @@innodb_flush_log_at_trx_commit, @@version")
            flush, version = cursor.fetchone()
            return f"{version}, innodb_flush_log_at_trx_commit={flush}"
        cursor.execute("PRAGMA synchronous")
        return f"SQLite, WAL, synchronous={ {0: 'OFF', 1: 'NORMAL', 2: 'FULL'}[cursor.fetchone()[0]] }"


def main() -> None:
    server = prepare()
    from django.contrib.auth import get_user_model

    user = get_user_model().objects.create(username="bench")
    try:
        if "--json" in sys.argv:  # for bench/engine_peers.py
            told = {}
            for shape in ("sequential", "parallel"):
                told[shape], _cpu = asyncio.run(milliseconds("grouped", parallel=shape == "parallel", user=user))
            print(json.dumps(told))
            return
        print(f"{synchronous()}; one bare commit {bare_commit(user):.2f} ms; load {os.getloadavg()[0]:.1f}")
        for shape in ("sequential", "parallel"):
            for how in ("memory", "grouped", "commit each"):
                clock, cpu = asyncio.run(milliseconds(how, parallel=shape == "parallel", user=user))
                print(f"{shape:10} {NODES}  {how:12} {clock:7.3f} ms a node, {cpu:6.3f} of them CPU")
    finally:
        server.stop()
        drop()


def drop() -> None:
    """Be rid of the database on somebody's server."""
    from django.db import connection

    if connection.vendor == "mysql":
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {connection.settings_dict['NAME']}")


if __name__ == "__main__":
    main()
