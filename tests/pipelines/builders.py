"""Graphs in one line each, and an engine whose steps the test can see."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from apps.pipelines.engine.ports import (
    Answered,
    Begun,
    Entry,
    Failed,
    Finished,
    FinishedStep,
    Intended,
    Logged,
    Resumed,
    Skipped,
    Sleeping,
    Waiting,
)
from apps.pipelines.engine.run import Run
from apps.pipelines.graph import parse_graph
from apps.pipelines.nodes.base import BaseNode, NodeConfig, NodeContext, NodeResult

CONFIGS = {
    "condition": {"expression": "true"},
    "prompt": {"prompt": "p"},
    "mcp_tool": {"server": "s", "tool": "t"},
}
WORDS: dict[type, str] = {
    Begun: "begin",
    Finished: "finish",
    Failed: "fail",
    Skipped: "skip",
    Intended: "intend",
    Answered: "answer",
    Waiting: "wait",
    Sleeping: "sleep",
    Logged: "log",
}
E = TypeVar("E")
KINDS = {"c": "condition", "p": "prompt", "t": "mcp_tool", "l": "llm_chat", "w": "work"}


def make_graph(edges: str, **inputs: dict[str, Any]) -> dict[str, Any]:
    """`"start>a a>c1 c1+b c1-end b>end"`: `+` and `-` are a condition's ways; a node's first letter is its type.

    `a` and all other letters are conditions' neighbours of type `llm_chat`.
    """
    found: dict[str, None] = {}
    lines = []
    for word in edges.split():
        sign = next(s for s in ">+-" if s in word)
        source, target = word.split(sign)
        found |= {source: None, target: None}
        lines.append({"source": source, "target": target, "when": {">": "", "+": "true", "-": "false"}[sign]})
    return {"nodes": [make_node(node_id, **inputs.get(node_id, {})) for node_id in found], "edges": lines}


def make_node(node_id: str, **inputs: Any) -> dict[str, Any]:
    kind = node_id if node_id in ("start", "end") else KINDS.get(node_id[0], "llm_chat")
    needed = {"text": "Hello."} if kind == "llm_chat" else {}
    return {"id": node_id, "type": kind, "config": CONFIGS.get(kind, {}), "inputs": inputs or needed}


class Checkpoints:
    """A journal that remembers every entry in order, and what an earlier worker left."""

    def __init__(self, **finished: dict[str, Any]) -> None:
        self.steps = {node: FinishedStep(output, "") for node, output in finished.items()}
        self.left: dict[str, Any] = {}  # more of what `load` tells
        self.log: list[tuple[str, str]] = []
        self.entries: list[Entry] = []
        self.writes = 0

    async def load(self) -> Resumed:
        return Resumed(steps=dict(self.steps), **self.left)

    async def write(self, entries: Sequence[Entry]) -> None:
        self.writes += 1
        for entry in entries:
            self.entries.append(entry)
            self.log.append((WORDS[type(entry)], entry.path))
            if isinstance(entry, Finished):
                self.steps[entry.path] = FinishedStep(entry.result.output, entry.result.branch)

    def told(self, what: str) -> list[str]:
        return [node for kind, node in self.log if kind == what]

    def of(self, kind: type[E]) -> list[E]:
        return [entry for entry in self.entries if isinstance(entry, kind)]


class Sink:
    """Remembers what was shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, Any]] = []

    async def progress(self, node_id: str, fraction: float, message: str) -> None:
        self.shown.append((node_id, fraction))

    async def delta(self, node_id: str, text: str) -> None:
        self.shown.append((node_id, text))


@dataclass
class WorkNode(BaseNode):
    """Does what the test says, by node id; otherwise hands its inputs on."""

    type = "work"
    label = "Work"
    Config = NodeConfig
    default_timeout: float = 5.0
    retries: int = 0
    does: dict[str, Callable[[NodeContext], Awaitable[Any]]] = field(default_factory=dict)
    seen: list[NodeContext] = field(default_factory=list)
    running: int = 0
    most_at_once: int = 0

    async def run(self, context: NodeContext) -> NodeResult:
        self.seen.append(context)
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        try:
            act = self.does.get(context.node_id)
            output = await act(context) if act else dict(context.inputs)
            await asyncio.sleep(0)
        finally:
            self.running -= 1
        return NodeResult(output)


def make_run(edges: str, *, checkpoints: Checkpoints, sink: Sink | None = None, **inputs: dict[str, Any]) -> Run:
    graph = parse_graph(make_graph(edges, **inputs))
    return Run(
        key="task-1",
        graph=graph,
        input={"x": 1, "flag": True},
        parts={},
        files=None,  # type: ignore[arg-type]  # these steps use none
        journal=checkpoints,
        sink=sink or Sink(),
    )
