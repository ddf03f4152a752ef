"""How many runs a minute a worker gets through: 1,000 of a pipeline of five nodes, three of which ask a model for 1 s.

A real worker and dispatcher, a real Redis; the model is the mock with a latency. All runs are queued before the worker
starts. The limit is arithmetic: slots, divided by the seconds that a run waits for models. The clock runs from the
first claim to the last end, as the rows say.

Run: `.venv/bin/python -m bench.throughput [--tasks 1000] [--workers 1]`; `DATABASE_URL=mysql://…` chooses the server,
in a database of its own. `PAIBAN_TASK_SLOTS` is obeyed.
"""

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

ROOT: Final = Path(__file__).resolve().parent.parent
CALLS: Final = 3
SECONDS: Final = 1.0  # of every call
USERS: Final = 40  # five runs of each are under way at once
MODEL: Final = f"mock-chat+first={SECONDS:g}+words=0"
FEATURE: Final = "bench"
PATIENCE_SECONDS: Final = 600.0
WORKER: Final = [
    "-m",
    "celery",
    "--quiet",
    "--app",
    "config.celery",
    "worker",
    "--pool",
    "threads",
    "--concurrency",
    "8",
]
QUIET: Final = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]


def graph() -> dict[str, Any]:
    asks = [f"ask{number}" for number in range(CALLS)]
    nodes: list[dict[str, Any]] = [{"id": "start", "type": "start"}]
    for before, name in zip(["start", *asks], asks, strict=False):
        inputs = {"text": f"{{{{ {before}.text }}}}"}
        nodes.append({"id": name, "type": "llm_chat", "config": {"model": MODEL}, "inputs": inputs})
    nodes.append({"id": "end", "type": "end", "inputs": {"text": f"{{{{ {asks[-1]}.text }}}}"}})
    line = [node["id"] for node in nodes]
    return {"nodes": nodes, "edges": [{"source": a, "target": b} for a, b in pairwise(line)]}


@contextmanager
def environment(folder: Path) -> Iterator[None]:
    """A Redis and an empty database in this process's environment, gone afterwards."""
    from ops.redis_server import start_redis

    given = os.environ.get("DATABASE_URL", "")
    is_server = given.startswith("mysql:")
    name = f"bench_{secrets.token_hex(3)}"
    url = urlunsplit(urlsplit(given)._replace(path=f"/{name}")) if is_server else f"sqlite:///{folder / 'db.sqlite3'}"
    if is_server:
        statement(given, f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
    with start_redis(folder / "redis") as redis:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "config.settings.dev",
            "PAIBAN_DATA_DIR": str(folder / "data"),
            "DATABASE_URL": url,
            "REDIS_URL": redis.url,
            "SECRET_KEY": secrets.token_urlsafe(50),
            "PAIBAN_SIGNING_KEY": secrets.token_urlsafe(64),
            "PAIBAN_WELCOME_CREDITS": "1000000",
            "PAIBAN_LOG_LEVEL": "WARNING",
        }
        yield
    if is_server:
        statement(given, f"DROP DATABASE {name}")


def statement(url: str, text: str) -> None:
    import MySQLdb  # type: ignore[import-untyped]

    at = urlsplit(url)
    login = {"host": at.hostname, "port": at.port or 3306, "user": at.username, "passwd": at.password or ""}
    connection = MySQLdb.connect(**login)
    connection.cursor().execute(text)
    connection.close()


def furnish(tasks: int) -> float:
    """Feature, users, and the runs in the queue; seconds that a run took to be asked for."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from apps.accounts.models import User
    from apps.features.models import Feature, MenuGroup
    from apps.features.services import publish_feature
    from apps.pipelines.models import Pipeline
    from apps.providers.models import Endpoint, Offer
    from apps.providers.services import release_catalogue
    from apps.tasks.services import create_task

    limits = {"max_concurrency": 500, "rpm": 10_000_000, "tpm": 2_000_000_000}
    row = Endpoint.objects.create(key="bench", name="Bench", handler_key="mock", base_url="", **limits)
    Offer.objects.create(endpoint=row, model=MODEL, capabilities=["chat"])
    release_catalogue(by=None)
    text = {"type": "object", "properties": {"text": {"type": "string"}}}
    menu = MenuGroup.objects.create(key="bench", title="Bench")
    pipeline = Pipeline.objects.create(key=FEATURE, name="Bench", graph=graph())
    fields = {"menu": menu, "cost": 1, "pipeline": pipeline, "form_schema": text, "output_schema": text}
    Feature.objects.create(key=FEATURE, title="Bench", **fields)
    publish_feature(FEATURE, by=None)
    users = [User.objects.create_user(username=f"user-{number}", password=None) for number in range(USERS)]
    began = time.perf_counter()
    for number in range(tasks):
        create_task(users[number % USERS], feature=FEATURE, given={"text": f"Number {number}"})
    return (time.perf_counter() - began) / tasks


@contextmanager
def running(folder: Path, workers: int) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """The workers; beside them a dispatcher."""
    from ops.processes import start_child

    commands = [["manage.py", "dispatcher"]]
    commands += [
        [*WORKER, "--concurrency", "8", "--queues", "pipelines", "--hostname", f"w{n}@%h", *QUIET]
        for n in range(workers)
    ]
    with (folder / "log").open("wb") as log:
        children = [start_child([sys.executable, *command], stdout=log, cwd=ROOT) for command in commands]
        try:
            yield children[1:]
        finally:
            for child in children:
                child.terminate()
            for child in children:
                child.wait(60)


def await_the_end(tasks: int, workers: list["subprocess.Popen[bytes]"]) -> float:
    """Seconds of CPU that the workers took when everything had ended."""
    from apps.tasks.models import TERMINAL, Task

    deadline = time.monotonic() + PATIENCE_SECONDS
    while Task.objects.filter(status__in=TERMINAL).count() < tasks:
        if time.monotonic() > deadline or any(worker.poll() is not None for worker in workers):
            raise SystemExit("the runs do not come to an end")
        time.sleep(0.5)
    return sum(cpu_of(worker.pid) for worker in workers)


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def report(tasks: int, workers: int, asked: float, cpu: float) -> None:
    from django.conf import settings
    from django.db import connection
    from django.db.models import Max, Min

    from apps.tasks.models import Status, Task

    ended = Task.objects.filter(status=Status.SUCCEEDED)
    assert ended.count() == tasks, f"{tasks - ended.count()} runs did not succeed"
    span = ended.aggregate(first=Min("started_at"), last=Max("finished_at"))
    seconds = (span["last"] - span["first"]).total_seconds()
    at_once = min(workers * settings.TASK_SLOTS, USERS * settings.TASK_PER_USER)
    rounds = -(-tasks // at_once)  # the last round has empty slots, which is no fault of the worker's
    limit = tasks / (rounds * CALLS * SECONDS) * 60
    rate = tasks / seconds * 60
    print(
        f"{connection.vendor}: {tasks} runs in {seconds:.1f} s, {rate:.0f} a minute, {rate / limit:.2f} of the limit "
        f"({limit:.0f} with {at_once} at once); {cpu / tasks * 1000:.0f} ms of the workers' CPU a run "
        f"({cpu / seconds:.2f} cores, with their start); asked for in {asked * 1000:.1f} ms each; "
        f"load {os.getloadavg()[0]:.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="paiban-bench-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        with environment(folder):
            asked = furnish(options.tasks)
            with running(folder, options.workers) as workers:
                cpu = await_the_end(options.tasks, workers)
            report(options.tasks, options.workers, asked, cpu)
            from django.db import connection

            connection.close()


if __name__ == "__main__":
    main()
