"""Tasks: a user's runs of released features, their steps and their event log."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.states import Transitions
from apps.pipelines.engine.ports import MAX_PATH


class Status(models.TextChoices):
    QUEUED = "queued", _("waiting")
    RUNNING = "running", _("running")
    WAITING_INPUT = "waiting_input", _("needs an answer")
    SUCCEEDED = "succeeded", _("done")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


class Kind(models.TextChoices):
    LIVE = "live", _("run")
    TRIAL = "trial", _("trial run")
    REPLAY = "replay", _("replay")


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

    def live(self) -> "TaskQuerySet":
        """Runs that people asked for: no trials, no replays."""
        return self.filter(kind=Kind.LIVE)

    def owned_by(self, user: Any) -> "TaskQuerySet":
        """The runs of `user`; of those, what the API key may know of that the user came with."""
        grant = getattr(user, "key_grant", None)
        own = self.live().filter(user=user)
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
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices, default=Kind.LIVE)
    # What a trial or replay runs: {"frozen": sha256} names a row of `Frozen`, {"snapshot": id} a release. A live run
    # has none: its feature and version say it.
    source = models.JSONField(null=True, blank=True)
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
    # What a run waited for people and clocks does not count against the time it may take.
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_seconds = models.FloatField(default=0.0)

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
            models.Index(fields=["kind", "-created_at", "-id"], name="task_kind_list"),
            models.Index(fields=["status", "lease_until"], name="task_sweep"),
            models.Index(fields=["status", "run_after"], name="task_due"),
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


class Frozen(models.Model):
    """One row is the body of something that was never released and still has to be run: a draft, as it was then."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    body = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.sha256[:12]


class StepRun(models.Model):
    """One row is one step of a run, by its path: a checkpoint that a resumed run does not repeat."""

    class Status(models.TextChoices):
        RUNNING = "running", _("running")
        WAITING = "waiting", _("waiting")
        SUCCEEDED = "succeeded", _("done")
        FAILED = "failed", _("failed")
        SKIPPED = "skipped", _("not needed")

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="steps")
    path = models.CharField(max_length=MAX_PATH)
    node = models.CharField(max_length=40)  # the last id of the path
    iteration = models.PositiveIntegerField(default=0)  # the number of the innermost item of a map
    type = models.CharField(max_length=32)
    status = models.CharField(max_length=10, choices=Status.choices)
    attempts = models.PositiveIntegerField(default=1)
    inputs = models.JSONField(null=True)
    output = models.JSONField(null=True)
    branch = models.CharField(max_length=40, blank=True)
    usage = models.JSONField(default=dict)
    error = models.JSONField(null=True)
    went_on = models.BooleanField(default=False)  # it failed, and the run followed its way `error`
    reused = models.BooleanField(default=False)  # its result was given: a pin, or a step of another run
    wake_at = models.DateTimeField(null=True)  # it sleeps until then, or did
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "path"], name="step_path_once")]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.path}: {self.status}"


class Effect(models.Model):
    """One row is one call that a step makes outside the installation. It is written before the call is sent, so that
    whoever goes on after a crash knows that it may have happened.
    """

    class Status(models.TextChoices):
        INTENT = "intent", _("sent")
        DONE = "done", _("answered")
        FAILED = "failed", _("failed")
        UNKNOWN = "unknown", _("outcome unknown")

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="effects")
    path = models.CharField(max_length=MAX_PATH)
    no = models.PositiveIntegerField()  # of the call within its step
    kind = models.CharField(max_length=10)
    address = models.CharField(max_length=200)
    request_sha256 = models.CharField(max_length=64)
    repeatable = models.BooleanField(default=False)
    status = models.CharField(max_length=10, choices=Status.choices)
    response = models.JSONField(null=True)
    usage = models.JSONField(default=dict)
    error = models.JSONField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "path", "no"], name="effect_once")]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.path}:{self.no} {self.address}: {self.status}"


class Question(models.Model):
    """One row is one question of a run to a person. It is closed once: by an answer, or by its deadline."""

    class Who(models.TextChoices):
        OWNER = "owner", _("whoever asked for the run")
        STAFF = "staff", _("the staff")

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="questions")
    path = models.CharField(max_length=MAX_PATH)
    node = models.CharField(max_length=40)
    title = models.JSONField(default=str)
    form = models.JSONField(default=dict)
    ui = models.JSONField(default=dict)
    options = models.JSONField(default=list)
    who = models.CharField(max_length=8, choices=Who.choices, default=Who.OWNER)
    on_timeout = models.CharField(max_length=8, default="fail")
    default = models.CharField(max_length=40, blank=True)
    asked_at = models.DateTimeField(auto_now_add=True)
    deadline_at = models.DateTimeField()
    answer = models.JSONField(null=True)
    option = models.CharField(max_length=40, blank=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    answered_at = models.DateTimeField(null=True)
    timed_out = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["answered_at", "deadline_at"], name="question_due")]
        constraints = [models.UniqueConstraint(fields=["task", "path"], name="question_once")]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.path}: {'open' if self.answered_at is None else self.option}"


class Share(models.Model):
    """One row is one user's part of the workers. Claims of one user take turns at it, so that counting what runs and
    taking one more is one step on every database.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="+")
    claims = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.pk}: {self.claims}"


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
