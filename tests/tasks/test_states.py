"""The table of legal moves, and what stands behind it in the database."""

from datetime import timedelta
from itertools import product

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.core import states
from apps.tasks.models import TERMINAL, TRANSITIONS, Event, Status, Task
from tests.tasks.builders import make_feature, make_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def task(member):
    make_feature()
    return make_task(member)


def _put(task: Task, status: str) -> None:
    Task.objects.filter(pk=task.pk).update(status=status, finished_at=timezone.now() if status in TERMINAL else None)


@pytest.mark.parametrize(("old", "new"), list(product(Status, Status)))
def test_move__every_pair__follows_the_table(task, old, new):
    _put(task, old)
    finished = timezone.now() if new in TERMINAL else None

    moved = states.move(Task.objects.filter(pk=task.pk), TRANSITIONS, to=new, finished_at=finished)

    assert moved is (new in TRANSITIONS[old])
    task.refresh_from_db()
    assert task.status == (new if moved else old)


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_move__terminal__is_final(status):
    assert TRANSITIONS[status] == frozenset()


@pytest.mark.parametrize(
    ("status", "finished"),
    [(Status.SUCCEEDED, None), (Status.RUNNING, timezone.now()), (Status.QUEUED, timezone.now())],
)
def test_finished_at__contradicts_status__refused_by_the_database(task, status, finished):
    with pytest.raises(IntegrityError), transaction.atomic():
        Task.objects.filter(pk=task.pk).update(status=status, finished_at=finished)


def test_ending__second_terminal_event__refused_by_the_database(task):
    Event.objects.create(task=task, seq=2, type="failed", ending=1)

    with pytest.raises(IntegrityError), transaction.atomic():
        Event.objects.create(task=task, seq=3, type="succeeded", ending=1)


def test_claimable__queued_later__not_yet(task):
    Task.objects.filter(pk=task.pk).update(run_after=timezone.now() + timedelta(minutes=1))

    assert not Task.objects.claimable().exists()
