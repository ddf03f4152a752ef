"""Prompt templates: drafts. What is live stands in the snapshot of the feature that uses them."""

from typing import Any, cast

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from apps.prompts.problems import draft_problems

# Words of the management API's addresses: `prompts/words` is no prompt.
key_validator = RegexValidator(r"^(?!(?:preview|words)\Z)", _("“preview” and “words” are no keys: choose another one."))

ALL = 100  # % of the cases


class Prompt(models.Model):
    """One row is one prompt: a system text and a user text, both Liquid, with declared variables."""

    key = models.SlugField(_("key"), max_length=64, unique=True, validators=[key_validator])
    name = models.CharField(_("name"), max_length=120)
    system = models.TextField(_("system text"), blank=True)
    body = models.TextField(_("user text"), help_text=_("Liquid: {{ variable }}, {% if %}, filters. No code runs."))
    variables = models.JSONField(
        _("variables"),
        default=list,
        blank=True,
        help_text=_('Declared, for example [{"name": "product", "required": true}].'),
    )
    model_defaults = models.JSONField(
        _("model defaults"),
        default=dict,
        blank=True,
        help_text=_('What trial runs and saved cases ask, for example {"model": "gpt-5", "temperature": 0.2}.'),
    )
    # What its gated cases must reach before a feature with this prompt is published.
    gate_share = models.PositiveSmallIntegerField(
        _("share of cases that must pass, in %"), default=ALL, blank=True, validators=[MaxValueValidator(100)]
    )
    gate_p95_ms = models.PositiveIntegerField(_("latency that 95 % of cases keep, in ms"), null=True, blank=True)
    gate_cost_micro = models.PositiveBigIntegerField(
        _("cost of all cases together, in micro-credits"), null=True, blank=True
    )
    revision = models.PositiveIntegerField(default=1, editable=False)
    # The highest number a version of this prompt ever had; a deleted version's number is not given again.
    last_version = models.PositiveIntegerField(default=0, editable=False)
    history = HistoricalRecords(cascade_delete_history=False, excluded_fields=["last_version"])

    class Meta:
        verbose_name = _("prompt")
        verbose_name_plural = _("prompts")
        ordering = ["key"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Raises `ValidationError` by field for what `draft_problems` finds. A form may leave the share empty: all."""
        if cast("int | None", self.gate_share) is None:
            self.gate_share = ALL
        found: dict[str, list[ValidationError]] = {}
        for problem in draft_problems(self.as_released(), self.model_defaults):
            field = problem.pointer.split("/")[1]
            place = problem.pointer.removeprefix(f"/{field}").strip("/")
            words = f"{place}: {problem.message}" if place else problem.message
            found.setdefault(field, []).append(ValidationError(words, code=problem.code))
        if found:
            raise ValidationError(found)

    def as_released(self) -> dict[str, Any]:
        """What a run needs of the prompt."""
        return {"system": self.system, "body": self.body, "variables": self.variables}
