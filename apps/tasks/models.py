"""Tasks: a user's runs of released features, their steps and their event log."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.states import Transitions


class Status(models.TextChoices):
    QUEUED = "queued", _("waiting")
    RUNNING = "running", _("running")
    WAITING_INPUT = "waiting_input", _("needs an answer")
    SUCCEEDED = "succeeded", _("done")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


TERMINAL = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED})
_ENDED = sorted(status.value for status in TERMINAL)  # a set's order would make every migration look changed

# Running to running is a takeover: another worker, a new fencing token.
TRANSITIONS: Transitions = {
    Status.QUEUED: frozenset({Status.RUNNING, Status.FAILED, Status.CANCELLED}),
    Status.RUNNING: frozenset(
        {
            Status.RUNNING,
            Status.QUEUED,
            Status.WAITING_INPUT,
            Status.SUCCEEDED,
            Status.FAILED,
            Status.CANCELLED,
        }
    ),
    Status.WAITING_INPUT: frozenset({Status.QUEUED, Status.FAILED, Status.CANCELLED}),
    Status.SUCCEEDED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELLED: frozenset(),
}


class TaskQuerySet(QuerySet["Task"]):
    """The reading vocabulary of tasks."""

    def claimable(self) -> "TaskQuerySet":
        """Due and not in anybody's hands."""
        now = timezone.now()
        waiting = Q(status=Status.QUEUED, run_after__lte=now)
        abandoned = Q(status=Status.RUNNING, lease_until__lt=now)
        return self.filter(waiting | abandoned)

    def owned_by(self, user: Any) -> "TaskQuerySet":
        """The tasks of `user`; of those, what the API key may know of that the user came with."""
        grant = getattr(user, "key_grant", None)
        own = self.filter(user=user)
        return own if grant is None or grant.features is None else own.filter(feature__in=grant.features)

    def held_by(self, token: int) -> "TaskQuerySet":
        """Still running under this fencing token."""
        return self.filter(status=Status.RUNNING, fencing_token=token)


class Task(models.Model):
    """One row is one run. The lease says who works on it; the fencing token makes late writers harmless."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="tasks")
    # The API key it was asked for with, whose budget its models count against. Plain: the run outlives the key.
    key_id = models.BigIntegerField(null=True, editable=False)
    feature = models.CharField(_("feature"), max_length=64)
    version = models.PositiveIntegerField(_("version"))
    status = models.CharField(_("status"), max_length=16, choices=Status.choices, default=Status.QUEUED)
    input = models.JSONField(default=dict)
    output = models.JSONField(null=True, blank=True)
    error = models.JSONField(null=True, blank=True)
    progress = models.FloatField(default=0.0)
    cost = models.PositiveIntegerField(_("price"), default=0)
    usage_model = models.CharField(_("model"), max_length=120, blank=True)
    mock = models.BooleanField(default=False)
    request_id = models.CharField(max_length=64, blank=True)
    language = models.CharField(max_length=10, default="en")

    attempts = models.PositiveIntegerField(default=0)
    stalled_claims = models.PositiveIntegerField(default=0)  # claims since the last finished step
    fencing_token = models.PositiveIntegerField(default=0)
    lease_owner = models.CharField(max_length=100, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    run_after = models.DateTimeField(default=timezone.now)
    woken_at = models.DateTimeField(default=timezone.now)  # when a worker was last told of it
    event_seq = models.PositiveIntegerField(default=0)

    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        indexes = [
            models.Index(fields=["user", "-created_at", "-id"], name="task_owner_list"),
            models.Index(fields=["user", "status", "-created_at", "-id"], name="task_owner_status"),
            models.Index(fields=["status", "-created_at", "-id"], name="task_operator_list"),
            models.Index(fields=["status", "lease_until"], name="task_sweep"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=_ENDED, finished_at__isnull=False)
                | (~Q(status__in=_ENDED) & Q(finished_at__isnull=True)),
                name="task_finished_iff_terminal",
            )
        ]

    def __str__(self) -> str:
        return f"{self.feature} {self.id}"

    @property
    def is_terminal(self) -> bool:
        return self.status in TERMINAL


class StepRun(models.Model):
    """One row is one step of a run: a checkpoint that a resumed run does not repeat."""

    class Status(models.TextChoices):
        RUNNING = "running", _("running")
        SUCCEEDED = "succeeded", _("done")
        FAILED = "failed", _("failed")
        SKIPPED = "skipped", _("not needed")

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="steps")
    node = models.CharField(max_length=40)
    iteration = models.PositiveIntegerField(default=0)
    type = models.CharField(max_length=32)
    status = models.CharField(max_length=10, choices=Status.choices)
    attempts = models.PositiveIntegerField(default=1)
    output = models.JSONField(null=True)
    branch = models.CharField(max_length=16, blank=True)
    usage = models.JSONField(default=dict)
    error = models.JSONField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "node", "iteration"], name="step_once")]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.node}: {self.status}"


class Event(models.Model):
    """One row is one thing that happened, numbered without gaps within its task."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveIntegerField()
    type = models.CharField(max_length=16)
    data = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)
    # 1 on the event that ended the task, NULL on all others: the unique key lets a task end once.
    ending = models.PositiveSmallIntegerField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "seq"], name="event_seq_once"),
            models.UniqueConstraint(fields=["task", "ending"], name="event_ending_once"),
        ]
        ordering = ["task", "seq"]

    def __str__(self) -> str:
        return f"{self.seq} {self.type}"
