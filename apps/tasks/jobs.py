"""Celery tasks: thin shells that wake the services up."""

from typing import Any

from celery import shared_task, signals

from apps.core import aio
from apps.tasks import services
from apps.tasks.runner import let_go_of_all, run_task


@shared_task(name=services.RUN_JOB)
def run(task_id: str) -> None:
    """Run one task, if it is still there to be claimed."""
    aio.run(run_task(task_id))


@signals.worker_shutting_down.connect
def _hand_back(**kwargs: Any) -> None:
    """A worker that stops lets go of its tasks, so that others need not wait for the lease to lapse."""
    aio.run(let_go_of_all(), timeout=8)
