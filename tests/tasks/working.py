"""A worker inside the test process: what is queued is run at once, in the background loop."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction

from apps.core import aio
from apps.tasks import creating
from apps.tasks.runner import run_task


@contextmanager
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every task is run as soon as it is committed; all of them have ended when the block is left."""
    running: list[Future[Any]] = []

    def run(task_id: str) -> None:
        running.append(asyncio.run_coroutine_threadsafe(run_task(task_id), aio.background_loop()))

    monkeypatch.setattr(creating, "enqueue", lambda _job, task_id: transaction.on_commit(lambda: run(task_id)))
    try:
        yield
    finally:
        for future in running:
            future.result(20)
