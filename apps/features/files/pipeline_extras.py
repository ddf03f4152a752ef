"""What a pipeline's file holds beside its own fields: saved cases. Pins name stored files, and stay at home."""

from typing import Any

from apps.features.files.canonical_yaml import ordered
from apps.pipelines.models import Pipeline, PipelineCase
from apps.pipelines.services.cases import FIELDS


def extras_of(pipeline: Pipeline) -> dict[str, Any]:
    """`cases` in the order of their names."""
    return {"cases": [ordered(case.as_judged()) for case in sorted(pipeline.cases.all(), key=lambda case: case.name)]}


def write_extras(pipeline: Pipeline, document: dict[str, Any], *, by: Any, reason: str) -> None:
    """Make the cases what `document` says, if it speaks of them. Called in the import's transaction."""
    if "cases" not in document:
        return
    known = {case.name: case for case in PipelineCase.objects.filter(pipeline=pipeline)}
    for told in document["cases"]:
        _write(known.get(told["name"]) or PipelineCase(pipeline=pipeline), told, by, reason)
    for name in known.keys() - {told["name"] for told in document["cases"]}:
        known[name]._history_user = by  # type: ignore[attr-defined]  # simple-history's documented attribute
        known[name].delete()


def _write(case: PipelineCase, told: dict[str, Any], by: Any, reason: str) -> None:
    if case.pk and ordered(case.as_judged()) == ordered(told):
        return
    case.revision += 1 if case.pk else 0
    for field in FIELDS:
        setattr(case, field, told[field])
    row: Any = case  # simple-history's documented attributes
    row._history_user, row._change_reason = by, reason
    case.save()
