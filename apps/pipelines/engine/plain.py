"""The way outside of a run that records nothing: calls are simply made."""

from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from typing import Any

from apps.pipelines.errors import PipelineNotThere
from apps.pipelines.nodes.context import Json, OutsideKind


class Direct:
    """Makes each call of one step. `prefix` is the step's own key."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._numbers = count()

    async def call(
        self,
        kind: OutsideKind,
        address: str,
        request: Json,
        do: Callable[[str], Awaitable[Json]],
        *,
        repeatable: bool,
    ) -> Json:
        return await do(f"{self._prefix}:{next(self._numbers)}")


class Alone:
    """Runs no other pipelines."""

    async def run(self, pipeline: str, given: Mapping[str, Any], *, item: int | None = None) -> Mapping[str, Any]:
        raise PipelineNotThere(pipeline=pipeline)
