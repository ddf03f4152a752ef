"""Drafts to try, and what they are tried with."""

from typing import Any

from apps.pipelines.models import Pipeline, PipelinePin
from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.base import BaseNode, NodeConfig, NodeContext, NodeResult
from apps.tasks.trials.wish import Wish, read_wish
from tests.tasks.builders import echo_graph

ASKS = {"id": "copy", "type": "asks", "inputs": {"text": "Write about {{ start.text }}"}}
CHAT = {"id": "copy", "type": "llm_chat", "inputs": {"text": "Write about {{ start.text }}"}}


def make_pipeline(key: str = "draft", *, graph: dict[str, Any] | None = None) -> Pipeline:
    """A draft that no feature runs; it answers the text that it is given, unless told otherwise."""
    return Pipeline.objects.create(key=key, name=key.title(), graph=graph or echo_graph())


def make_pin(
    pipeline: Pipeline, node: str, output: dict[str, Any], *, name: str = "pin", files: Any = ()
) -> PipelinePin:
    """A saved output of a node."""
    return PipelinePin.objects.create(
        pipeline=pipeline, node=node, name=name, output=output, files=list(files), sha256=""
    )


def wish(**asked: Any) -> Wish:
    """What is asked of a trial, as a body would."""
    return read_wish({"input": {"text": "tea"}, **asked})


def chain(*nodes: dict[str, Any], result: str) -> dict[str, Any]:
    """start -> the nodes in a row -> end, which answers `result` as its text."""
    graph = echo_graph(*nodes)
    graph["nodes"][-1]["inputs"] = {"text": result}
    return graph


class Asks(BaseNode):
    """A node type for tests: asks a model by the way outside, and counts how often that really happens."""

    type = "asks"
    label = "Asks"
    category = "models"
    Config = NodeConfig
    effect = "read"
    default_timeout = 20.0

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.says = "The truth"
        self.failure: Exception | None = None

    async def run(self, context: NodeContext) -> NodeResult:
        async def do(key: str) -> dict[str, Any]:
            self.asked.append(key)
            if self.failure:
                raise self.failure
            return {"text": self.says, "model": "real", "usage": {"cost_micro": 30, "model_used": "real"}}

        request = {"messages": [{"role": "user", "content": context.inputs["text"]}], "options": {}}
        answer = await context.outside.call("model", "chat/real", request, do, repeatable=True)
        await context.on_delta(answer["text"])
        return NodeResult({"text": answer["text"], "model": answer["model"]}, usage=answer["usage"])


def register_asks(monkeypatch: Any) -> Asks:
    """Make `asks` a node type for the length of a test."""
    asks = Asks()
    monkeypatch.setitem(node_types(), "asks", asks)
    return asks
