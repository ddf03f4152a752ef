"""Cases of a pipeline: write them."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from apps.core.errors import InvalidRequest, NotFound, StaleRevision
from apps.pipelines.errors import CaseInvalid, CaseNameTaken, TooManyCases
from apps.pipelines.models import PipelineCase
from apps.pipelines.services.drafts import draft
from apps.pipelines.shape import is_too_deep
from apps.prompts.checking import case_mistakes

MAX_CASES: Final = 50  # of one pipeline: a run of all is a run of each
MAX_BYTES: Final = 1_000_000  # of one case; files are in it as ids
FIELDS: Final = ("name", "input", "pins", "mocks", "checks", "gated")

Mistake = dict[str, str]


def cases_of(ref: str) -> QuerySet[PipelineCase]:
    """The pipeline's cases by name. Raises `NotFound`."""
    return PipelineCase.objects.filter(pipeline=draft(ref)).select_related("pipeline")


def case_of(ref: str, case_id: int) -> PipelineCase:
    """One case of the pipeline. Raises `NotFound`."""
    found = cases_of(ref).filter(pk=case_id).first()
    if found is None:
        raise NotFound()
    return found


def create_case(ref: str, fields: Mapping[str, Any], *, by: Any) -> PipelineCase:
    """A new case at revision 1.

    Raises `CaseInvalid` with every mistake, `CaseNameTaken`, `TooManyCases`, `InvalidRequest` for unknown fields.
    """
    pipeline = draft(ref)
    if pipeline.cases.count() >= MAX_CASES:
        raise TooManyCases(limit=MAX_CASES)
    case = PipelineCase(pipeline=pipeline)
    try:
        with transaction.atomic():
            _write(case, fields, by=by)
    except IntegrityError as exc:
        raise CaseNameTaken(name=case.name) from exc
    return case


def update_case(ref: str, case_id: int, changes: Mapping[str, Any], *, expected_revision: int, by: Any) -> PipelineCase:
    """Change a case. Raises as `create_case`, and `StaleRevision`. Concurrency: the revision is claimed first."""
    try:
        with transaction.atomic():
            case = _claimed(ref, case_id, expected_revision)
            _write(case, changes, by=by)
    except IntegrityError as exc:
        raise CaseNameTaken(name=case.name) from exc
    return case


def delete_case(ref: str, case_id: int, *, expected_revision: int, by: Any) -> None:
    """Delete a case; its history stays. Raises `StaleRevision`, `NotFound`."""
    with transaction.atomic():
        case = _claimed(ref, case_id, expected_revision)
        case._history_user = by  # type: ignore[attr-defined]  # simple-history's documented attribute
        case.delete()


def _claimed(ref: str, case_id: int, expected: int) -> PipelineCase:
    case = case_of(ref, case_id)
    if not PipelineCase.objects.filter(pk=case.pk, revision=expected).update(revision=F("revision") + 1):
        raise StaleRevision(details={"revision": case_of(ref, case_id).revision})
    return case_of(ref, case_id)


def _write(case: PipelineCase, fields: Mapping[str, Any], *, by: Any) -> None:
    if unknown := sorted(set(fields) - set(FIELDS)):
        errors = [{"pointer": f"/{name[:64]}", "code": "unknown", "message": name[:64]} for name in unknown]
        raise InvalidRequest(details={"errors": errors})
    for field, value in fields.items():
        setattr(case, field, value)
    ensure_sound_case(case)
    case._history_user = by  # type: ignore[attr-defined]  # simple-history's documented attribute
    case.save()


def ensure_sound_case(case: PipelineCase) -> None:
    """Raises `CaseInvalid` with every mistake, each with its pointer; `CaseNameTaken`."""
    errors = mistakes_of(case.as_judged())
    try:
        case.full_clean(exclude=["input", "pins", "mocks", "checks"])
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
