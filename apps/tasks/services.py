"""Claim, renew, finish and cancel tasks. Each is one transaction that checks who owns the task."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.core import failpoints, states
from apps.core.config import NotReleased, reader
from apps.core.errors import ApiError
from apps.core.events.bell import ring
from apps.core.outbox.services import enqueue
from apps.core.storage.models import StoredFile
from apps.core.transactions import retry_on_conflict
from apps.features.fields import visible_values
from apps.features.publishing import SCOPE
from apps.quotas.errors import BudgetExhausted
from apps.quotas.services import commit_hold, release_hold
from apps.tasks import events
from apps.tasks.creating import RUN_JOB, create_task, file_problems, runnable
from apps.tasks.errors import LeaseLost, TaskEnded, TaskPoisoned, TaskUnknown
from apps.tasks.models import TERMINAL, TRANSITIONS, Question, Status, Task
from apps.tasks.shares import FREED, has_room, tell_of_place

__all__ = [
    "RUN_JOB",
    "cancel",
    "cancel_task",
    "cancel_topic",
    "claim_task",
    "create_task",
    "file_problems",
    "finish_task",
    "get_for",
    "hand_back",
    "renew_lease",
    "runnable",
    "stored_files",
    "sweep",
]

log = structlog.get_logger("tasks")

SWEEP_BATCH = 200

POINTS = failpoints.declare(
    "tasks.cancel.written",
    "tasks.cancel.committed",
    "tasks.claim.written",
    "tasks.claim.committed",
    "tasks.finish.written",
    "tasks.finish.committed",
    "tasks.hand_back.written",
    "tasks.sweep.written",
)


def get_for(user: Any, task_id: str) -> Task:
    """The user's own task. Raises `TaskUnknown` for a foreign or unknown id."""
    try:
        wanted = uuid.UUID(str(task_id))
    except ValueError as exc:
        raise TaskUnknown() from exc
    found = Task.objects.owned_by(user).filter(pk=wanted).first()
    if found is None:
        raise TaskUnknown()
    return found


@retry_on_conflict
def claim_task(task_id: str, *, owner: str) -> Task | None:
    """Take the task for `owner`, or None when it is not due, in other hands, or ended.

    Concurrency: one conditional update; every claim grows the fencing token, so the former owner's writes miss. None,
    too, while as many runs of the same user are under way as may be at once: claims of one user take turns.
    A task that was claimed too often without finishing a step is failed as poison, and None answered.
    """
    now = timezone.now()
    with transaction.atomic():
        rows = Task.objects.claimable().filter(pk=task_id)
        if not has_room(rows) or not states.move(
            rows,
            TRANSITIONS,
            to=Status.RUNNING,
            lease_owner=owner,
            lease_until=now + timedelta(seconds=settings.TASK_LEASE_SECONDS),
            fencing_token=F("fencing_token") + 1,
            attempts=F("attempts") + 1,
            stalled_claims=F("stalled_claims") + 1,
            started_at=Coalesce("started_at", now),
            event_seq=F("event_seq") + 1,
        ):
            return None
        task = Task.objects.select_related("user").get(pk=task_id)
        _count_pause(task, now)
        events.log(task, "running", {"attempt": task.attempts})
        failpoints.hit("tasks.claim.written")
    failpoints.hit("tasks.claim.committed")
    if task.stalled_claims > settings.TASK_MAX_ATTEMPTS:
        poison = TaskPoisoned(times=settings.TASK_MAX_ATTEMPTS)
        finish_task(task, to=Status.FAILED, error=poison)
        return None
    return task


def _count_pause(task: Task, now: datetime) -> None:
    """What the run waited for people and clocks is no time that it took."""
    if task.paused_at is not None:
        task.paused_seconds += max((now - task.paused_at).total_seconds(), 0)
        task.paused_at = None
        Task.objects.filter(pk=task.pk).update(paused_seconds=task.paused_seconds, paused_at=None)


def renew_lease(task: Task) -> bool:
    """Keep the task for another lease; False when it is no longer ours."""
    until = timezone.now() + timedelta(seconds=settings.TASK_LEASE_SECONDS)
    return bool(Task.objects.filter(pk=task.pk).held_by(task.fencing_token).update(lease_until=until))


def hand_back(owner: str) -> int:
    """Let go of everything `owner` holds, and tell the others, so that they take it at once; returns how many.

    A worker that stops is no fault of its runs: the claim does not count towards those that make a run poison.
    """
    rows = Task.objects.filter(status=Status.RUNNING, lease_owner=owner)
    with transaction.atomic():
        first = rows.values_list("pk", flat=True).first()
        fewer = Case(When(stalled_claims__gt=0, then=F("stalled_claims") - 1), default=0)
        # Nobody owns it from here on, so that a heartbeat that was under way does not take it again.
        held = rows.update(lease_owner="", lease_until=timezone.now(), stalled_claims=fewer)
        if first is not None:
            enqueue(RUN_JOB, str(first))  # whoever hears it takes all that there is to do
        failpoints.hit("tasks.hand_back.written")
    if held:
        ring(FREED)
    return held


