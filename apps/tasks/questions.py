"""Runs that wait: for people, who are asked once and answer once, and for the clock."""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.core import failpoints, states
from apps.core.errors import Forbidden
from apps.core.events.bell import ring
from apps.core.form_input import field_errors, file_fields, with_defaults
from apps.core.outbox.services import enqueue
from apps.core.permissions import allows
from apps.core.storage.models import StoredFile
from apps.core.transactions import retry_on_conflict
from apps.pipelines.engine.ports import Paused
from apps.tasks import events
from apps.tasks.errors import (
    AlreadyAnswered,
    AnswerInvalid,
    AnswerTooLate,
    LeaseLost,
    QuestionUnknown,
    TaskEnded,
    TaskUnknown,
)
from apps.tasks.models import TERMINAL, TRANSITIONS, Kind, Question, Status, StepRun, Task
from apps.tasks.services import RUN_JOB, file_problems, get_for
from apps.tasks.shares import tell_of_place

__all__ = ["answer_question", "close_overdue", "open_questions", "pause_task", "wake_due"]

log = structlog.get_logger("tasks")

POINTS = failpoints.declare(
    "tasks.wait.written",
    "tasks.wait.committed",
    "tasks.answer.written",
    "tasks.answer.committed",
    "tasks.wake.written",
)

ANSWER_FOR_STAFF: Final = "pipelines:run"
TRY: Final = "pipelines:write"
BATCH: Final = 200
FOR_GOOD: Final = timedelta(days=400)  # longer than any question stays open; the answer wakes the run before
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
AFTER_WAITING: Final = timedelta(days=7)  # how long files outlive the wait


def answers_topic(task_id: Any) -> str:
    """The bell that tells a running worker that a question was answered."""
    return f"answers:{task_id}"


@retry_on_conflict
def pause_task(task: Task, paused: Paused) -> None:
    """Let go of a run that waits, and have it wake. Raises `LeaseLost` when it is no longer this claim's.

    An answer that came before the run was let go wakes it at once: both take the task's row first.
    """
    now = timezone.now()
    wake = paused.until or now + FOR_GOOD
    with transaction.atomic():
        if not states.move(
            Task.objects.filter(pk=task.pk).held_by(task.fencing_token),
            TRANSITIONS,
            to=Status.WAITING_INPUT if paused.asks else Status.QUEUED,
            run_after=wake,
            woken_at=wake,
            lease_owner="",
            lease_until=None,
            stalled_claims=0,
            paused_at=now,
        ):
            raise LeaseLost()
        _keep_files(task, until=wake)
        if paused.asks and _was_answered(task):
            _wake(Task.objects.filter(pk=task.pk))
        elif not paused.asks:
            enqueue(RUN_JOB, str(task.pk), due_at=wake)
        tell_of_place(task)
        failpoints.hit("tasks.wait.written")
    failpoints.hit("tasks.wait.committed")
    log.info("task.paused", task=str(task.pk), asks=paused.asks, until=wake.isoformat())


def _was_answered(task: Task) -> bool:
    answered = Question.objects.filter(task=task, answered_at__isnull=False).values_list("path", flat=True)
    steps = [path.split("!", 1)[0] for path in answered]
    return StepRun.objects.filter(task=task, path__in=steps, status=StepRun.Status.WAITING).exists()


def _keep_files(task: Task, *, until: datetime) -> None:
    """What the run has in hand is not dropped while it waits."""
    last = max(Question.objects.filter(task=task).values_list("deadline_at", flat=True), default=until)
    outputs = StepRun.objects.filter(task=task).values_list("output", flat=True)
    named = set(_UUID.findall(json.dumps([task.input, *outputs])))
    files = StoredFile.objects.filter(pk__in=named, owner_id=task.user_id, expires_at__lt=last + AFTER_WAITING)
    files.update(expires_at=min(last, timezone.now() + FOR_GOOD) + AFTER_WAITING)


def _wake(rows: Any) -> bool:
    """Put the waiting task of `rows` back into the queue; False when it does not wait."""
    task_id, now = rows.values_list("pk", flat=True).first(), timezone.now()
    waiting = rows.filter(status=Status.WAITING_INPUT)
    if task_id is None or not states.move(waiting, TRANSITIONS, to=Status.QUEUED, run_after=now, woken_at=now):
        return False
    enqueue(RUN_JOB, str(task_id))
    return True


# --- answers ----------------------------------------------------------------------------------


def open_questions(task: Task, *, who: str = Question.Who.OWNER) -> list[Question]:
    """What `who` is asked now."""
    if task.is_terminal:
        return []
    return list(Question.objects.filter(task=task, who=who, answered_at__isnull=True))


