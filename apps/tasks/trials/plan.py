"""How a trial or a replay is run: on what, with what standing in for nodes, and by which way outside."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from apps.core.aio import in_thread
from apps.core.config import NotReleased, reader
from apps.features.closure import parts_of
from apps.features.publishing import SCOPE
from apps.pipelines.engine.ports import RecordedCall
from apps.pipelines.nodes.base import NodeResult
from apps.pipelines.nodes.context import Json
from apps.tasks.models import Effect, Frozen, StepRun, Task
from apps.tasks.trials.calls import Through, directly
from apps.tasks.trials.errors import ReplayImpossible
from apps.tasks.trials.files import TrialFiles
from apps.tasks.trials.frozen import EXTRAS
from apps.tasks.trials.outsides.mock import Mock
from apps.tasks.trials.outsides.recorded import Recording, Replayed


class Texts(Protocol):
    """Hears texts as they come; the sink of a run does."""

    async def delta(self, path: str, text: str) -> None: ...


@dataclass(frozen=True)
class Plan:
    """What the worker needs to run `task`, which is no live run.

    `node` is set when that node alone is to run, with `inputs`. `feature` is for whom model calls count: nobody, so
    that no figure of a feature tells of trials.
    """

    task: Task
    payload: Mapping[str, Any]
    parts: Mapping[str, Any]
    files: TrialFiles
    pinned: Mapping[str, NodeResult] = field(default_factory=dict)
    recording: Recording | None = None
    node: str = ""
    inputs: Mapping[str, Any] | None = None
    feature: str = ""

    @property
    def outside(self) -> str:
        """Who answers calls: `mock`, `recorded` or `real`."""
        return str((self.task.source or {}).get("outside", "mock"))

    def through(self, texts: Texts) -> Through:
        """What every call of the run goes through; anything but `real` and `recorded` is the mock."""
        if self.outside == "real":
            return directly
        if self.outside == "recorded" and self.recording is not None:
            return Replayed(self.recording, texts.delta, filled=_as_it_is)
        return Mock(texts.delta, self.parts.get("tools", {}), self.files.sample)


async def plan_of(task: Task) -> Plan:
    """How the trial or replay is to be run. Raises `ReplayImpossible` when what it runs is gone."""
    return await in_thread(_plan)(task)


def _plan(task: Task) -> Plan:
    source = task.source or {}
    payload, extras = _body(task)
    node = str(source.get("node") or "")
    return Plan(
        task=task,
        payload=payload,
        parts={**parts_of(dict(payload)), "fail": tuple(extras.get("fail", ()))},
        files=TrialFiles(task),
        pinned=_pinned(extras, source),
        recording=_recording(source) if source.get("outside") == "recorded" else None,
        node=node,
        inputs=task.input if node else None,
    )


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
    try:
        return reader.version(SCOPE, task.feature, task.version), {}
    except NotReleased as exc:
        raise ReplayImpossible(what=f"{task.feature} {task.version}") from exc


def _pinned(extras: Mapping[str, Any], source: Mapping[str, Any]) -> dict[str, NodeResult]:
    """Results of steps that are not to run: what stands in for them, and the old run's steps before `from`."""
    given = {**extras.get("standins", {}), **_kept_steps(source)}
    return {path: NodeResult(one["output"], one.get("branch", "")) for path, one in given.items()}


def _kept_steps(source: Mapping[str, Any]) -> dict[str, Any]:
    kept = source.get("keep") or []
    rows = StepRun.objects.filter(task_id=str(source.get("of")), path__in=kept) if kept else []
    return {row.path: {"output": row.output or {}, "branch": row.branch} for row in rows}


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


async def _as_it_is(answer: Json) -> Json:
    return answer


__all__ = ["Plan", "body_of", "plan_of"]
