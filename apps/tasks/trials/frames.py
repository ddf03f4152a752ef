"""A trial's event log, as whoever watches it is told: one step, one line, with what went in and what came out."""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from apps.core.aio import in_thread
from apps.core.storage.models import StoredFile
from apps.core.storage.naming import named_files
from apps.core.storage.services import describe
from apps.pipelines.graph import Graph, readable_graph
from apps.tasks import events
from apps.tasks.events import Frame
from apps.tasks.models import Effect, StepRun, Task
from apps.tasks.trials.errors import TrialCancelled
from apps.tasks.trials.hints import field_of, hint_of
from apps.tasks.trials.plan import body_of
from apps.tasks.trials.values import href_of, seconds_between, told

Told = tuple[int, str, dict[str, Any]]
# Events that are told as they were written.
AS_WRITTEN: Final = ("delta", "reset", "progress", "waiting_input")
OVER: Final = ("done", "error")


@dataclass(frozen=True)
class Teller:
    """Turns the events of one trial into what is told of them."""

    task: Task
    graph: Graph

    @classmethod
    def of(cls, task: Task) -> "Teller":
        """Reads what the trial runs."""
        return cls(task, readable_graph(dict(body_of(task)["pipeline"]["graph"])))

    def tell(self, frames: Iterable[Frame]) -> list[Told]:
        """What `frames`, in their order, are told as. At most three queries, however many there are."""
        batch = list(frames)
        steps = self._steps(batch)
        return [told for frame in batch if (told := self._told(frame, steps)) is not None]

    def _steps(self, batch: Iterable[Frame]) -> dict[str, StepRun]:
        paths = {_path(frame.data) for frame in batch if frame.type == "step"}
        rows = StepRun.objects.filter(task=self.task, path__in=paths) if paths else []
        return {row.path: row for row in rows}

    def _told(self, frame: Frame, steps: Mapping[str, StepRun]) -> Told | None:
        name, data = frame.type, frame.data
        match name:
            case "queued":
                name, data = "start", start(self.task)
            case "step":
                data = step(data, steps.get(_path(data)))
            case "log":
                data = _log(frame)
            case "succeeded":
                name, data = "done", done(Task.objects.get(pk=self.task.pk))
            case "failed" | "cancelled":
                name, data = "error", failure(Task.objects.get(pk=self.task.pk), self.graph)
            case _ if name not in AS_WRITTEN:
                return None
        return frame.seq, name, data


async def follow(task: Task, *, after: int) -> AsyncIterator[Told | None]:
    """What is told of every event after `after`; None now and then while nothing happens; `done` or `error` last."""
    teller = await in_thread(Teller.of)(task)
    async for frame in events.follow(task.pk, after=after):
        if frame is None:
            yield None
            continue
        for one in await in_thread(teller.tell)([frame]):
            yield one


def start(task: Task) -> dict[str, Any]:
    """How the trial began: what runs, in which order, and who answers for the outside."""
    source = task.source or {}
    outside = source.get("outside", "mock")
    return {
        "trial": str(task.pk),
        "kind": task.kind,
        "mode": "real" if outside == "real" else "mock",
        "outside": outside,
        "graph_sha256": source.get("graph_sha256", ""),
        "order": source.get("order", []),
        "mock": outside == "mock",
    }


def step(data: Mapping[str, Any], row: StepRun | None) -> dict[str, Any]:
    """One step as it stands: `data` is what was said when it changed, `row` what is known of it."""
    path, status = _path(data), str(data["status"])
    reused = bool(data.get("reused")) or bool(row and row.reused)
    ended = row is not None and status != StepRun.Status.RUNNING
    usage = dict(row.usage or {}) if row and ended else {}
    return {
        "step": path,
        "node": data["node"],
        "path": path,
        "type": data["type"],
        "title": data["title"],
        "status": "reused" if reused and status == StepRun.Status.SUCCEEDED else status,
        "attempt": int(data.get("attempt") or (row.attempts if row else 1)),
        "input": told(row.inputs, href_of(row.task_id, "input", path)) if row else None,
        "output": told(row.output, href_of(row.task_id, "output", path)) if row and ended else None,
        "duration": seconds_between(row.started_at, row.finished_at) if row and ended else None,
        "cost_micro": int(usage.get("cost_micro") or 0),
        "usage": usage,
        "model": str(usage.get("model_used") or ""),
        "branch": row.branch if row and ended else "",
        "pinned": reused,
        "files": _files([row.output, row.inputs]) if row and ended else {},
        **({"error": with_hint(row.error)} if row and ended and row.error else {}),
    }


def done(task: Task) -> dict[str, Any]:
    """How it ended well."""
    steps = list(StepRun.objects.filter(task=task))
    return {
        "status": "succeeded",
        "output": told(task.output, href_of(task.pk, "output")),
        "duration": seconds_between(task.started_at, task.finished_at),
        "cost_micro": cost_of(steps),
        "totals": totals(task, steps),
        "files": _files([task.output]),
    }


def failure(task: Task, graph: Graph) -> dict[str, Any]:
    """Why it did not end well, and where: the step that failed, its field, and what to do about it."""
    error: dict[str, Any] = dict(task.error or TrialCancelled().as_dict())
    failed = StepRun.objects.filter(task=task, status=StepRun.Status.FAILED, went_on=False).order_by("-id").first()
    node = graph.by_id.get(failed.path) if failed else None
    return {
        **with_hint(error),
        "node": failed.node if failed else "",
        "path": failed.path if failed else "",
        "field": field_of(node, {**error, **((failed.error or {}) if failed else {})}),
        "requestId": task.request_id,
        "status": task.status,
    }


def with_hint(error: Mapping[str, Any]) -> dict[str, Any]:
    """`error` with what to do about it."""
    return {**error, "hint": hint_of(error)}


def totals(task: Task, steps: Iterable[StepRun]) -> dict[str, int]:
    """What the whole run came to."""
    usages = [step.usage or {} for step in steps]
    return {
        "steps": len(usages),
        "calls": Effect.objects.filter(task=task).count(),
        "input_tokens": sum(int(usage.get("input_tokens") or 0) for usage in usages),
        "output_tokens": sum(int(usage.get("output_tokens") or 0) for usage in usages),
    }


def cost_of(steps: Iterable[StepRun]) -> int:
    """Micro-credits of all steps together."""
    return sum(int((step.usage or {}).get("cost_micro") or 0) for step in steps)


def _log(frame: Frame) -> dict[str, Any]:
    data = frame.data
    words = data.get("message", "")
    return {"step": _path(data), "level": data.get("level", "info"), "log": words, "at": frame.at}


def _path(data: Mapping[str, Any]) -> str:
    return str(data.get("path") or data.get("node") or "")


def _files(values: Iterable[Any]) -> dict[str, Any]:
    """The files that `values` name, with fresh links."""
    named: set[str] = set()
    for value in values:
        named |= named_files(value)
    rows = StoredFile.objects.filter(pk__in=named) if named else []
    return {str(row.pk): describe(row) for row in rows}
