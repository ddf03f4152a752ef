"""Saved cases: write them."""

from collections.abc import Mapping
from typing import Any, Final

from django.db.models import QuerySet

from apps.prompts.checking import case_mistakes
from apps.prompts.errors import CaseInvalid, CaseNameTaken, TooManyCases
from apps.prompts.models import PromptCase
from apps.prompts.services.case_book import CaseBook
from apps.prompts.services.drafts import draft

MAX_CASES: Final = 50  # of one prompt: a run asks the model once for each
EDITABLE: Final = frozenset({"name", "values", "checks", "gated"})


def cases_of(key: str) -> QuerySet[PromptCase]:
    """The prompt's cases by name. Raises `NotFound`."""
    return PromptCase.objects.filter(prompt=draft(key)).select_related("prompt")


def _begun(key: str) -> PromptCase:
    prompt = draft(key)
    if prompt.cases.count() >= MAX_CASES:
        raise TooManyCases(limit=MAX_CASES)
    return PromptCase(prompt=prompt)


_book = CaseBook(
    rows=cases_of,
    begun=_begun,
    mistakes=lambda case: case_mistakes(case.values, case.checks),
    fields=EDITABLE,
    loose=("values", "checks"),
    invalid=CaseInvalid,
    name_taken=CaseNameTaken,
)


def case_of(key: str, case_id: int) -> PromptCase:
    """One case of the prompt. Raises `NotFound`."""
    return _book.one(key, case_id)


def create_case(key: str, fields: Mapping[str, Any], *, by: Any) -> PromptCase:
    """A new case at revision 1.

    Raises `CaseInvalid` with every mistake, `CaseNameTaken`, `TooManyCases`, `InvalidRequest` for unknown fields.
    """
    return _book.create(key, fields, by=by)


def update_case(key: str, case_id: int, changes: Mapping[str, Any], *, expected_revision: int, by: Any) -> PromptCase:
    """Change a case. Raises as `create_case`, and `StaleRevision`."""
    return _book.update(key, case_id, changes, expected=expected_revision, by=by)


def delete_case(key: str, case_id: int, *, expected_revision: int, by: Any) -> None:
    """Delete a case; its history stays. Raises `StaleRevision`, `NotFound`."""
    _book.delete(key, case_id, expected=expected_revision, by=by)


def ensure_sound_case(case: PromptCase) -> None:
    """Raises `CaseInvalid` with every mistake, each with its pointer; `CaseNameTaken`."""
    _book.ensure_sound(case)
