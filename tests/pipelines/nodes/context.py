"""A run of one node, in memory: what it asked outside is recorded, and can be played back."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.base import NodeContext, NodeResult
from apps.providers.gateway import Caller


def frozen(value: Any) -> Any:
    """`value` as the engine hands it out: nothing in it can be changed."""
    if isinstance(value, Mapping):
        return MappingProxyType({name: frozen(inner) for name, inner in value.items()})
    return tuple(map(frozen, value)) if isinstance(value, list | tuple) else value


@dataclass
class Outside:
    """Makes each call and remembers it; `known` answers are given back instead, as to a step that is resumed."""

    known: list[Any] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)

    async def call(
        self, kind: str, address: str, request: Any, do: Callable[[str], Awaitable[Any]], *, repeatable: bool
    ) -> Any:
        number = len(self.calls)
        self.calls.append({"kind": kind, "address": address, "request": request, "repeatable": repeatable})
        answer = self.known[number] if number < len(self.known) else await do(f"task:{number}")
        self.answers.append(answer)
        return frozen(answer)


@dataclass
class Nested:
    """Runs what the test says instead of pipelines."""

    act: Callable[[Mapping[str, Any], int | None], Awaitable[Mapping[str, Any]]] | None = None
    runs: list[tuple[str, Any, int | None]] = field(default_factory=list)

    async def run(self, pipeline: str, given: Mapping[str, Any], *, item: int | None = None) -> Mapping[str, Any]:
        self.runs.append((pipeline, dict(given), item))
        assert self.act is not None
        return await self.act(given, item)


@dataclass
class Files:
    """Files by id in one folder."""

    folder: Path
    kept: list[tuple[str, str, bytes]] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    def add(self, file_id: str, content: bytes) -> str:
        (self.folder / file_id).write_bytes(content)
        return file_id

    async def fetch(self, file_id: str) -> Path:
        self.fetched.append(file_id)
        return self.folder / file_id

    async def adopt(self, path: Path, *, mime: str, width: int | None, height: int | None, name: str) -> str:
        return await self.keep(path.read_bytes(), mime=mime, name=name)  # noqa: ASYNC240 - small, and a test

    async def keep(self, content: bytes, *, mime: str, name: str) -> str:
        self.kept.append((name, mime, content))
        return self.add(f"kept-{len(self.kept)}", content)


@dataclass
class Said:
    """What a node told while it ran."""

    deltas: list[str] = field(default_factory=list)
    progress: list[tuple[float, str]] = field(default_factory=list)
    logs: list[tuple[str, str]] = field(default_factory=list)


def make_context(kind: str, config: Mapping[str, Any], inputs: Mapping[str, Any], **fields: Any) -> NodeContext:
    """A context whose helpers remember; `said` is where the node's words go."""
    said: Said = fields.pop("said", Said())

    async def log(level: str, message: str) -> None:
        said.logs.append((level, message))

    async def on_progress(fraction: float, message: str) -> None:
        said.progress.append((fraction, message))

    async def on_delta(text: str) -> None:
        said.deltas.append(text)

    made = NodeContext(
        node_id="it",
        path="it",
        key="task:it:0",
        attempt=1,
        inputs=frozen(inputs),
        config=node_types()[kind].Config.model_validate(config),
        parts={},
        variables={},
        caller=Caller(),
        language="en",
        files=Files(Path("nowhere")),
        outside=Outside(),  # type: ignore[arg-type]  # literals are texts here
        nested=Nested(),
        resumed=None,
        log=log,
        on_progress=on_progress,
        on_delta=on_delta,
        spent=lambda: 0,
        left=lambda: None,
    )
    return replace(made, **fields)


async def arun(kind: str, config: Mapping[str, Any], inputs: Mapping[str, Any], **fields: Any) -> NodeResult:
    """The node's result. Raises what it raises."""
    return await node_types()[kind].run(make_context(kind, config, inputs, **fields))


def mistakes(kind: str, config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the node says of its settings: setting and reason."""
    node = node_types()[kind]
    return [(setting, error.reason) for setting, error in node.mistakes(node.Config.model_validate(config))]
