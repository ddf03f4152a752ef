"""A map over 10,000 items with the real journal: how long, how much memory, and whether other runs wait for it.

Beside it a run of two steps is asked for every half second; how late each is says whether the map stands in the way.
Then a second map is cancelled in the middle: how long until nothing more of it is done.
Run: `.venv/bin/python -m bench.map_items`; `DATABASE_URL=mysql://…` chooses the server, in a database of its own.
"""

import os
import statistics
import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from bench.throughput import environment, running

ITEMS: Final = 10_000
PATIENCE_SECONDS: Final = 900.0
LATE_SECONDS: Final = 0.5  # between two of the small runs


def line(*nodes: dict[str, Any]) -> dict[str, Any]:
    names = [node["id"] for node in nodes]
    edges = [{"source": a, "target": b} for a, b in pairwise(names)]
    return {"nodes": list(nodes), "edges": edges}


def furnish() -> Any:
    """The features `many` and `small`, and their user."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from apps.accounts.models import User
    from apps.features.models import Feature, MenuGroup
    from apps.features.services import publish_feature
    from apps.pipelines.models import Pipeline

    start = {"id": "start", "type": "start"}
    end = {"id": "end", "type": "end", "inputs": {"text": "{{ start.text }}"}}
    takes = {"type": "object", "properties": {"item": {"type": "integer"}, "index": {"type": "integer"}}}
    inner = line(
        {**start, "config": {"schema": takes}},
        {"id": "twice", "type": "transform", "config": {"language": "jmespath", "expression": "{n: item}"},
         "inputs": {"item": "{{ start.item }}"}},
        {"id": "end", "type": "end", "inputs": {"n": "{{ twice.n }}"}},
    )  # fmt: skip
    config = {"pipeline": "one", "concurrency": 20, "max_items": ITEMS}
    many = line(start, {"id": "each", "type": "map", "config": config, "inputs": {"items": "{{ start.items }}"}}, end)
    word, number = {"type": "string"}, {"type": "integer"}
    text = {"type": "object", "properties": {"text": word}}
    items = {"type": "array", "maxItems": ITEMS, "items": number}
    form = {"type": "object", "properties": {"text": word, "items": items}}
    menu = MenuGroup.objects.create(key="bench", title="Bench")
    Pipeline.objects.create(key="one", name="One", graph=inner)
    for key, graph, schema in (("many", many, form), ("small", line(start, end), text)):
        pipeline = Pipeline.objects.create(key=key, name=key, graph=graph)
        fields = {"menu": menu, "cost": 1, "pipeline": pipeline, "form_schema": schema, "output_schema": text}
        Feature.objects.create(key=key, title=key, **fields)
        publish_feature(key, by=None)
    return User.objects.create_user(username="bench", password=None)


class Small:
    """Asks for small runs until it is told to stop."""

    def __init__(self, user: Any) -> None:
        self._user, self._over = user, threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> "Small":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        from apps.tasks.services import create_task

        while not self._over.wait(LATE_SECONDS):
            create_task(self._user, feature="small", given={"text": "small"})

    def seconds(self) -> list[float]:
        """From asking to the end, of each."""
        from apps.tasks.models import Status, Task

        wait(lambda: not Task.objects.filter(feature="small", finished_at=None).exists())
        ended = Task.objects.filter(feature="small", status=Status.SUCCEEDED, input__text="small")
        return [(task.finished_at - task.created_at).total_seconds() for task in ended if task.finished_at]


def wait(condition: Any) -> float:
    """Seconds until `condition` holds."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > PATIENCE_SECONDS:
            raise SystemExit("it does not come to an end")
        time.sleep(0.05)
    return time.monotonic() - began


def memory_of(pid: int, what: str) -> float:
    """MB, by /proc."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(one.split()[1] for one in lines if one.startswith(what))) / 1000


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="paiban-bench-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        with environment(folder):
            user = furnish()
            with running(folder, 1) as (worker,):
                measure(user, worker.pid)
            from django.db import connection

            connection.close()


def measure(user: Any, pid: int) -> None:
    from django.db import connection

    from apps.tasks.models import StepRun, Task
    from apps.tasks.services import cancel_task, create_task

    def steps(task: Task) -> int:
        return StepRun.objects.filter(task=task, status="succeeded").count()

    def ended(task: Task) -> bool:
        return Task.objects.get(pk=task.pk).is_terminal

    first = create_task(user, feature="small", given={"text": "first"})
    wait(lambda: ended(first))
    before = memory_of(pid, "VmRSS")
    given = {"text": "many", "items": list(range(ITEMS))}
    with Small(user) as small:
        task = create_task(user, feature="many", given=given)
        took = wait(lambda: ended(task))
    late = small.seconds()
    kept = Task.objects.get(pk=task.pk)
    most = memory_of(pid, "VmHWM")
    cancelled = create_task(user, feature="many", given=given)
    wait(lambda: steps(cancelled) > ITEMS / 10)
    cancel_task(user, str(cancelled.pk))
    began = time.monotonic()
    left = steps(cancelled)
    while time.monotonic() - began < 5:
        time.sleep(0.25)
        if (now := steps(cancelled)) != left:
            left, last = now, time.monotonic()
            print(f"  a step was kept {last - began:.2f} s after the cancel")
    print(
        f"{connection.vendor}: {ITEMS} items {kept.status} in {took:.1f} s ({took / ITEMS * 1000:.2f} ms each), "
        f"{steps(kept)} rows, worker {before:.0f} MB before, {most:.0f} MB at the most; {len(late)} small runs beside "
        f"it: median {statistics.median(late):.2f} s, slowest {max(late):.2f} s; cancelled after {left} rows, none "
        f"after that; load {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    main()
