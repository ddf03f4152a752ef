"""Examples that a prompt has to master, and what came of trying them."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from apps.prompts.models.prompt import Prompt


class PromptCase(models.Model):
    """One row is one example: values for the variables, and checks of the answer, as data."""

    prompt = models.ForeignKey(Prompt, verbose_name=_("prompt"), on_delete=models.CASCADE, related_name="cases")
    name = models.CharField(_("name"), max_length=120)
    values = models.JSONField(_("values"), default=dict, blank=True, help_text=_("By variable, as JSON."))
    checks = models.JSONField(
        _("checks"),
        default=list,
        blank=True,
        help_text=_('Of the answer, for example [{"type": "contains", "value": "cup"}].'),
    )
    gated = models.BooleanField(
        _("gate"), default=True, help_text=_("A release asks for a run in which this case passed.")
    )
    revision = models.PositiveIntegerField(default=1, editable=False)
    history = HistoricalRecords(cascade_delete_history=False)

    class Meta:
        verbose_name = _("saved case")
        verbose_name_plural = _("saved cases")
        constraints = [models.UniqueConstraint(fields=["prompt", "name"], name="prompt_case_once")]
        ordering = ["prompt", "name"]

    def __str__(self) -> str:
        return self.name

    def as_judged(self) -> dict[str, Any]:
        """What a run of it depends on."""
        return {"name": self.name, "values": self.values, "checks": self.checks, "gated": self.gated}


class CaseRun(models.Model):
    """One row is one run of a prompt's cases: of exactly this content, on this model, by these cases. Append-only."""

    prompt = models.ForeignKey(Prompt, verbose_name=_("prompt"), on_delete=models.CASCADE, related_name="case_runs")
    reference = models.CharField(_("reference"), max_length=110)
    content_sha256 = models.CharField(max_length=64)  # the prompt with everything it includes
    cases_sha256 = models.CharField(max_length=64)  # the cases and what they must reach
    model = models.CharField(_("model"), max_length=200)
    passed = models.BooleanField(_("passed"))
    share = models.PositiveSmallIntegerField(_("passed, in %"))
    p95_ms = models.PositiveIntegerField(_("latency of 95 %, in ms"))
    cost_micro = models.PositiveBigIntegerField(_("cost in micro-credits"), null=True)
    reasons = models.JSONField(default=list)  # why it did not pass, in stable words
    results = models.JSONField(default=list)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(_("at"), auto_now_add=True)

    class Meta:
        verbose_name = _("run of cases")
        verbose_name_plural = _("runs of cases")
        # The gate asks for the newest run of one content on one model.
        indexes = [models.Index(fields=["prompt", "content_sha256", "model", "-id"], name="case_run_of_content")]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.reference} · {self.model}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk:
            raise TypeError("a run of cases is append-only")
        super().save(*args, **kwargs)
