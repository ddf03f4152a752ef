"""Pipelines: drafts of the graph that a feature runs."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords


class Pipeline(models.Model):
    """One row is one graph of nodes. Drafts may be invalid; releases may not."""

    key = models.SlugField(_("key"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=120)
    graph = models.JSONField(_("graph"), default=dict)
    revision = models.PositiveIntegerField(default=1, editable=False)
    history = HistoricalRecords(cascade_delete_history=False)

    class Meta:
        verbose_name = _("pipeline")
        verbose_name_plural = _("pipelines")
        ordering = ["key"]
        permissions = [("run_pipeline", "Can try pipelines on real models and tools")]

    def __str__(self) -> str:
        return self.name
