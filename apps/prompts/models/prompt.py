"""Prompt templates: drafts. What is live stands in the snapshot of the feature that uses them."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords


class Prompt(models.Model):
    """One row is one prompt: a system text and a user text, both Liquid, with declared variables."""

    key = models.SlugField(_("key"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=120)
    system = models.TextField(_("system text"), blank=True)
    body = models.TextField(_("user text"), help_text=_("Liquid: {{ variable }}, {% if %}, filters. No code runs."))
    variables = models.JSONField(
        _("variables"),
        default=list,
        help_text=_('Declared, for example [{"name": "product", "required": true}].'),
    )
    revision = models.PositiveIntegerField(default=1, editable=False)
    history = HistoricalRecords(cascade_delete_history=False)

    class Meta:
        verbose_name = _("prompt")
        verbose_name_plural = _("prompts")
        ordering = ["key"]

    def __str__(self) -> str:
        return self.name

    def as_released(self) -> dict[str, Any]:
        """What a run needs of the prompt."""
        return {"system": self.system, "body": self.body, "variables": self.variables}
