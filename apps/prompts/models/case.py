"""Examples that a prompt has to master."""

from typing import Any

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
