"""Runs in the state in which a worker would have left them."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.tasks import events
from apps.tasks.models import Status, StepRun, Task


def make_step(task: Task, path: str, kind: str, output: Any, *, status: str = "succeeded", **more: Any) -> StepRun:
    """A step that took a second."""
    now = timezone.now()
    times = {"started_at": now - timedelta(seconds=1), "finished_at": now}
    kept = {"node": path.rsplit("/", 1)[-1], "type": kind, "status": status, "output": output, **times}
    return StepRun.objects.create(task=task, path=path, **{**kept, **more})


def log(task: Task, kind: str, data: dict[str, Any]) -> None:
    """One more event."""
    with transaction.atomic():
        events.advance(task, Task.objects.all())
        events.log(task, kind, data)


def log_step(task: Task, path: str, kind: str, status: str) -> None:
    """What is said of a step."""
    log(task, "step", {"node": path, "path": path, "type": kind, "title": path.title(), "status": status})


def end(task: Task, status: str, **result: Any) -> None:
    """The run is over."""
    now = timezone.now()
    changes = {"status": status, "finished_at": now, "started_at": now - timedelta(seconds=2), **result}
    Task.objects.filter(pk=task.pk).update(**changes)
    log(task, status, {"output": result.get("output"), "error": result.get("error")})
    task.refresh_from_db()
    assert task.status == Status(status)
