"""The catalogue: drafts of the features that front ends show."""

from typing import Any

from django.contrib.auth.models import Group
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from apps.pipelines.models import Pipeline

key_validator = RegexValidator(r"^[a-z0-9][a-z0-9-]*$", _("Use lower-case letters, digits and hyphens."))

ICONS = ["image", "pen", "sparkles", "chat", "wand", "document", "grid", "camera", "layers", "bolt"]


def _in_language(row: "MenuGroup | Feature") -> str:
    """The draft's title for whoever reads it now."""
    return (get_language() == "zh-hans" and row.title_zh) or row.title


class MenuGroup(models.Model):
    """One row is a heading of the menu."""

    key = models.SlugField(_("key"), max_length=64, unique=True)
    title = models.CharField(_("title"), max_length=80)
    title_zh = models.CharField(_("title (Chinese)"), max_length=80, blank=True)
    order = models.IntegerField(_("order"), default=100)

    class Meta:
        verbose_name = _("menu group")
        verbose_name_plural = _("menu groups")
        ordering = ["order", "key"]

    def __str__(self) -> str:
        return _in_language(self)


class Feature(models.Model):
    """One row is the draft of one feature. What is live is its released snapshot."""

    key = models.SlugField(_("key"), max_length=64, unique=True, validators=[key_validator])
    title = models.CharField(_("title"), max_length=80)
    title_zh = models.CharField(_("title (Chinese)"), max_length=80, blank=True)
    description = models.CharField(_("description"), max_length=300, blank=True)
    description_zh = models.CharField(_("description (Chinese)"), max_length=300, blank=True)
    icon = models.CharField(_("icon"), max_length=20, choices=[(i, i) for i in ICONS], default="sparkles")
    menu = models.ForeignKey(MenuGroup, on_delete=models.PROTECT, verbose_name=_("menu group"), related_name="features")
    order = models.IntegerField(_("order"), default=100)
    enabled = models.BooleanField(_("shown in the menu"), default=True)
    roles = models.ManyToManyField(
        Group,
        blank=True,
        verbose_name=_("roles"),
        help_text=_("Who sees and runs it. Empty: everybody who signs in."),
    )
    cost = models.PositiveIntegerField(_("price (credits per run)"), null=True, blank=True)
    form_schema = models.JSONField(_("form"), default=dict, help_text=_("JSON Schema 2020-12 of the input."))
    ui_schema = models.JSONField(_("form appearance"), default=dict, blank=True)
    output_schema = models.JSONField(_("output"), default=dict, help_text=_("JSON Schema 2020-12 of the result."))
    output_ui = models.JSONField(_("output appearance"), default=dict, blank=True)
    table = models.JSONField(
        _("columns of the list of runs"),
        default=list,
        blank=True,
        help_text=_('Names of form or result fields, for example ["name", "text"]. Empty: chosen by Paiban.'),
    )
    degrade = models.JSONField(
        _("degrade policy"),
        default=dict,
        blank=True,
        help_text=_("What to do when a model is not available: another model, lower quality, or a notice of waiting."),
    )
    needs_approval = models.BooleanField(
        _("needs a second person"),
        default=False,
        help_text=_("A release of this feature waits until somebody else has approved it."),
    )
    pipeline = models.ForeignKey(
        Pipeline, on_delete=models.PROTECT, verbose_name=_("pipeline"), related_name="features"
    )
    revision = models.PositiveIntegerField(default=1, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    history = HistoricalRecords(cascade_delete_history=False, m2m_fields=[roles])

    class Meta:
        verbose_name = _("feature")
        verbose_name_plural = _("features")
        ordering = ["menu__order", "order", "key"]
        permissions = [
            ("publish_feature", "Can publish features"),
            ("rollback_feature", "Can roll features back"),
            ("run_feature", "Can run features whatever the role"),
        ]

    def __str__(self) -> str:
        return _in_language(self)

    def titles(self) -> dict[str, Any]:
        """Title and description by language."""
        return {
            "title": {"en": self.title, "zh-hans": self.title_zh or self.title},
            "description": {"en": self.description, "zh-hans": self.description_zh or self.description},
        }
