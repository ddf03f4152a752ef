"""What the events of a run say of its steps."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from apps.pipelines.graph import Graph
from apps.pipelines.nodes.base import Asked
from apps.tasks.journal.rows import StepRow, node_of
from apps.tasks.models import StepRun


class Words:
    """The words of one run in its language."""

    def __init__(self, graph: Graph, parts: Mapping[str, Any], language: str) -> None:
        self._graph = graph
        self._parts = parts
        self._language = language
        self._order = {node_id: index for index, node_id in enumerate(graph.order)}
        self.title = lru_cache(maxsize=2048)(self._title)

    def top_of(self, path: str) -> str:
        """The node of the main pipeline that the step belongs to."""
        return path.split("/", 1)[0].split("#", 1)[0].split("!", 1)[0]

    def step(self, row: StepRow) -> dict[str, Any]:
        """The data of a `step` event."""
        told: dict[str, Any] = {
            "node": row.path,
            "path": row.path,
            "type": row.type,
            "title": self.title(row.path),
            "status": str(row.status),
            "index": self._order.get(self.top_of(row.path), 0),
            "total": len(self._graph.nodes),
            "attempt": row.attempts,
            "reused": row.reused,
            "duration_ms": None if row.status == StepRun.Status.RUNNING else row.milliseconds,
        }
        if row.error is not None:
            told["error"] = row.error
        return told | self._degraded(row.usage)

    def question(self, path: str, asked: Asked) -> dict[str, Any]:
        """The data of a `waiting_input` event."""
        return {
            "node": path,
            "path": path,
            "title": in_words(asked.title, self._language, node_of(path)),
            "form": {"schema": asked.form, "ui": asked.ui},
            "options": list(asked.options),
            "who": asked.who,
            "deadline": asked.deadline_at.isoformat(),
            "default": asked.default if asked.on_timeout == "option" else "",
        }

    def _degraded(self, usage: Mapping[str, Any]) -> dict[str, Any]:
        """What is told of a step that another model did in the wanted one's place; nothing of any other."""
        if not usage.get("degraded"):
            return {}
        return {"degraded": True, "notice": in_words(usage.get("notice") or {}, self._language, "")}

    def _title(self, path: str) -> str:
        """The title that the node has in its own pipeline; behind it the number of the item, from 1."""
        nodes = {node.id: {"title": node.title, "config": node.config} for node in self._graph.nodes}
        number = ""
        found: Mapping[str, Any] = {}
        for part in path.split("!", 1)[0].split("/"):
            name, hashed, item = part.partition("#")
            number = f" {int(item) + 1}" if hashed else number
            found = nodes.get(name, {})
            below = self._parts.get("pipelines", {}).get(found.get("config", {}).get("pipeline"), {})
            nodes = {node["id"]: node for node in below.get("graph", {}).get("nodes", [])}
        return in_words(found.get("title", ""), self._language, node_of(path)) + number


def in_words(title: Any, language: str, otherwise: str) -> str:
    """A title in `language`: a plain text, or texts by language."""
    if isinstance(title, Mapping):
        return str(title.get(language) or title.get("en") or otherwise)
    return str(title or otherwise)


def title_of(graph: Graph, node_id: str, language: str) -> str:
    """The title of a node of `graph` in `language`."""
    return in_words(graph.by_id[node_id].title, language, node_id)
