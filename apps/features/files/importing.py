"""Brings files into the drafts. Nothing is published, and what is not in the files stays."""

from pathlib import Path
from typing import Any

import structlog
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError, StaleRevision
from apps.core.transactions import retry_on_conflict
from apps.features.files import pipeline_extras, prompt_extras
from apps.features.files.kinds import FEATURES, PIPELINES, PROMPTS, Kind
from apps.features.files.plan import Plan, Step, make_plan
from apps.pipelines.models import Status

log = structlog.get_logger("features")

REASON = "config import"
REASON_LENGTH = 100  # of simple-history's column


class ImportConflict(ApiError):
    code, reason, status, retryable = "FEATURES_2021", "E_IMPORT_CONFLICT", 409, True
    message = _("Somebody else changed the same drafts at the same moment. Nothing was imported; run it again.")


@retry_on_conflict
def import_files(root: Path, *, by: Any, note: str = "") -> Plan:
    """Make the drafts what the files below `root` say, in one transaction; returns what was done.

    Every changed draft grows its revision and leaves a history row with `by` and the reason. Raises `FilesRefused`
    and `ImportConflict`; nothing is changed then. Concurrency: a draft that changes after it was compared is a
    conflict, not overwritten.
    """
    try:
        with transaction.atomic():
            plan = make_plan(root)
            for step in plan.writing:
                _write(step, by=by, reason=f"{REASON}: {note}"[:REASON_LENGTH] if note else REASON)
    except (StaleRevision, IntegrityError) as exc:
        raise ImportConflict() from exc
    log.info("config.imported", created=len(plan.names("create")), changed=len(plan.names("change")))
    return plan


def _write(step: Step, *, by: Any, reason: str) -> None:
    row: Any = step.kind.model() if step.row is None else _claimed(step)
    for attribute, value in step.kind.attributes(step.document).items():
        setattr(row, attribute, value)
    for place, kind in step.kind.relations.items():
        setattr(row, step.kind.fields[place], _related(kind, step.document[place]))
    if step.kind is PIPELINES:
        row.status, row.updated_by = Status.DRAFT, by  # nobody here has said of this that it is ready
    if step.kind.versioned:
        row._history_user, row._change_reason = by, reason
    if step.kind is FEATURES and step.row is not None:
        _set_roles(row, step.document, quietly=True)
    row.save()
    if step.kind is PROMPTS:
        prompt_extras.write_extras(row, step.document, by=by, reason=reason)
    if step.kind is PIPELINES:
        pipeline_extras.write_extras(row, step.document, by=by, reason=reason)
    if step.kind is FEATURES and step.row is None:
        _set_roles(row, step.document)


def _claimed(step: Step) -> Any:
    """The draft at its next revision, for this transaction to change. Raises `StaleRevision`."""
    model, pk = step.kind.model, step.row.pk
    seen = model._default_manager.filter(pk=pk, **_as_seen(step.kind, step.row))
    # Menu groups have no revision: they are written only if they still hold what was compared.
    claim: dict[str, Any] = {"revision": F("revision") + 1} if step.kind.versioned else {"key": step.key}
    if not seen.update(**claim):
        raise StaleRevision()
    return model._default_manager.get(pk=pk)


def _as_seen(kind: Kind, row: Any) -> dict[str, Any]:
    if kind.versioned:
        return {"revision": row.revision}
    return {attribute: getattr(row, attribute) for attribute in kind.fields.values()}


def _related(kind: Kind, key: str) -> Any:
    return kind.model._default_manager.get(key=key)


def _set_roles(row: Any, document: dict[str, Any], *, quietly: bool = False) -> None:
    """`quietly`: the row is saved next, and that history row holds the roles too."""
    if quietly:
        row.skip_history_when_saving = True
    row.roles.set(Group.objects.filter(name__in=document["roles"]))
    if quietly:
        del row.skip_history_when_saving
