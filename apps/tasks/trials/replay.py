"""The time machine: an old run once more, on what ran then or on the draft of today."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from django.utils import translation
from django.utils.translation import gettext as _

from apps.core.config import NotReleased, reader
from apps.core.errors import Forbidden, InvalidRequest
from apps.core.permissions import allows
from apps.core.publishing.canonical import sha256_of
from apps.core.request_id import get_request_id
from apps.core.storage.naming import named_files
from apps.features.models import Feature
from apps.features.publishing import SCOPE
from apps.pipelines.graph import Graph, readable_graph
from apps.pipelines.models import Pipeline
from apps.pipelines.nodes import node_types
from apps.tasks.errors import TaskUnknown
from apps.tasks.models import Effect, Kind, Question, StepRun, Task
from apps.tasks.trials import frozen
from apps.tasks.trials.errors import CompareImpossible, RealRunForbidden, ReplayImpossible
from apps.tasks.trials.plan import body_of
from apps.tasks.trials.services import RUN_REAL, SEE_ALL, TRY, queue, refuse_crowd

On = Literal["same", "draft"]
Outside = Literal["recorded", "real", "mock"]
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "on": ("same", "draft"),
    "outside": ("recorded", "real", "mock"),
    "fill": ("", "real"),
}


@dataclass(frozen=True)
class Again:
    """How a run is to be repeated. `start` is the path of the step from which on steps run anew."""

    on: On = "same"
    outside: Outside = "recorded"
    start: str = ""
    fill: str = ""  # "real": what was not recorded is asked for real

    @property
    def asks_outside(self) -> bool:
        """Whether anybody may be asked for real."""
        return self.outside == "real" or self.fill == "real"


def read_again(body: Any) -> Again:
    """The wish that a request's body holds. Raises `InvalidRequest` with a pointer for everything that is wrong."""
    given = body if isinstance(body, Mapping) else {}
    wrong = [f"/{name}" for name in sorted(set(given) - {*CHOICES, "from"})]
    wrong += [f"/{name}" for name, known in CHOICES.items() if given.get(name) not in (None, *known)]
    wrong += ["/from"] if not isinstance(given.get("from", ""), str) else []
    if not isinstance(body, Mapping) or wrong:
        words = _("This is not one of the allowed values.")
        errors = [{"pointer": pointer, "code": "invalid", "message": words} for pointer in wrong or [""]]
        raise InvalidRequest(details={"errors": errors})
    return Again(
        on=cast(On, given.get("on") or "same"),
        outside=cast(Outside, given.get("outside") or "recorded"),
        start=given.get("from") or "",
        fill=given.get("fill") or "",
    )


def run_for(by: Any, task_id: str) -> Task:
    """Any run, live or not, for whoever may read tasks. Raises `Forbidden` or `TaskUnknown`."""
    if not allows(by, SEE_ALL):
        raise Forbidden()
    found = Task.objects.filter(pk=task_id).select_related("user").first() if _is_uuid(task_id) else None
    if found is None:
        raise TaskUnknown()
    return found


def counterpart(by: Any, task: Task, wanted: str = "") -> Task:
    """The run `wanted`, or the one that `task` repeats, to stand beside `task`.

    Raises `CompareImpossible` where there is neither, or both are one; `Forbidden`,
    `TaskUnknown`.
    """
    other = wanted or str((task.source or {}).get("of") or "")
    if not other:
        raise CompareImpossible(what=_("this one repeats no run; name the one to compare it with."))
    found = run_for(by, other)
    if found.pk == task.pk:
        raise CompareImpossible(what=_("it is one and the same."))
    return found


def replay(by: Any, task_id: str, again: Again) -> Task:
    """Queue the run once more, for `by`; nobody is charged.

    Recorded answers are those of the old run, so nothing is asked and nothing costs. Steps before `again.start` keep
    their old results. Raises `TaskUnknown`, `Forbidden`, `RealRunForbidden`, `ReplayImpossible`, `TrialRefused` for a
    draft with mistakes, `TrialsCrowded`.
    """
    old = run_for(by, task_id)
    if not allows(by, TRY):
        raise Forbidden()
    if again.asks_outside and not allows(by, RUN_REAL):
        raise RealRunForbidden()
    refuse_crowd(by)
    body = _draft_body(by, old) if again.on == "draft" else _same_body(old)
    graph = readable_graph(dict(body["pipeline"]["graph"]))
    keep = _kept(old, graph, again)
    source = {
        **(_source_of_same(old) if again.on == "same" else {"frozen": frozen.freeze(dict(body), _extras(body))}),
        "pipeline": body["pipeline"]["key"],
        "outside": again.outside,
        "mode": "real" if again.asks_outside else "mock",
        "on": again.on,
        "of": str(old.pk),
        "from": again.start,
        "keep": keep,
        "fill": again.fill,
        "graph_sha256": sha256_of(dict(body["pipeline"]["graph"])),
        "order": (old.source or {}).get("order") or list(graph.order),
        "node": (old.source or {}).get("node", ""),
        "files": sorted(_files_of(old)),
    }
    return queue(_task(by, old, source))


