"""Runs of saved cases: ordered, worked on in the background, ended once."""

from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.states import Transitions
from apps.prompts.models.prompt import Prompt


class RunStatus(models.TextChoices):
    QUEUED = "queued", _("waiting")
    RUNNING = "running", _("running")
    FINISHED = "finished", _("finished")
    CANCELLED = "cancelled", _("cancelled")
    FAILED = "failed", _("broken off")


OPEN: Final = frozenset({RunStatus.QUEUED, RunStatus.RUNNING})
RUN_TRANSITIONS: Final[Transitions] = {
    # From running to running: another worker takes over a run whose worker is gone.
    RunStatus.QUEUED: frozenset({RunStatus.RUNNING, RunStatus.CANCELLED, RunStatus.FAILED}),
    RunStatus.RUNNING: frozenset(
        {RunStatus.RUNNING, RunStatus.FINISHED, RunStatus.CANCELLED, RunStatus.FAILED},
    ),
    RunStatus.FINISHED: frozenset(),
    RunStatus.CANCELLED: frozenset(),
    RunStatus.FAILED: frozenset(),
}


class CaseRunQuerySet(models.QuerySet["CaseRun"]):
    """The reading vocabulary of runs."""

    def opened(self) -> "CaseRunQuerySet":
        """Not ended yet."""
        return self.filter(status__in=OPEN)

    def claimable(self) -> "CaseRunQuerySet":
        """Waiting for a worker, or in the hands of one that is gone."""
        gone = Q(status=RunStatus.RUNNING, lease_until__lt=timezone.now())
        return self.filter(Q(status=RunStatus.QUEUED) | gone)

    def forgotten(self, *, seconds: float) -> "CaseRunQuerySet":
        """Claimable, and nobody was woken for it for so long."""
        return self.claimable().filter(woken_at__lt=timezone.now() - timedelta(seconds=seconds))

    def held_by(self, token: int) -> "CaseRunQuerySet":
        """Still running under this fencing token."""
        return self.filter(status=RunStatus.RUNNING, fencing_token=token)

    def for_list(self) -> "CaseRunQuerySet":
        """With who ordered them and the answers so far, without what was frozen."""
        return self.select_related("by", "prompt").prefetch_related("answers").defer("plan")


class CaseRun(models.Model):
    """One row is one run of a prompt's cases: of exactly this content, on this model, by these cases.

    `plan` is what the run works by, frozen when it was ordered: texts, cases, thresholds. `results` and the figures are
    there once it has ended; until then the answers so far are rows of their own.
    """

    prompt = models.ForeignKey(Prompt, verbose_name=_("prompt"), on_delete=models.CASCADE, related_name="case_runs")
    reference = models.CharField(_("reference"), max_length=110)
    # The saved version that held this text when the run was ordered; None: a draft that was saved as none.
    version = models.PositiveIntegerField(_("version"), null=True, blank=True)
    content_sha256 = models.CharField(max_length=64)  # the prompt with everything it includes
    cases_sha256 = models.CharField(max_length=64)  # the cases and what they must reach
    model = models.CharField(_("model"), max_length=200)
    status = models.CharField(_("status"), max_length=10, choices=RunStatus.choices, default=RunStatus.QUEUED)
    total = models.PositiveSmallIntegerField(_("cases"), default=0)
    done = models.PositiveSmallIntegerField(_("answered"), default=0)
    passed = models.BooleanField(_("passed"), default=False)
    share = models.PositiveSmallIntegerField(_("passed, in %"), default=0)
    p95_ms = models.PositiveIntegerField(_("latency of 95 %, in ms"), default=0)
    cost_micro = models.PositiveBigIntegerField(_("cost in micro-credits"), null=True)
    reasons = models.JSONField(default=list)  # why it did not pass, in stable words
    results = models.JSONField(default=list)
    error = models.JSONField(null=True, default=None)  # what broke it off
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(_("at"), auto_now_add=True)
    started_at = models.DateTimeField(null=True, default=None)
    ended_at = models.DateTimeField(null=True, default=None)
    # --- how it is worked on ---
    plan = models.JSONField(default=dict)
    language = models.CharField(max_length=10, blank=True, default="")
    # Of prompt, model and plan, while the run is open: of two orders for just the same there is one run.
    open_key = models.CharField(max_length=64, null=True, default=None, unique=True)  # noqa: DJ001 - NULLs are not alike
    lease_until = models.DateTimeField(null=True, default=None)
    fencing_token = models.PositiveIntegerField(default=0)
    stalled_claims = models.PositiveSmallIntegerField(default=0)  # since the last answer
    woken_at = models.DateTimeField(default=timezone.now)

    objects = CaseRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("run of cases")
        verbose_name_plural = _("runs of cases")
        indexes = [
            # The gate asks for the newest run of one content on one model.
            models.Index(fields=["prompt", "content_sha256", "model", "-id"], name="case_run_of_content"),
            # The sweeper asks every few seconds for what nobody works on.
            models.Index(fields=["status", "woken_at"], name="case_run_to_wake"),
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.reference} · {self.model}"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def percent(self) -> int:
        """How far it is."""
        return self.done * 100 // self.total if self.total else 0

    @property
    def results_so_far(self) -> list[dict[str, Any]]:
        """The results, or while it runs those that are there, in the order of the cases."""
        return [answer.result for answer in self.answers.all()] if self.is_open else self.results


class CaseAnswer(models.Model):
    """One row is the result of one case in a run that goes on; what goes on after a break never asks for it again."""

    run = models.ForeignKey(CaseRun, on_delete=models.CASCADE, related_name="answers")
    position = models.PositiveSmallIntegerField()  # of the case in the run's plan
    result = models.JSONField()

    class Meta:
        verbose_name = _("answer of a run")
        verbose_name_plural = _("answers of runs")
        constraints = [models.UniqueConstraint(fields=["run", "position"], name="case_answer_once")]
        ordering = ["run", "position"]

    def __str__(self) -> str:
        return f"{self.run_id} · {self.position}"
