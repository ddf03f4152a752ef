"""What a pipeline was."""

from typing import Any

from django.db.models import QuerySet

from apps.core.errors import NotFound
from apps.pipelines.models import Pipeline


def history_of(pipeline: Pipeline) -> "QuerySet[Any]":
    """The entries, the newest first, each with who made it."""
    entries: QuerySet[Any] = Pipeline.history.filter(id=pipeline.pk)
    return entries.select_related("history_user").order_by("-history_id")


def entry_of(pipeline: Pipeline, number: int) -> Any:
    """One entry of this pipeline. Raises `NotFound`."""
    found = history_of(pipeline).filter(history_id=number).first()
    if found is None:
        raise NotFound()
    return found
