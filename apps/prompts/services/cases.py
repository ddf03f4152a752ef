"""Saved cases: write them."""

from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet

from apps.core.errors import InvalidRequest, NotFound, StaleRevision
from apps.prompts.checking import case_mistakes
from apps.prompts.errors import CaseInvalid, CaseNameTaken, TooManyCases
from apps.prompts.models import PromptCase
from apps.prompts.services.drafts import draft

MAX_CASES: Final = 50  # of one prompt: a run asks the model once for each
EDITABLE: Final = frozenset({"name", "values", "checks", "gated"})


def cases_of(key: str) -> QuerySet[PromptCase]:
    """The prompt's cases by name. Raises `NotFound`."""
    return PromptCase.objects.filter(prompt=draft(key)).select_related("prompt")


def case_of(key: str, case_id: int) -> PromptCase:
    """One case of the prompt. Raises `NotFound`."""
    found = cases_of(key).filter(pk=case_id).first()
    if found is None:
        raise NotFound()
    return found


def create_case(key: str, fields: Mapping[str, Any], *, by: Any) -> PromptCase:
    """A new case at revision 1.

    Raises `CaseInvalid` with every mistake, `CaseNameTaken`, `TooManyCases`, `InvalidRequest` for unknown fields.
    """
    prompt = draft(key)
    if prompt.cases.count() >= MAX_CASES:
        raise TooManyCases(limit=MAX_CASES)
    case = PromptCase(prompt=prompt)
    try:
        with transaction.atomic():
            _write(case, fields, by=by)
    except IntegrityError as exc:
        raise CaseNameTaken(name=case.name) from exc
    return case


def update_case(key: str, case_id: int, changes: Mapping[str, Any], *, expected_revision: int, by: Any) -> PromptCase:
    """Change a case. Raises as `create_case`, and `StaleRevision`. Concurrency: the revision is claimed first."""
    try:
        with transaction.atomic():
            case = _claimed(key, case_id, expected_revision)
            _write(case, changes, by=by)
    except IntegrityError as exc:
        raise CaseNameTaken(name=case.name) from exc
    return case


def delete_case(key: str, case_id: int, *, expected_revision: int, by: Any) -> None:
    """Delete a case; its history stays. Raises `StaleRevision`, `NotFound`."""
    with transaction.atomic():
        case = _claimed(key, case_id, expected_revision)
        case._history_user = by  # type: ignore[attr-defined]  # simple-history's documented attribute
        case.delete()


def _claimed(key: str, case_id: int, expected: int) -> PromptCase:
    rows = PromptCase.objects.filter(prompt__key=key, pk=case_id)
    if not PromptCase.objects.filter(pk__in=list(rows.values_list("pk", flat=True)), revision=expected).update(
        revision=F("revision") + 1
    ):
        raise StaleRevision(details={"revision": case_of(key, case_id).revision})
    return case_of(key, case_id)


def _write(case: PromptCase, fields: Mapping[str, Any], *, by: Any) -> None:
    if unknown := sorted(set(fields) - EDITABLE):
        raise InvalidRequest(
            details={"errors": [{"pointer": f"/{n}", "code": "unknown", "message": n} for n in unknown]}
        )
    for field, value in fields.items():
        setattr(case, field, value)
    ensure_sound_case(case)
    case._history_user = by  # type: ignore[attr-defined]  # simple-history's documented attribute
    case.save()


def ensure_sound_case(case: PromptCase) -> None:
    """Raises `CaseInvalid` with every mistake, each with its pointer; `CaseNameTaken`."""
    errors = case_mistakes(case.values, case.checks)
    try:
        case.full_clean(exclude=["values", "checks"])
    except ValidationError as exc:
        if any(error.code in ("unique", "unique_together") for error in exc.error_dict.get("__all__", [])):
            raise CaseNameTaken(name=case.name) from exc
        errors += [
            {"pointer": f"/{field}", "code": str(error.code), "message": words}
            for field, found in exc.error_dict.items()
            for error in found
            for words in error.messages
        ]
    if errors:
        raise CaseInvalid(errors)
