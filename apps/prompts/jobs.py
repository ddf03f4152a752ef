"""Celery tasks: thin shells that wake the services up."""

import threading
from typing import Any, Final

from celery import shared_task, signals

from apps.prompts.services.runs import RUN_JOB, wake_soon
from apps.prompts.worker import stop_working, work_on

MOST_AT_ONCE: Final = 3  # of one process: a run takes a thread for as long as it lasts, and people's tasks wait for one

_places = threading.BoundedSemaphore(MOST_AT_ONCE)


@shared_task(name=RUN_JOB)
def run(run_id: int) -> None:
    """Work on one run, if it is still there to be claimed and this process has a place for it."""
    if not _places.acquire(blocking=False):
        wake_soon(run_id)
        return
    try:
        work_on(run_id)
    finally:
        _places.release()


@signals.worker_shutting_down.connect
def _hand_back(**kwargs: Any) -> None:
    """A worker that stops lets go of its runs, so that others need not wait for the lease to lapse."""
    stop_working()