@retry_on_conflict
def answer_question(
    user: Any, task_id: str, path: str, *, given: Mapping[str, Any], option: str = "", now: datetime | None = None
) -> Task:
    """Answer a question of a run, and let it go on.

    Whoever asked for the run answers what it asks its owner; staff with `pipelines:run` answers what it asks the staff.
    Raises `TaskUnknown`, `QuestionUnknown`, `Forbidden`, `AnswerInvalid` with a pointer per field, `AlreadyAnswered`,
    `AnswerTooLate`, `TaskEnded`; nothing is changed then.
    """
    now = now or timezone.now()
    task, question = _asked(user, task_id, path)
    values = _checked(user, question, given, option)
    with transaction.atomic():
        # The task's row first, as everywhere: it is what answers, pauses and cancels take turns at.
        if not events.advance(task, Task.objects.exclude(status__in=TERMINAL)):
            raise TaskEnded()
        still_open = Question.objects.filter(pk=question.pk, answered_at__isnull=True, deadline_at__gt=now)
        if not still_open.update(answer=values, option=option, answered_by=user, answered_at=now):
            raise _refusal(question)
        events.log(task, "answered", {"node": path, "path": path, "option": option})
        if not _wake(Task.objects.filter(pk=task.pk)):
            transaction.on_commit(lambda: ring(answers_topic(task.pk)))
        failpoints.hit("tasks.answer.written")
    failpoints.hit("tasks.answer.committed")
    log.info("task.answered", task=str(task.pk), path=path, option=option)
    return Task.objects.select_related("user").get(pk=task.pk)


def _asked(user: Any, task_id: str, path: str) -> tuple[Task, Question]:
    """The question, if `user` may answer it."""
    helps = allows(user, ANSWER_FOR_STAFF)
    try:
        task = get_for(user, task_id)
    except TaskUnknown:
        found = Question.objects.filter(task_id=_as_id(task_id), path=path).select_related("task").first()
        if found is None or not ((found.who == Question.Who.STAFF and helps) or _tries(user, found.task)):
            raise
        return found.task, found
    question = Question.objects.filter(task=task, path=path).first()
    if question is None:
        raise QuestionUnknown()
    if question.who == Question.Who.STAFF and not helps:
        raise Forbidden()
    return task, question


def _tries(user: Any, task: Task) -> bool:
    """Whether it is a trial or replay of the user's own; what those ask, their owner answers."""
    return task.kind != Kind.LIVE and task.user_id == user.pk and allows(user, TRY)


def _as_id(task_id: str) -> str:
    return task_id if _UUID.fullmatch(str(task_id)) else "00000000-0000-0000-0000-000000000000"


def _checked(user: Any, question: Question, given: Mapping[str, Any], option: str) -> dict[str, Any]:
    """The answer with the form's defaults. Raises `AnswerInvalid`."""
    values = with_defaults(question.form, given)
    problems = [{**one, "pointer": f"/answer{one['pointer']}"} for one in field_errors(question.form, values)]
    for name in file_fields(question.form):
        if values.get(name):
            problems += [
                {**one, "pointer": f"/answer{one['pointer']}"} for one in file_problems(user, name, str(values[name]))
            ]
    if (question.options or option) and option not in question.options:
        problems.append({"pointer": "/option", "code": "enum", "message": AnswerInvalid.no_option()})
    if problems:
        raise AnswerInvalid(details={"errors": problems})
    return values


def _refusal(question: Question) -> Exception:
    question.refresh_from_db()
    late = question.timed_out or question.answered_at is None
    return AnswerTooLate() if late else AlreadyAnswered()


# --- by the clock -----------------------------------------------------------------------------


def close_overdue(*, now: datetime | None = None) -> int:
    """Close questions that nobody answered in time, and let their runs go on; returns how many. Idempotent, bounded."""
    now = now or timezone.now()
    overdue = Question.objects.filter(answered_at__isnull=True, deadline_at__lte=now).select_related("task")
    return sum(_close(question, now) for question in overdue.order_by("deadline_at")[:BATCH])


@retry_on_conflict
def _close(question: Question, now: datetime) -> bool:
    task = question.task
    option = question.default if question.on_timeout == "option" else ""
    with transaction.atomic():
        alive = events.advance(task, Task.objects.exclude(status__in=TERMINAL))
        still_open = Question.objects.filter(pk=question.pk, answered_at__isnull=True)
        closed = still_open.update(answered_at=now, option=option, timed_out=True)
        if not (alive and closed):
            transaction.set_rollback(alive)  # a number of the log was taken that nothing stands under
            return False
        events.log(task, "answered", {"node": question.path, "path": question.path, "option": option, "late": True})
        if not _wake(Task.objects.filter(pk=task.pk)):
            transaction.on_commit(lambda: ring(answers_topic(task.pk)))
        failpoints.hit("tasks.wake.written")
    return True


def wake_due(*, now: datetime | None = None) -> int:
    """Wake runs that wait for a person and, beside that, for a time that has come; returns how many."""
    now = now or timezone.now()
    woken = 0
    due = Task.objects.filter(Q(status=Status.WAITING_INPUT), run_after__lte=now).values_list("pk", flat=True)[:BATCH]
    for pk in list(due):
        with transaction.atomic():
            woken += _wake(Task.objects.filter(pk=pk, run_after__lte=now))
    return woken


def look_after() -> int:
    """What the timer does."""
    return close_overdue() + wake_due()
