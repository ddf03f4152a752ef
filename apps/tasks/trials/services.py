"""Start, find and cancel trials. A trial is a run like any other, but for whom it counts: nobody."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from apps.core.errors import Forbidden
from apps.core.events.bell import ring
from apps.core.form_input import field_errors, file_fields, with_defaults
from apps.core.outbox.services import enqueue
from apps.core.permissions import allows, declared
from apps.core.publishing.canonical import sha256_of
from apps.core.request_id import get_request_id
from apps.core.storage.naming import named_files
from apps.core.transactions import retry_on_conflict
from apps.features.models import Feature
from apps.pipelines.graph import Graph, Node, parse_graph
from apps.pipelines.models import Pipeline, PipelineCase
from apps.quotas.services import account_of, hold_quota
from apps.tasks import events
from apps.tasks import services as tasks
from apps.tasks.errors import FeatureUnknown, InputInvalid, LeaseLost, TaskEnded
from apps.tasks.models import TERMINAL, Kind, Status, StepRun, Task
from apps.tasks.trials import frozen, single
from apps.tasks.trials.errors import (
    PipelineUnknown,
    RealRunForbidden,
    TrialInvalid,
    TrialsCrowded,
    TrialUnknown,
)
from apps.tasks.trials.files import with_samples
from apps.tasks.trials.pins import Standins, pins_of, standins
from apps.tasks.trials.wish import Wish

__all__ = [
    "cancel_trial",
    "get_for",
    "pipeline_for",
    "queue",
    "refuse_crowd",
    "refuse_real",
    "start_case",
    "start_trial",
]

log = structlog.get_logger("tasks")

TRY, RUN_REAL, SEE_ALL = "pipelines:write", "pipelines:run", "tasks:read"
declared.update({TRY, RUN_REAL, SEE_ALL})
MOST_AT_ONCE: Final = 20  # unfinished trials of one person; the workers run fewer at a time
KINDS: Final = (Kind.TRIAL, Kind.REPLAY)


@dataclass(frozen=True)
class _Job:
    """A trial, ready to be kept: what runs, on what, and what is remembered of how it was asked for."""

    payload: dict[str, Any]
    graph: Mapping[str, Any]
    input: Mapping[str, Any]
    standins: Standins


def pipeline_for(by: Any, wanted: str, *, right: str = TRY) -> Pipeline:
    """The pipeline with this key, or else with this number. Raises `PipelineUnknown`; `Forbidden` without `right`."""
    rows = Pipeline.objects.all()
    found = rows.filter(key=wanted).first() or (rows.filter(pk=int(wanted)).first() if _is_number(wanted) else None)
    if not allows(by, right, found):
        raise Forbidden()
    if found is None:
        raise PipelineUnknown(pipeline=wanted[:64])
    return found


def start_trial(by: Any, wanted: str, wish: Wish) -> Task:
    """Queue a trial of pipeline `wanted` as `wish` says.

    Nothing is charged unless the wish says so; the draft, the pins and the input are frozen, so that later changes do
    not reach the run. Raises `PipelineUnknown`, `RealRunForbidden`, `TrialRefused` with the validator's problems,
    `TrialInvalid`, `InputInvalid` with pointers, `TrialsCrowded`, `QuotaExhausted`.
    """
    pipeline = pipeline_for(by, wanted)
    refuse_real(by, pipeline, real=wish.mode == "real")
    if wish.case:
        wish = _as_case(pipeline, wish)
    refuse_crowd(by)
    feature = _feature(by, pipeline, wish)
    graph = wish.graph if wish.graph is not None else pipeline.graph
    job = _one_node(by, pipeline, graph, feature, wish) if wish.node else _whole(by, pipeline, graph, feature, wish)
    return _keep(by, pipeline, feature, wish, job)


def start_case(by: Any, pipeline: Pipeline, case: PipelineCase, *, mode: Any, feature: str = "") -> Task:
    """Queue a trial of a saved case. Raises what `start_trial` does."""
    return start_trial(by, pipeline.key, Wish(mode=mode, case=case.name, feature=feature))


def get_for(by: Any, trial_id: str) -> Task:
    """A trial or replay that is `by`'s own, or anybody's for whoever may read tasks. Raises `TrialUnknown`."""
    try:
        wanted = uuid.UUID(str(trial_id))
    except ValueError as exc:
        raise TrialUnknown() from exc
    found = Task.objects.filter(pk=wanted, kind__in=KINDS).select_related("user").first()
    if found is None or not ((found.user_id == by.pk and allows(by, TRY)) or allows(by, SEE_ALL)):
        raise TrialUnknown()
    return found


@retry_on_conflict
def cancel_trial(by: Any, trial_id: str) -> Task:
    """Cancel the trial at once. Raises `TrialUnknown`, or `TaskEnded` when it is over."""
    task = get_for(by, trial_id)
    if task.user_id != by.pk and not allows(by, TRY):
        raise Forbidden()
    with transaction.atomic():
        try:
            tasks._end(task, Task.objects.filter(pk=task.pk), to=Status.CANCELLED)
        except LeaseLost as exc:
            raise TaskEnded() from exc
        transaction.on_commit(lambda: ring(tasks.cancel_topic(task.pk)))
    return get_for(by, trial_id)


def refuse_real(by: Any, pipeline: Pipeline | None, *, real: bool) -> None:
    """Raises `RealRunForbidden` when real models would be asked and `by` may not."""
    if real and not allows(by, RUN_REAL, pipeline):
        raise RealRunForbidden()


def queue(task: Task, *, hold: int = 0) -> Task:
    """Keep `task`, its first event and the message to the workers in one transaction; with `hold` also a hold.

    Raises `QuotaExhausted`; nothing is kept then.
    """
    if hold:
        account_of(task.user)  # opens the account on first sight, outside the transaction that follows
    with transaction.atomic():
        task.save(force_insert=True)
        if hold:
            hold_quota(task.user, task=str(task.pk), amount=hold)
        events.log(task, "queued", {})
        enqueue(tasks.RUN_JOB, str(task.pk))
    log.info("trial.created", task=str(task.pk), kind=task.kind, outside=(task.source or {}).get("outside"))
    return task


def _keep(by: Any, pipeline: Pipeline, feature: Feature | None, wish: Wish, job: _Job) -> Task:
    extras = {"standins": dict(job.standins.by_node), "fail": list(wish.fail)}
    source = {
        "frozen": frozen.freeze(job.payload, extras),
        "pipeline": pipeline.key,
        "mode": wish.mode,
        "outside": wish.mode,
        "graph_sha256": sha256_of(dict(job.graph)),
        "order": [wish.node] if wish.node else list(parse_graph(dict(job.graph)).order),
        "node": wish.node,
        "case": wish.case,
        "checks": list(wish.checks),
        "files": list(job.standins.files),
    }
    cost = int(job.payload["cost"]) if wish.charge else 0
    task = Task(
        kind=Kind.TRIAL,
        user=by,
        key_id=by.key_grant.id if by.key_grant else None,
        feature=feature.key if feature else "",
        version=0,
        source=source,
        input=dict(job.input),
        cost=cost,
        request_id=get_request_id(),
        language=translation.get_language() or "en",
        event_seq=1,
    )
    return queue(task, hold=cost)


def _whole(by: Any, pipeline: Pipeline, graph: Mapping[str, Any], feature: Feature | None, wish: Wish) -> _Job:
    payload = frozen.draft_payload(pipeline, graph, feature)
    schema, given, lent = payload["form"]["schema"], wish.input, frozenset[str]()
    if wish.case:
        given, lent = with_samples(by, schema, given), frozenset(named_files(dict(given)))
    content = _checked_input(by, schema, given, lent=lent)
    instead = standins(pipeline, parse_graph(dict(graph)), wish.pins, wish.mocks)
    return _Job(payload, graph, content, replace(instead, files=(*instead.files, *sorted(lent))))


def _one_node(by: Any, pipeline: Pipeline, raw: Mapping[str, Any], feature: Feature | None, wish: Wish) -> _Job:
    graph = frozen.readable(raw)
    node = single.node_of(graph, wish.node)
    inputs, files = _inputs_of_one(by, pipeline, graph, node, wish)
    payload = frozen.draft_payload(pipeline, raw, feature, only=wish.node)
    return _Job(payload, raw, inputs, Standins(files=files))


def _inputs_of_one(
    by: Any, pipeline: Pipeline, graph: Graph, node: Node, wish: Wish
) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """The inputs of the one node: edited ones, a pin, its last ones, or what pins of earlier nodes give; and files."""
    given = wish.inputs
    if given is None:
        pins = pins_of(pipeline, wish.pins.values())
        outputs = {node: pins[name].output for node, name in wish.pins.items()}
        files = [str(file) for pin in pins.values() for file in pin.files]
        return single.resolved(graph, node, outputs), tuple(files)
    if set(given) == {"$pin"}:
        pin = pins_of(pipeline, [str(given["$pin"])])[str(given["$pin"])]
        return pin.output, tuple(map(str, pin.files))
    if set(given) == {"$last"}:
        return _last_inputs(by, pipeline, wish.node), ()
    return given, ()


def _last_inputs(by: Any, pipeline: Pipeline, node: str) -> Mapping[str, Any]:
    """What the node was given the last time that `by` tried it. Raises `TrialInvalid`."""
    own = Task.objects.filter(user=by, kind=Kind.TRIAL, source__pipeline=pipeline.key)
    last = StepRun.objects.filter(task__in=own, path=node, inputs__isnull=False).order_by("-id").first()
    if last is None:
        raise TrialInvalid(what=_("“%(node)s” has not run in a test run of yours yet.") % {"node": node})
    found: Mapping[str, Any] = last.inputs or {}
    return found


def _as_case(pipeline: Pipeline, wish: Wish) -> Wish:
    """The wish with what the case says. Raises `TrialInvalid`."""
    case = PipelineCase.objects.filter(pipeline=pipeline, name=wish.case).first()
    if case is None:
        raise TrialInvalid(what=_("there is no case “%(case)s”.") % {"case": wish.case})
    return replace(wish, input=case.input, pins={**case.pins, **wish.pins}, mocks=case.mocks, checks=tuple(case.checks))


def _feature(by: Any, pipeline: Pipeline, wish: Wish) -> Feature | None:
    if not wish.feature:
        if wish.charge:
            raise TrialInvalid(what=_("only a feature has a price that can be charged."))
        return None
    found = Feature.objects.select_related("pipeline", "menu").filter(key=wish.feature).first()
    if found is None or not allows(by, "features:read", found):
        raise FeatureUnknown(feature=wish.feature)
    if found.pipeline_id != pipeline.pk:
        raise TrialInvalid(what=_("the feature “%(feature)s” runs another pipeline.") % {"feature": wish.feature})
    return found


def _checked_input(
    by: Any, schema: Mapping[str, Any], given: Mapping[str, Any], *, lent: frozenset[str]
) -> dict[str, Any]:
    """What was sent, with the defaults of all fields; files are `by`'s own or `lent`. Raises `InputInvalid`."""
    content = with_defaults(schema, given) if schema else dict(given)
    problems = field_errors(schema or {"type": "object"}, content)
    refused = {problem["pointer"] for problem in problems}
    for name in file_fields(schema) if schema else ():
        if content.get(name) and content[name] not in lent and f"/{name}" not in refused:
            problems += tasks.file_problems(by, name, str(content[name]))
    if problems:
        raise InputInvalid(details={"errors": [{**one, "pointer": f"/input{one['pointer']}"} for one in problems]})
    return content


def refuse_crowd(by: Any) -> None:
    """Raises `TrialsCrowded` while too many of `by`'s trials are going on."""
    going = Task.objects.filter(user=by, kind__in=KINDS).exclude(status__in=TERMINAL).count()
    if going >= MOST_AT_ONCE:
        raise TrialsCrowded(limit=going)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
