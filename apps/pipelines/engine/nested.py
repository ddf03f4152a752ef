"""Runs other pipelines of the release as part of a step, one level deeper."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from apps.core.errors import ApiError
from apps.pipelines.engine.ports import Failed, Finished, FinishedStep
from apps.pipelines.engine.step import LIGHT, Step
from apps.pipelines.engine.values import frozen, weight
from apps.pipelines.engine.work import Work
from apps.pipelines.errors import PipelineNotThere, Recalled, RunLimit, TooDeep
from apps.pipelines.graph import Graph, parse_graph
from apps.pipelines.nodes.base import NodeResult
from apps.pipelines.parts import MAX_DEPTH

ITEM: Final = "item"  # the type under which an item's result is kept
TOLD_ITEMS: Final = 100  # of the items behind, only the results are kept: 10,000 items are 10,000 rows, not 100,000


class Walks(Protocol):
    async def output(self) -> Mapping[str, Any]: ...


class MakesWalk(Protocol):
    def __call__(
        self, work: Work, graph: Graph, *, input: Mapping[str, Any], prefix: str, depth: int, quiet: bool
    ) -> Walks: ...


class Inner:
    """The pipelines below one step."""

    def __init__(self, work: Work, step: Step, *, depth: int, quiet: bool, walk: MakesWalk) -> None:
        self._work = work
        self._step = step
        self._depth = depth
        self._quiet = quiet
        self._walk = walk

    async def run(self, pipeline: str, given: Mapping[str, Any], *, item: int | None = None) -> Mapping[str, Any]:
        path = self._step.path if item is None else f"{self._step.path}#{item}"
        if item is not None and (known := self._work.steps.get(path)) is not None:
            if known.error is None:
                kept: Mapping[str, Any] = frozen(await self._work.shelf.fill(known.output))
                return kept
            if not self._step.tried:  # a failure is met again by whoever goes on, and tried again by a retry
                raise Recalled(known.error)
        walk = self._walk(
            self._work,
            self._graph(pipeline),
            input=given,
            prefix=f"{path}/",
            depth=self._depth,
            quiet=self._quiet or (item is not None and item >= TOLD_ITEMS),
        )
        if item is None:
            return await walk.output()
        return await self._item(path, walk)

    async def _item(self, path: str, walk: Walks) -> Mapping[str, Any]:
        try:
            output = await walk.output()
        except RunLimit:
            raise
        except ApiError as exc:
            self._work.pen.add(Failed(path, ITEM, exc, goes_on=True))
            raise
        kept = output if weight(output) < LIGHT else await self._work.shelf.keep(output)
        self._work.pen.add(Finished(path, ITEM, NodeResult(kept)))
        self._work.steps[path] = FinishedStep(output, "")
        return output

    def _graph(self, pipeline: str) -> Graph:
        """Raises `TooDeep` or `PipelineNotThere`."""
        if self._depth > MAX_DEPTH:
            raise TooDeep(pipeline=pipeline, most=MAX_DEPTH)
        known = self._work.graphs.get(pipeline)
        if known is None:
            frozen_part = self._work.parts.get("pipelines", {}).get(pipeline)
            if frozen_part is None:
                raise PipelineNotThere(pipeline=pipeline)
            known = self._work.graphs[pipeline] = parse_graph(frozen_part["graph"])
        return known
