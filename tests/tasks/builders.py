"""Small released features and tasks."""

import asyncio
from itertools import pairwise
from typing import Any

from apps.accounts.models import User
from apps.features.models import Feature, MenuGroup
from apps.features.services import publish_feature
from apps.pipelines.models import Pipeline
from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.base import BaseNode, NodeConfig, NodeContext, NodeResult
from apps.tasks.models import Task
from apps.tasks.services import create_task

TEXT_FORM = {
    "type": "object",
    "required": ["text"],
    "additionalProperties": False,
    "properties": {
        "text": {"type": "string", "minLength": 2, "maxLength": 50},
        "size": {"type": "integer", "minimum": 1, "maximum": 9, "default": 3},
        "image": {"type": "string", "format": "file", "contentMediaType": "image/*"},
    },
}


def echo_graph(*middle: dict[str, Any]) -> dict[str, Any]:
    """start -> the given nodes in a row -> end, which answers the text of the form."""
    nodes = [
        {"id": "start", "type": "start"},
        *middle,
        {"id": "end", "type": "end", "inputs": {"text": "{{ start.text }}"}},
    ]
    edges = [{"source": a["id"], "target": b["id"]} for a, b in pairwise(nodes)]
    return {"nodes": nodes, "edges": edges}


def make_feature(
    key: str = "echo", *, cost: int = 5, graph: dict[str, Any] | None = None, publish: bool = True
) -> Feature:
    """A feature that answers its input; released unless told otherwise."""
    menu, _created = MenuGroup.objects.get_or_create(key="tests", defaults={"title": "Tests"})
    pipeline = Pipeline.objects.create(key=key, name=key, graph=graph or echo_graph())
    feature = Feature.objects.create(
        key=key,
        title=key.title(),
        menu=menu,
        cost=cost,
        pipeline=pipeline,
        form_schema=TEXT_FORM,
        output_schema={"type": "object", "properties": {"text": {"type": "string"}}},
    )
    if publish:
        publish_feature(key, by=None)
    return feature


def make_task(user: User, *, feature: str = "echo", text: str = "hello") -> Task:
    """A queued task."""
    return create_task(user, feature=feature, given={"text": text})


class Gate(BaseNode):
    """A node type for tests: counts its runs and waits until it is let through."""

    type = "gate"
    label = "Gate"
    Config = NodeConfig
    default_timeout = 20.0
    retries = 0

    def __init__(self) -> None:
        self.runs: list[str] = []
        self.entered = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()
        self.failure: Exception | None = None

    async def run(self, context: NodeContext) -> NodeResult:
        self.runs.append(context.node_id)
        self.entered.set()
        await self.open.wait()
        if self.failure:
            raise self.failure
        return NodeResult({})


def register_gate(monkeypatch: Any) -> Gate:
    """Make `gate` a node type for the length of a test."""
    gate = Gate()
    monkeypatch.setitem(node_types(), "gate", gate)
    return gate
