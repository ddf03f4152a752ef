"""Cases of a pipeline: write them."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.pipelines.errors import CaseInvalid, CaseNameTaken, TooManyCases
from apps.pipelines.models import PipelineCase
from apps.pipelines.services.drafts import draft
from apps.pipelines.shape import is_too_deep
from apps.prompts.checking import case_mistakes
from apps.prompts.services.case_book import CaseBook

MAX_CASES: Final = 50  # of one pipeline: a run of all is a run of each
MAX_BYTES: Final = 1_000_000  # of one case; files are in it as ids
FIELDS: Final = ("name", "input", "pins", "mocks", "checks", "gated")

Mistake = dict[str, str]


def cases_of(ref: str) -> QuerySet[PipelineCase]:
    """The pipeline's cases by name. Raises `NotFound`."""
    return PipelineCase.objects.filter(pipeline=draft(ref)).select_related("pipeline")


def _begun(ref: str) -> PipelineCase:
    pipeline = draft(ref)
    if pipeline.cases.count() >= MAX_CASES:
        raise TooManyCases(limit=MAX_CASES)
    return PipelineCase(pipeline=pipeline)


def case_of(ref: str, case_id: int) -> PipelineCase:
    """One case of the pipeline. Raises `NotFound`."""
    return _book.one(ref, case_id)


def create_case(ref: str, fields: Mapping[str, Any], *, by: Any) -> PipelineCase:
    """A new case at revision 1.

    Raises `CaseInvalid` with every mistake, `CaseNameTaken`, `TooManyCases`, `InvalidRequest` for unknown fields.
    """
    return _book.create(ref, fields, by=by)


def update_case(ref: str, case_id: int, changes: Mapping[str, Any], *, expected_revision: int, by: Any) -> PipelineCase:
    """Change a case. Raises as `create_case`, and `StaleRevision`."""
    return _book.update(ref, case_id, changes, expected=expected_revision, by=by)


def delete_case(ref: str, case_id: int, *, expected_revision: int, by: Any) -> None:
    """Delete a case; its history stays. Raises `StaleRevision`, `NotFound`."""
    _book.delete(ref, case_id, expected=expected_revision, by=by)


def ensure_sound_case(case: PipelineCase) -> None:
    """Raises `CaseInvalid` with every mistake, each with its pointer; `CaseNameTaken`."""
    _book.ensure_sound(case)


def mistakes_of(case: Mapping[str, Any]) -> list[Mistake]:
    """Everything that is wrong with what a case holds, its name apart: `{pointer, code, message}`."""
    if is_too_deep(dict(case)) or len(repr(case)) > MAX_BYTES:
        return [{"pointer": "", "code": "E_CASE_SIZE", "message": _("The case is too large, or nested too deep.")}]
    found = [{name: str(text) for name, text in one.items()} for one in case_mistakes({}, case["checks"])]
    return [*_misshapen(case), *found]


def _misshapen(case: Mapping[str, Any]) -> Iterator[Mistake]:
    for name in ("input", "pins", "mocks"):
        if not isinstance(case[name], dict):
            yield {"pointer": f"/{name}", "code": "E_CASE_OBJECT", "message": _("A JSON object.")}
    pins = case["pins"] if isinstance(case["pins"], dict) else {}
    for node, pin in pins.items():
        if not isinstance(pin, str) or not pin:
            words = _("The name of a pin of this node.")
            yield {"pointer": f"/pins/{node[:40]}", "code": "E_CASE_PIN", "message": words}
    mocks = case["mocks"] if isinstance(case["mocks"], dict) else {}
    for node, output in mocks.items():
        if not isinstance(output, dict):
            words = _("The output that stands in for the node, an object.")
            yield {"pointer": f"/mocks/{node[:40]}", "code": "E_CASE_MOCK", "message": words}


_book = CaseBook(
    rows=cases_of,
    begun=_begun,
    mistakes=lambda case: mistakes_of(case.as_judged()),
    fields=FIELDS,
    loose=("input", "pins", "mocks", "checks"),
    invalid=CaseInvalid,
    name_taken=CaseNameTaken,
)
