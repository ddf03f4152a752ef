"""The least that a run can be given: calls are simply made, values stay where they are, nothing runs below."""

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


class Inline:
    """Keeps values where they are, however large."""

    async def keep(self, value: Json) -> Json:
        return value

    async def fill(self, value: Json) -> Json:
        return value