@retry_on_conflict
def finish_task(
    task: Task,
    *,
    to: str,
    output: dict[str, Any] | None = None,
    error: ApiError | None = None,
    **changes: Any,
) -> None:
    """End the task: state, charge or release, and the one terminal event, in one transaction.

    Raises `LeaseLost` when the task is no longer this claim's; nothing is written then.
    """
    told = _told(error) | {"requestId": task.request_id} if error else None
    rows = Task.objects.filter(pk=task.pk, fencing_token=task.fencing_token, status=Status.RUNNING)
    shown = _shown(task, output) if output else output
    with transaction.atomic():
        _end(task, rows, to=to, shown=shown, output=output, error=told, **changes)
        failpoints.hit("tasks.finish.written")
    failpoints.hit("tasks.finish.committed")


def _told(error: ApiError) -> dict[str, Any]:
    """What is kept of an error; of a budget's also which one it was and until when, as its own answer says."""
    return error.as_dict() | ({"details": error.details} if isinstance(error, BudgetExhausted) else {})


def _shown(task: Task, output: dict[str, Any]) -> dict[str, Any]:
    """What the task's events may say of its output: its owner reads them."""
    try:
        payload = reader.version(SCOPE, task.feature, task.version)
    except NotReleased:
        return output
    shown: dict[str, Any] = visible_values(output, payload["output"]["schema"], task.user.role_names)
    return shown


@retry_on_conflict
def cancel_task(user: Any, task_id: str) -> Task:
    """Cancel the user's task at once; a worker that has it loses it. Raises `TaskUnknown` or `TaskEnded`."""
    cancel(get_for(user, task_id))
    return get_for(user, task_id)


def cancel(task: Task) -> None:
    """Cancel the task, in whatever state it is; whoever calls it has looked at who asks. Raises `TaskEnded`."""
    with transaction.atomic():
        try:
            _end(task, Task.objects.filter(pk=task.pk), to=Status.CANCELLED)
        except LeaseLost as exc:
            raise TaskEnded() from exc
        transaction.on_commit(lambda: ring(cancel_topic(task.pk)))
        failpoints.hit("tasks.cancel.written")
    failpoints.hit("tasks.cancel.committed")


def cancel_topic(task_id: Any) -> str:
    """The bell that tells a worker its task was cancelled."""
    return f"cancel:{task_id}"


def _end(task: Task, rows: Any, *, to: str, shown: dict[str, Any] | None = None, **changes: Any) -> None:
    """Move to a terminal state. The state is what serialises the enders, so the hold is resolved once."""
    kept = {name: value for name, value in changes.items() if value is not None}
    if to == Status.SUCCEEDED:
        kept["progress"] = 1.0
    if not states.move(
        rows,
        TRANSITIONS,
        to=to,
        finished_at=timezone.now(),
        lease_until=None,
        event_seq=F("event_seq") + 1,
        **kept,
    ):
        raise LeaseLost()
    if to == Status.SUCCEEDED:
        commit_hold(str(task.pk), task.cost)
    else:
        release_hold(str(task.pk))
        Question.objects.filter(task=task, answered_at__isnull=True).update(answered_at=timezone.now())
    data = {"output": shown} if to == Status.SUCCEEDED else {"error": kept.get("error")}
    events.log(task, to, data)
    tell_of_place(task)
    log.info(
        "task.ended",
        task=str(task.pk),
        feature=task.feature,
        status=to,
        errCode=(kept.get("error") or {}).get("code"),
    )


def sweep() -> int:
    """Wake workers for tasks that wait too long or whose worker is gone; returns how many. Idempotent and bounded."""
    now = timezone.now()
    patience = now - timedelta(seconds=settings.TASK_REQUEUE_SECONDS)
    found = Task.objects.claimable().filter(woken_at__lt=patience).values_list("pk", "woken_at")[:SWEEP_BATCH]
    woken = 0
    for pk, woken_at in list(found):
        with transaction.atomic():
            # Two sweepers at once: the one whose update matches the old stamp wakes, the other does not.
            if Task.objects.filter(pk=pk, woken_at=woken_at).exclude(status__in=TERMINAL).update(woken_at=now):
                enqueue(RUN_JOB, str(pk))
                woken += 1
            failpoints.hit("tasks.sweep.written")
    if woken:
        log.warning("tasks.swept", count=woken)
    return woken


def stored_files(task: Task) -> dict[str, StoredFile]:
    """Every file that the task's input and output name, by id, as far as its owner has them."""
    values = map(_named_by, [*task.input.values(), *(task.output or {}).values()])
    named = [v for v in values if _is_uuid(v)]
    found = StoredFile.objects.filter(pk__in=named, owner_id=task.user_id) if named else []
    return {str(stored.pk): stored for stored in found}


def _named_by(value: Any) -> Any:
    """What may be a file's id: the value itself, or what stands in for a value that is too large for its row."""
    return value.get("$file") if isinstance(value, Mapping) else value


def _is_uuid(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(uuid.UUID(value))
    except ValueError:
        return False
