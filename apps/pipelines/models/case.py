"""What is kept of trials: outputs of single nodes, and whole examples that a pipeline has to master."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from apps.pipelines.models.pipeline import Pipeline


class PipelinePin(models.Model):
    """One row is an output of one node that trials may use in its place."""

    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="pins")
    node = models.CharField(_("node"), max_length=40)
    name = models.CharField(_("name"), max_length=120)
    output = models.JSONField(_("output"), default=dict)
    files = models.JSONField(_("files"), default=list, blank=True)  # the ids of stored files that the output names
    sha256 = models.CharField(max_length=64)  # of the output
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(_("saved"), auto_now_add=True)

    class Meta:
        verbose_name = _("pin of a pipeline")
        verbose_name_plural = _("pins of pipelines")
        constraints = [models.UniqueConstraint(fields=["pipeline", "name"], name="pipeline_pin_once")]
        ordering = ["pipeline", "name"]

    def __str__(self) -> str:
        return self.name


class PipelineCase(models.Model):
    """One row is one example: an input, what stands in for nodes and for the outside, and checks of the result."""

    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="cases")
    name = models.CharField(_("name"), max_length=120)
    input = models.JSONField(_("input"), default=dict, blank=True)
    pins = models.JSONField(_("pins"), default=dict, blank=True)  # names of pins by node
    mocks = models.JSONField(_("mocks"), default=dict, blank=True)  # outputs by node
    checks = models.JSONField(_("checks"), default=list, blank=True)
    gated = models.BooleanField(_("gate"), default=True)
    revision = models.PositiveIntegerField(default=1, editable=False)
    history = HistoricalRecords(cascade_delete_history=False)

    class Meta:
        verbose_name = _("case of a pipeline")
        verbose_name_plural = _("cases of pipelines")
        constraints = [models.UniqueConstraint(fields=["pipeline", "name"], name="pipeline_case_once")]
        ordering = ["pipeline", "name"]

    def __str__(self) -> str:
        return self.name

    def as_judged(self) -> dict[str, Any]:
        """What a run of it depends on; also what a file of configuration holds of it."""
        names = ("name", "input", "pins", "mocks", "checks", "gated")
        return {name: getattr(self, name) for name in names}
