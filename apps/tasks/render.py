"""A task as its owner may see it: an allow-list, with links minted for this read."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from django.utils import translation
from msgspec import to_builtins

from apps.core.config import NotReleased
from apps.core.storage.services import describe
from apps.features import feed
from apps.features.audience import words
from apps.features.fields import visible_values
from apps.pipelines.graph import Graph, parse_graph
from apps.tasks.journal.words import in_words
from apps.tasks.models import Question, StepRun, Task
from apps.tasks.questions import open_questions
from apps.tasks.services import stored_files
from apps.tasks.trials.errors import ReplayImpossible
from apps.tasks.trials.plan import body_of


def links(task: Task) -> dict[str, str]:
    """Where to read, follow and cancel it."""
    base = f"/api/v1/tasks/{task.pk}"
    return {"self": base, "stream": f"{base}/stream", "ws": "/ws/", "cancel": f"{base}/cancel"}


def accepted(task: Task) -> dict[str, Any]:
    """The body of a 202."""
    return {"id": str(task.pk), "status": task.status, "links": links(task)}


def summary(task: Task) -> dict[str, Any]:
    """A row of a list."""
    return {
        "id": str(task.pk),
        "feature": task.feature,
        "title": _title(task),
        "version": task.version,
        "status": task.status,
        "progress": task.progress,
        "cost": task.cost,
        "created_at": task.created_at,
        "finished_at": task.finished_at,
    }


def detail(task: Task, roles: frozenset[str]) -> dict[str, Any]:
    """Everything about one task that somebody with `roles` may know."""
    payload = _payload(task)
    language = translation.get_language() or "en"
    graph = parse_graph(payload["pipeline"]["graph"]) if payload else Graph((), ())
    given = _shown(task.input, payload, "form", roles)
    made = _shown(task.output, payload, "output", roles)
    shown = [*given.values(), *(made or {}).values()]
    named = [str(value.get("$file")) if isinstance(value, Mapping) else value for value in shown]
    return {
        **summary(task),
        "input": given,
        "output": made,
        "steps": _steps(task, graph, language),
        "error": task.error,
        "model_used": task.usage_model or None,
        "mock": task.mock,
        "started_at": task.started_at,
        "last_seq": task.event_seq,
        "questions": [question(one, language) for one in open_questions(task)],
        "files": {pk: describe(stored) for pk, stored in stored_files(task).items() if pk in named},
        "form": to_builtins(feed.form(payload, language, roles)) if payload else None,
        "output_form": to_builtins(feed.output(payload, language, roles)) if payload else None,
        "links": links(task),
    }


def question(asked: Question, language: str) -> dict[str, Any]:
    """What a person is asked."""
    return {
        "path": asked.path,
        "node": asked.node,
        "title": in_words(asked.title, language, asked.node),
        "form": {"schema": asked.form, "ui": asked.ui},
        "options": asked.options,
        "deadline": asked.deadline_at,
        "default": asked.default if asked.on_timeout == "option" else "",
        "links": {"answer": f"/api/v1/tasks/{asked.task_id}/answers/{quote(asked.path, safe='')}"},
    }


def _shown(values: Any, payload: Mapping[str, Any] | None, part: str, roles: frozenset[str]) -> Any:
    """Values of the form or the output, without those of fields that `roles` do not see."""
    return visible_values(values, payload[part]["schema"], roles) if payload else values


def _payload(task: Task) -> Mapping[str, Any] | None:
    try:
        return dict(body_of(task))
    except (NotReleased, ReplayImpossible):
        return None


def _title(task: Task) -> str:
    payload = _payload(task)
    return words(payload["title"], translation.get_language() or "en") if payload else task.feature


def _steps(task: Task, graph: Graph, language: str) -> list[dict[str, Any]]:
    """Every node of the graph in order, with what is known of its run."""
    ran = {step.path: step for step in task.steps.exclude(path__contains="/")}
    return [_step(graph, node_id, ran.get(node_id), language) for node_id in graph.order]


def _step(graph: Graph, node_id: str, step: StepRun | None, language: str) -> dict[str, Any]:
    status = step.status if step else "pending"
    spent = step.finished_at - step.started_at if step and step.finished_at and step.started_at else None
    return {
        "node": node_id,
        "type": graph.by_id[node_id].type,
        "title": in_words(graph.by_id[node_id].title, language, node_id),
        "status": status,
        "progress": 1.0 if status in (StepRun.Status.SUCCEEDED, StepRun.Status.SKIPPED) else 0.0,
        "started_at": step.started_at if step else None,
        "finished_at": step.finished_at if step else None,
        "duration_ms": round(spent.total_seconds() * 1000) if spent else None,
        "error": step.error if step else None,
    }
