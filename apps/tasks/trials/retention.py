"""How long trials and replays are kept: some days after they ended, with everything that was written of them.

Runs that people asked for are never touched. Files have times of their own: see `core.storage`.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.core.transactions import retry_on_conflict
from apps.tasks.models import Frozen, Kind, Task

log = structlog.get_logger("tasks")

T = TypeVar("T")

KINDS: Final = (Kind.TRIAL, Kind.REPLAY)
BATCH: Final = 20  # in one transaction: one alone may have 20,000 rows, and other writers of SQLite wait for it
MOST: Final = 5000  # of one look, which takes a worker's thread


def purge(*, now: datetime | None = None) -> int:
    """Delete trials and replays that ended longer ago than the setting says, at most `MOST`; returns how many.

    One stays while a replay of it is kept. What a trial ran goes with the last trial that names it.
    """
    if not settings.TRIAL_DAYS:
        return 0
    before = (now or timezone.now()) - timedelta(days=settings.TRIAL_DAYS)
    deleted = 0
    while deleted < MOST and (found := _unneeded(before)[: MOST - deleted]):
        for batch in _batched(found, BATCH):
            _delete(batch)
        deleted += len(found)
    bodies = _drop_bodies(before)
    if deleted or bodies:
        log.info("trials.purged", count=deleted, bodies=bodies)
    return deleted


def _unneeded(before: datetime) -> list[UUID]:
    """Those past their time that no kept replay repeats."""
    old = Task.objects.filter(kind__in=KINDS, created_at__lt=before, finished_at__lt=before)
    repeated = Task.objects.filter(kind=Kind.REPLAY).values_list("source__of", flat=True)
    needed = {str(task_id) for task_id in repeated.iterator()}
    return [pk for pk in old.values_list("pk", flat=True).iterator() if str(pk) not in needed]


@retry_on_conflict
def _delete(ids: Sequence[UUID]) -> None:
    with transaction.atomic():
        Task.objects.filter(pk__in=ids).delete()


def _drop_bodies(before: datetime) -> int:
    """Delete frozen bodies that no kept trial names. One that is about to be named was freshened, and is younger."""
    rows = Task.objects.filter(kind__in=KINDS).values_list("source__frozen", flat=True)
    named = {str(sha256) for sha256 in rows.iterator() if sha256}
    old = Frozen.objects.filter(created_at__lt=before)
    idle = [sha256 for sha256 in old.values_list("pk", flat=True) if sha256 not in named]
    return sum(old.filter(pk__in=batch).delete()[0] for batch in _batched(idle, BATCH))


def _batched(values: list[T], size: int) -> Iterator[list[T]]:
    """`values` in their order, `size` at a time."""
    return (values[start : start + size] for start in range(0, len(values), size))
