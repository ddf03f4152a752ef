"""Write drafts: nothing here changes what is live."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.core.errors import BodyTooLarge, InvalidRequest, NotFound, StaleRevision
from apps.core.publishing.canonical import canonical_json
from apps.core.publishing.usage import refuse_used
from apps.pipelines.errors import PipelineInvalid, PipelineKeyTaken, PipelineNotReady
from apps.pipelines.graph import readable_graph
from apps.pipelines.layout import kept_for, laid_over, layout_errors
from apps.pipelines.models import Pipeline, Status
from apps.pipelines.services.judging import problems_of
from apps.pipelines.shape import is_too_deep

EDITABLE: Final = frozenset({"name", "graph", "layout", "status"})
MAX_BYTES: Final = 2_000_000  # of a graph; a release may not be larger either
AUTOSAVE: Final = "autosave"
TOGETHER: Final = timedelta(minutes=10)  # what one person's autosaves within this time become one entry


def draft(ref: str) -> Pipeline:
    """The draft of this key, or else of this number. Raises `NotFound`."""
    rows = Pipeline.objects.select_related("updated_by")
    found = rows.filter(key=ref).first()
    if found is None and ref.isascii() and ref.isdigit() and len(ref) < 19:
        found = rows.filter(pk=int(ref)).first()
    if found is None:
        raise NotFound()
    return found


def create_pipeline(key: str, fields: Mapping[str, Any], *, by: Any) -> Pipeline:
    """A new draft at revision 1.

    Raises `PipelineKeyTaken`, `PipelineInvalid` with every mistake, `PipelineNotReady`, `BodyTooLarge`,
    `InvalidRequest` for unknown fields.
    """
    pipeline = Pipeline(key=key)
    _ensure_known(fields)
    try:
        with transaction.atomic():
            _write(pipeline, fields, by=by)
    except IntegrityError as exc:
        raise PipelineKeyTaken(key=key) from exc
    return pipeline


def update_pipeline(
    ref: str, changes: Mapping[str, Any], *, expected_revision: int, by: Any, autosave: bool = False, reason: str = ""
) -> Pipeline:
    """Change a draft; what changes nothing is no new revision. The graph may be wrong, unless it is to be ready.

    Another graph is a draft again. Of one person's autosaves within ten minutes the history keeps one entry.
    Raises `StaleRevision` (`details`: revision, by, at) when it is no longer the revision the caller saw, and as
    `create_pipeline`. Concurrency: the revision is claimed by a conditional update before anything is written.
    """
    _ensure_known(changes)
    with transaction.atomic():
        pipeline = draft(ref)
        if pipeline.revision == expected_revision and not _says_something(pipeline, changes):
            return pipeline
        pipeline = claim_revision(ref, expected_revision)
        _write(pipeline, changes, by=by, autosave=autosave, reason=reason)
    return pipeline


def place_boxes(ref: str, layout: Any) -> Pipeline:
    """Move boxes: no revision, no history; of two people who move one box the last is right.

    Raises `PipelineInvalid`, `NotFound`. Concurrency: the row is locked while places are merged; SQLite's transactions
    exclude each other anyway.
    """
    _refuse(layout_errors(layout))
    with transaction.atomic():
        pipeline = draft(ref)
        row = Pipeline.objects.select_for_update().get(pk=pipeline.pk)
        pipeline.layout = kept_for(readable_graph(row.graph), laid_over(row.layout, layout))
        Pipeline.objects.filter(pk=row.pk).update(layout=pipeline.layout)
    return pipeline


def delete_pipeline(ref: str, *, expected_revision: int, by: Any) -> None:
    """Delete the draft with its pins and cases; its history stays.

    Raises `PartInUse` with what uses it, `StaleRevision`. Concurrency: nobody publishes meanwhile.
    """
    with transaction.atomic():
        refuse_used("pipeline", [draft(ref).key])
        pipeline = claim_revision(ref, expected_revision)
        pipeline._history_user = by  # type: ignore[attr-defined]  # simple-history's documented attribute
        pipeline.delete()


def claim_revision(ref: str, expected: int) -> Pipeline:
    """The draft at its next revision, for the caller to change in this transaction.

    Raises `StaleRevision` unless it is at `expected`, `NotFound`. Concurrency: of two callers one wins.
    """
    found = draft(ref)
    if not Pipeline.objects.filter(pk=found.pk, revision=expected).update(revision=F("revision") + 1):
        raise StaleRevision(details=_newest(draft(ref)))
    return draft(ref)


def renew(pipeline: Pipeline, claimed: Pipeline) -> None:
    """Bring a row that a form has changed up to what was claimed for it: revision, boxes, and a draft when it differs.

    Boxes may have been moved while the form was open.
    """
    pipeline.revision = claimed.revision
    pipeline.layout = kept_for(readable_graph(pipeline.graph), claimed.layout)
    same = _same(pipeline.graph, claimed.graph)
    pipeline.status = claimed.status if same else Status.DRAFT


def _newest(pipeline: Pipeline) -> dict[str, Any]:
    by = pipeline.updated_by
    return {
        "revision": pipeline.revision,
        "by": by.get_username() if by else None,
        "at": pipeline.updated_at.isoformat(),
    }


def _says_something(pipeline: Pipeline, changes: Mapping[str, Any]) -> bool:
    return any(not _same(getattr(pipeline, field), value) for field, value in changes.items())


def _same(old: Any, new: Any) -> bool:
    """By their text: to Python 1 and true are the same."""
    try:
        return canonical_json(old) == canonical_json(new)
    except (ValueError, TypeError, RecursionError):
        return False


# --- writing -------------------------------------------------------------------------------------


def _write(pipeline: Pipeline, fields: Mapping[str, Any], *, by: Any, autosave: bool = False, reason: str = "") -> None:
    _refuse(_mistakes(fields))
    other_graph = "graph" in fields and not _same(pipeline.graph, fields["graph"])
    for field in fields.keys() - {"layout"}:
        setattr(pipeline, field, fields[field])
    if other_graph and "status" not in fields:
        pipeline.status = Status.DRAFT
    layout = laid_over(pipeline.layout, fields.get("layout", {}))
    pipeline.layout = kept_for(readable_graph(pipeline.graph), layout)
    _ensure_sound(pipeline)
    if pipeline.status == Status.READY:
        _ensure_ready(pipeline)
    pipeline.updated_by = by if getattr(by, "pk", None) else None
    _save(pipeline, by=pipeline.updated_by, autosave=autosave, reason=reason)


def _mistakes(fields: Mapping[str, Any]) -> list[dict[str, str]]:
    found = layout_errors(fields["layout"]) if "layout" in fields else []
    if "graph" in fields:
        found += _graph_mistakes(fields["graph"])
    if "status" in fields and fields["status"] not in Status.values:
        found.append({"pointer": "/status", "code": "choice", "message": ", ".join(Status.values)})
    return found


def _graph_mistakes(graph: Any) -> list[dict[str, str]]:
    """A draft may be wrong in every way but these: what is no object, and what nobody could store or walk."""
    if not isinstance(graph, dict):
        return [{"pointer": "/graph", "code": "type", "message": _("The graph is a JSON object.")}]
    if is_too_deep(graph):
        return [{"pointer": "/graph", "code": "depth", "message": _("Something in it is nested too deep.")}]
    try:
        size = len(canonical_json(graph).encode())
    except (ValueError, UnicodeEncodeError):
        words = _("Something in it is no JSON: numbers are finite, and texts are Unicode.")
        return [{"pointer": "/graph", "code": "text", "message": words}]
    if size > MAX_BYTES:
        raise BodyTooLarge()
    return []


def _refuse(errors: list[dict[str, str]]) -> None:
    if errors:
        raise PipelineInvalid(errors)


def _ensure_known(fields: Mapping[str, Any]) -> None:
    if unknown := sorted(set(fields) - EDITABLE):
        errors = [{"pointer": f"/{name[:64]}", "code": "unknown", "message": name[:64]} for name in unknown]
        raise InvalidRequest(details={"errors": errors})


def _ensure_sound(pipeline: Pipeline) -> None:
    """Raises `PipelineInvalid` or `PipelineKeyTaken` for what the columns cannot take."""
    try:
        pipeline.full_clean(exclude=["graph", "layout"])
    except ValidationError as exc:
        if any(error.code == "unique" for error in exc.error_dict.get("key", [])):
            raise PipelineKeyTaken(key=pipeline.key) from exc
        raise PipelineInvalid(
            {"pointer": f"/{field}", "code": str(error.code), "message": words}
            for field, found in exc.error_dict.items()
            for error in found
            for words in error.messages
        ) from exc


def _ensure_ready(pipeline: Pipeline) -> None:
    problems = [problem.as_dict() for problem in problems_of(pipeline)]
    if any(problem["severity"] == "error" for problem in problems):
        raise PipelineNotReady(problems)


def _save(pipeline: Pipeline, *, by: Any, autosave: bool, reason: str) -> None:
    row: Any = pipeline  # simple-history's documented attributes
    if autosave and (entry := _entry_to_go_on(pipeline, by)) is not None:
        row.save_without_historical_record()
        told = ("key", "name", "graph", "layout", "status", "revision")
        fields = {name: getattr(pipeline, name) for name in told}
        type(entry)._default_manager.filter(pk=entry.pk).update(history_date=timezone.now(), **fields)
        return
    row._history_user, row._change_reason = by, (AUTOSAVE if autosave else reason[:100]) or None
    row._history_date = timezone.now()
    row.save()


def _entry_to_go_on(pipeline: Pipeline, by: Any) -> Any:
    """The newest entry, when it is an autosave of the same person in the same ten minutes of the clock."""
    newest: Any = pipeline.history.order_by("-history_id").first() if pipeline.pk else None
    if newest is None or newest.history_change_reason != AUTOSAVE or by is None or newest.history_user_id != by.pk:
        return None
    span = TOGETHER.total_seconds()
    same = newest.history_date.timestamp() // span == timezone.now().timestamp() // span
    return newest if same else None
