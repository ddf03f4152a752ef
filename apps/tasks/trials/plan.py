"""How a task is run: on what, with what standing in for nodes, and by which way outside."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _

from apps.core.aio import in_thread
from apps.core.config import NotReleased, reader
from apps.features.closure import parts_of
from apps.features.publishing import SCOPE
from apps.pipelines.engine.outside import directly
from apps.pipelines.engine.ports import RecordedCall, Through
from apps.pipelines.nodes.base import NodeResult
from apps.tasks.models import Effect, Frozen, Kind, StepRun, Task
from apps.tasks.shelf import RunShelf
from apps.tasks.store import RunFiles
from apps.tasks.trials.errors import ReplayImpossible
from apps.tasks.trials.files import TrialFiles
from apps.tasks.trials.frozen import EXTRAS
from apps.tasks.trials.outsides.mock import Mock
from apps.tasks.trials.outsides.recorded import Recording, Replayed


@dataclass(frozen=True)
class Plan:
    """What a worker needs to know to run a task of any kind.

    `node` is set when that node alone is to run, on the task's input. `feature` is for whom model calls count: nobody
    for trials, so that no figure of a feature tells of them.
    """

    outside: str  # who answers calls: `real`, `recorded` or `mock`
    payload: Mapping[str, Any]
    parts: Mapping[str, Any]
    feature: str = ""
    node: str = ""
    pinned: Mapping[str, NodeResult] = field(default_factory=dict)
    recording: Recording | None = None
    old: Task | None = None  # the run that is repeated

    def through(self, files: RunFiles) -> Through:
        """What every call of the run goes through. Nothing is asked for real unless the plan says so."""
        if self.outside == "real":
            return directly
        if self.recording is not None and self.old is not None:
            return Replayed(self.recording, filled=RunShelf(self.old).fill)
        picture = files.sample if isinstance(files, TrialFiles) else None
        return Mock(self.parts.get("tools", {}), picture)


async def plan_of(task: Task) -> Plan:
    """How the task is to be run. Raises `ReplayImpossible` when what a trial or replay runs is gone."""
    plan, kept = await in_thread(_plan)(task)
    if plan.old is None or not kept:
        return plan
    shelf = RunShelf(plan.old)
    whole = {path: replace(step, output=await shelf.fill(step.output)) for path, step in kept.items()}
    return replace(plan, pinned={**plan.pinned, **whole})


def files_of(task: Task) -> RunFiles:
    """The files that the task's steps see."""
    return RunFiles(task) if task.kind == Kind.LIVE else TrialFiles(task)


def _plan(task: Task) -> tuple[Plan, dict[str, NodeResult]]:
    """The plan, and the old run's results that are taken over as they are kept."""
    payload, extras = _body(task)
    if task.kind == Kind.LIVE:
        return Plan("real", payload, parts_of(dict(payload)), feature=task.feature), {}
    source = task.source or {}
    old = _repeated(source["of"]) if source.get("of") else None
    plan = Plan(
        outside=str(source.get("outside", "mock")),
        payload=payload,
        parts={**parts_of(dict(payload)), "fail": tuple(extras.get("fail", ()))},
        node=str(source.get("node") or ""),
        pinned={node: NodeResult(one["output"], one["branch"]) for node, one in extras.get("standins", {}).items()},
        recording=_recording(source) if source.get("outside") == "recorded" else None,
        old=old,
    )
    return plan, _kept_steps(source)


def _repeated(task_id: str) -> Task:
    """The run that is repeated. Raises `ReplayImpossible` when it was cleaned away meanwhile."""
    found = Task.objects.filter(pk=task_id).select_related("user").first()
    if found is None:
        raise ReplayImpossible(what=_("the run that it repeats is gone."))
    return found


def body_of(task: Task) -> Mapping[str, Any]:
    """The payload that the trial or replay runs. Raises `ReplayImpossible` when it is gone."""
    return _body(task)[0]


def _body(task: Task) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The payload, and what a trial adds to it."""
    source = task.source or {}
    if sha256 := source.get("frozen"):
        kept = Frozen.objects.filter(pk=sha256).first()
        if kept is None:
            raise ReplayImpossible(what=f"{sha256[:12]}")
        return kept.body, kept.body.get(EXTRAS, {})
    if task.kind == Kind.LIVE:
        return reader.version(SCOPE, task.feature, task.version), {}
    try:
        return reader.version(SCOPE, task.feature, task.version), {}
    except NotReleased as exc:
        raise ReplayImpossible(what=f"{task.feature} {task.version}") from exc


def _kept_steps(source: Mapping[str, Any]) -> dict[str, NodeResult]:
    kept = source.get("keep") or []
    rows = StepRun.objects.filter(task_id=str(source.get("of")), path__in=kept) if kept else []
    return {row.path: NodeResult(row.output or {}, row.branch) for row in rows}


def _recording(source: Mapping[str, Any]) -> Recording:
    rows = Effect.objects.filter(task_id=str(source.get("of")))
    calls = {(row.path, row.no): _recorded(row) for row in rows}
    return Recording(calls, lenient=source.get("on") == "same", fill=source.get("fill") == "real")


def _recorded(row: Effect) -> RecordedCall:
    return RecordedCall(
        kind=row.kind,  # type: ignore[arg-type]  # written from the same words
        address=row.address,
        request_sha256=row.request_sha256,
        repeatable=row.repeatable,
        status=row.status,  # type: ignore[arg-type]  # likewise
        response=row.response,
        usage=row.usage,
        error=row.error,
    )


__all__ = ["Plan", "body_of", "files_of", "plan_of"]
