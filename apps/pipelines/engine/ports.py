"""What the engine needs from the app that runs it: where steps are kept, and who hears of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from apps.core.errors import ApiError
from apps.pipelines.nodes.base import NodeResult


@dataclass(frozen=True)
class FinishedStep:
    """A step that needs no repeating."""

    output: Mapping[str, Any]
    branch: str


class Checkpoints(Protocol):
    """Every method is one transaction and raises when the run was taken over by another worker."""

    async def finished(self) -> dict[str, FinishedStep]:
        """The steps that were completed before, by node id."""

    async def begin(self, node_id: str) -> bool:
        """The step starts; whether it did before, so that nobody knows how far it came."""

    async def finish(self, node_id: str, result: NodeResult) -> None:
        """The step's result, with its usage."""

    async def fail(self, node_id: str, error: ApiError) -> None:
        """The step failed for good."""

    async def skip(self, node_id: str) -> None:
        """No branch leads here."""


class Sink(Protocol):
    """Hears what is worth showing while a step runs."""

    async def progress(self, node_id: str, fraction: float, message: str) -> None: ...

    async def delta(self, node_id: str, text: str) -> None: ...
