"""Pipelines: drafts of the graph that a feature runs."""

from typing import Final

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

# Words of the management API's addresses: `pipelines/nodes` is no pipeline.
ADDRESSES: Final = ("nodes", "parts", "describe", "validate")
key_validator = RegexValidator(
    rf"^(?!(?:{'|'.join(ADDRESSES)})\Z)",
    _("“nodes”, “parts”, “describe” and “validate” are no keys: choose another one."),
)


class Status(models.TextChoices):
    """Whether somebody said of exactly this graph that it is ready; a change takes that back."""

    DRAFT = "draft", _("draft")
    READY = "ready", _("ready")


class Pipeline(models.Model):
    """One row is one graph of nodes. Drafts may be invalid; what is ready, and releases, may not."""

    key = models.SlugField(_("key"), max_length=64, unique=True, validators=[key_validator])
    name = models.CharField(_("name"), max_length=120)
    graph = models.JSONField(_("graph"), default=dict)
    # Where boxes, groups and notes stand. It is never released, and moving a box is no new revision.
    layout = models.JSONField(_("layout"), default=dict, blank=True)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.DRAFT, editable=False)
    revision = models.PositiveIntegerField(default=1, editable=False)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    history = HistoricalRecords(cascade_delete_history=False, excluded_fields=["updated_at", "updated_by"])

    class Meta:
        verbose_name = _("pipeline")
        verbose_name_plural = _("pipelines")
        ordering = ["key"]
        permissions = [("run_pipeline", "Can try pipelines on real models and tools")]

    def __str__(self) -> str:
        return self.name
