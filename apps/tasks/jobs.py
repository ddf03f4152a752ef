"""Celery tasks: thin shells that wake the services up."""

import asyncio
from typing import Any

from celery import shared_task, signals

from apps.core import aio
from apps.tasks import services, slots
from apps.tasks.runner import let_go_of_all
from apps.tasks.trials import retention


@shared_task(name=services.RUN_JOB)
def run(task_id: str) -> None:
    """Something is due. The database says what, not the message; this thread does not wait for it."""
    asyncio.run_coroutine_threadsafe(slots.fill(), aio.background_loop())


@shared_task(name="tasks.purge_trials")
def purge_trials() -> None:
    """Drop trials and replays past their time, and what only they needed."""
    retention.purge()


@signals.worker_ready.connect
def _listen(**kwargs: Any) -> None:
    """A worker hears of places that become free elsewhere."""
    asyncio.run_coroutine_threadsafe(slots.listen(), aio.background_loop())


@signals.worker_shutting_down.connect
def _hand_back(**kwargs: Any) -> None:
    """A worker that stops lets go of its tasks, so that others need not wait for the lease to lapse."""
    aio.run(_let_go(), timeout=8)


async def _let_go() -> None:
    await let_go_of_all()
    await slots.idle()  # a claim that was under way is handed back by whoever made it
