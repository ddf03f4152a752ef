"""What a node type is."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from django.utils.functional import Promise
from pydantic import BaseModel, ConfigDict

from apps.providers.gateway import Caller


class NodeConfig(BaseModel):
    """A node's own settings; its JSON Schema drives validation, the editor's inspector and the docs."""

    model_config = ConfigDict(extra="forbid")


ConfigClass = type[NodeConfig]


class Files(Protocol):
    """The files of one run, as nodes see them: ids outside, local paths inside."""

    async def fetch(self, file_id: str) -> Path:
        """A local copy of a file the run's owner has. Raises `NotFound`."""

    async def adopt(self, path: Path, *, mime: str, width: int | None, height: int | None, name: str) -> str:
        """Keep a file that the run made; returns its id."""

    async def keep(self, content: bytes, *, mime: str, name: str) -> str:
        """Keep what came inside a tool's answer, pictures as clean copies; returns its id.

        Raises the errors of `storage.errors` for what calls itself a picture and is none.
        """


@dataclass(frozen=True)
class NodeContext:
    """All that a node may know: its inputs, its settings, the released parts, and where to report."""

    node_id: str
    key: str  # stays the same over retries and restarts: task:node:iteration
    inputs: Mapping[str, Any]
    config: Any
    parts: Mapping[str, Any]
    files: Files
    on_progress: Callable[[float, str], Awaitable[None]]
    on_delta: Callable[[str], Awaitable[None]]
    caller: Caller = field(default_factory=Caller)  # what a node asks of models, it asks for them
    again: bool = False  # an earlier worker began this step; nobody knows how far it came


@dataclass(frozen=True)
class NodeResult:
    """What a node produced. `branch` is set by conditions; `usage` is what has to be told or paid."""

    output: Mapping[str, Any]
    branch: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict)


class NodeType(Protocol):
    """One node type; one file in this folder, registered by being there."""

    type: ClassVar[str]
    label: ClassVar[str | Promise]
    Config: ClassVar["ConfigClass"]
    default_timeout: ClassVar[float]
    retries: ClassVar[int]  # how often a retryable failure is tried again; 0 where repeating has an effect

    async def run(self, context: NodeContext) -> NodeResult:
        """Do the work. Raises `ApiError`."""

    def outputs(self, config: Any, parts: Mapping[str, Any]) -> frozenset[str] | None:
        """The names of what it will produce; None when that cannot be known before it ran."""