def _task(by: Any, old: Task, source: Mapping[str, Any]) -> Task:
    return Task(
        kind=Kind.REPLAY,
        user=by,
        key_id=by.key_grant.id if by.key_grant else None,
        feature=old.feature,
        version=old.version,
        source=dict(source),
        input=old.input,
        cost=0,
        request_id=get_request_id(),
        language=translation.get_language() or old.language,
        event_seq=1,
    )


def _source_of_same(old: Task) -> dict[str, Any]:
    """What names the snapshot that the old run ran; a live run's is named by its feature and version."""
    source = old.source or {}
    if not source.get("frozen"):
        return {"snapshot": f"{old.feature}@{old.version}"}
    frozen.freshen(source["frozen"])
    return {"frozen": source["frozen"]}


def _same_body(old: Task) -> Mapping[str, Any]:
    if old.kind == Kind.LIVE:
        try:
            return reader.version(SCOPE, old.feature, old.version)
        except NotReleased as exc:
            what = _("version %(version)s of “%(feature)s” is gone.")
            raise ReplayImpossible(what=what % {"version": old.version, "feature": old.feature}) from exc
    return body_of(old)


def _extras(body: Mapping[str, Any]) -> Mapping[str, Any]:
    extras: Mapping[str, Any] = body.get(frozen.EXTRAS, {})
    return extras


def _draft_body(by: Any, old: Task) -> dict[str, Any]:
    """Today's draft of what the old run ran. Raises `ReplayImpossible`, `TrialRefused`."""
    feature = Feature.objects.select_related("pipeline", "menu").filter(key=old.feature).first()
    pipeline = feature.pipeline if feature else Pipeline.objects.filter(key=(old.source or {}).get("pipeline")).first()
    if pipeline is None:
        raise ReplayImpossible(what=_("its pipeline does not exist any more."))
    node = str((old.source or {}).get("node", ""))
    return frozen.draft_payload(pipeline, pipeline.graph, feature, only=node)


def _kept(old: Task, graph: Graph, again: Again) -> list[str]:
    """The paths of old steps that are not run again. Raises `ReplayImpossible` for a step that is not there."""
    rows = list(StepRun.objects.filter(task=old, status=StepRun.Status.SUCCEEDED))
    done = {row.path: row.type for row in rows}
    kept: set[str] = set()
    if again.start:
        if again.start not in graph.by_id:
            raise ReplayImpossible(what=_("the pipeline has no step “%(node)s”.") % {"node": again.start})
        anew = {again.start, *_behind(graph, again.start)}
        kept = {path for path in done if path in graph.by_id and path not in anew and _same_type(graph, path, done)}
    if again.outside == "recorded" and again.on == "same":
        kept |= _unrecorded(old, graph, done)
    if again.outside != "real":
        kept |= _paused(old, graph, rows)
    return sorted(kept)


def _paused(old: Task, graph: Graph, rows: Iterable[StepRun]) -> set[str]:
    """Steps that waited for people or the clock: what they waited for has come, and need not come again."""
    answered = set(Question.objects.filter(task=old, answered_at__isnull=False).values_list("path", flat=True))
    waited = [row for row in rows if row.path in answered or row.wake_at]
    known = {node.id: node.type for node in graph.nodes}
    return {row.path for row in waited if known.get(row.path, row.type) == row.type}


def _unrecorded(old: Task, graph: Graph, done: Mapping[str, str]) -> set[str]:
    """Steps that asked outside before calls were recorded: of runs that old, their results are all there is."""
    if Effect.objects.filter(task=old).exists():
        return set()
    types = node_types()
    return {p for p, kind in done.items() if p in graph.by_id and kind in types and types[kind].effect != "pure"}


def _same_type(graph: Graph, path: str, done: Mapping[str, str]) -> bool:
    return graph.by_id[path].type == done[path] and done[path] not in ("start", "end")


def _behind(graph: Graph, node_id: str) -> set[str]:
    """Every node that can be reached from `node_id`."""
    found: set[str] = set()
    waiting = [node_id]
    while waiting:
        reached = {edge.target for edge in graph.outgoing.get(waiting.pop(), [])} - found
        found |= reached
        waiting += reached
    return found


def _files_of(old: Task) -> set[str]:
    """Every file that the old run was given or made; the replay may read them, whoever has them."""
    values: Iterable[Any] = [
        old.input,
        old.output,
        *StepRun.objects.filter(task=old).values_list("output", flat=True),
        *Effect.objects.filter(task=old).values_list("response", flat=True),
    ]
    return {name for value in values for name in named_files(value)} | set((old.source or {}).get("files", ()))


def _is_uuid(text: Any) -> bool:
    return bool(named_files(str(text)))
