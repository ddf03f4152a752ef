"""Drafts to try, and what they are tried with."""

from typing import Any

from apps.pipelines.models import Pipeline, PipelinePin
from apps.tasks.trials.wish import Wish, read_wish
from tests.tasks.builders import echo_graph

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
