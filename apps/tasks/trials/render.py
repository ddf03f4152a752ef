"""A trial as the people who try pipelines see it."""

from typing import Any

from apps.pipelines.graph import Graph, readable_graph
from apps.prompts.checking import Reply, judge
from apps.tasks.journal.words import in_words
from apps.tasks.models import Status, StepRun, Task
from apps.tasks.trials import frames
from apps.tasks.trials.cases import checks_of, reply_of
from apps.tasks.trials.plan import body_of
from apps.tasks.trials.values import href_of, seconds_between, told


def links(task: Task) -> dict[str, str]:
    """Where to read, follow and cancel it."""
    base = f"/api/v1/admin/trials/{task.pk}"
    return {"self": base, "stream": f"{base}/stream", "cancel": f"{base}/cancel"}


def accepted(task: Task) -> dict[str, Any]:
    """The body of a 202."""
    return {"trial": str(task.pk), "links": links(task)}


def detail(task: Task) -> dict[str, Any]:
    """Everything about one trial: how it was asked for, each step, and how it ended."""
    source = task.source or {}
    graph = readable_graph(dict(body_of(task)["pipeline"]["graph"]))
    steps = list(StepRun.objects.filter(task=task))
    ended_badly = task.status in (Status.FAILED, Status.CANCELLED)
    return {
        **frames.start(task),
        "status": task.status,
        "pipeline": source.get("pipeline", ""),
        "feature": task.feature,
        "version": task.version,
        "node": source.get("node", ""),
        "case": source.get("case", ""),
        "replay": {"of": source.get("of"), "on": source.get("on"), "from": source.get("from", "")}
        if source.get("of")
        else None,
        "by": task.user.get_username(),
        "input": told(task.input, href_of(task.pk, "input")),
        "output": told(task.output, href_of(task.pk, "output")),
        "steps": [_step(graph, row, task.language) for row in steps],
        "error": frames.failure(task, graph) if ended_badly else None,
        "cost_micro": frames.cost_of(steps),
        "charged": task.cost if task.status == Status.SUCCEEDED else 0,
        "totals": frames.totals(task, steps),
        "duration": seconds_between(task.started_at, task.finished_at),
        "created_at": task.created_at.isoformat(),
        "finished_at": task.finished_at.isoformat() if task.finished_at else None,
        "last_seq": task.event_seq,
        "verdicts": verdicts(task, steps),
        "links": links(task),
    }


def verdicts(task: Task, steps: list[StepRun]) -> list[dict[str, Any]] | None:
    """How the checks of the trial's case went; None for a trial of no case, and while it runs."""
    checks = checks_of(task)
    if checks is None or not task.is_terminal:
        return None
    if task.status != Status.SUCCEEDED:
        failed = Reply(text="", latency_ms=0, cost_micro=None)
        return [{**one.as_dict(), "passed": False} for one in judge(checks, failed)]
    return [one.as_dict() for one in judge(checks, reply_of(task, frames.cost_of(steps)))]


def _step(graph: Graph, row: StepRun, language: str) -> dict[str, Any]:
    title = in_words(graph.by_id[row.path].title, language, row.path) if row.path in graph.by_id else row.path
    data = {"path": row.path, "node": row.node, "type": row.type, "title": title, "status": str(row.status)}
    return frames.step(data, row)
