"""Runs other pipelines of the release as part of a step, one level deeper."""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any, Final, Protocol

from apps.core.errors import ApiError
from apps.pipelines.engine.budget import Budget
from apps.pipelines.engine.ports import Failed, Finished, FinishedStep
from apps.pipelines.engine.step import LIGHT, Step
from apps.pipelines.engine.values import frozen, weight
from apps.pipelines.engine.work import Work
from apps.pipelines.errors import PipelineLimit, PipelineNotThere, Recalled, RunLimit, TooDeep
from apps.pipelines.graph import Graph, Limits, parse_graph
from apps.pipelines.nodes.base import NodeResult
from apps.pipelines.parts import MAX_DEPTH

UNLIMITED: Final = Limits()
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
        graph = self._graph(pipeline)
        work = self._work if graph.limits == UNLIMITED else self._work.within(path, graph.limits)
        walk = self._walk(
            work,
            graph,
            input=given,
            prefix=f"{path}/",
            depth=self._depth,
            quiet=self._quiet or (item is not None and item >= TOLD_ITEMS),
        )
        made = walk.output() if work is self._work else self._within_limits(pipeline, work.budget, walk)
        return await made if item is None else await self._item(path, made)

    async def _within_limits(self, pipeline: str, budget: Budget, walk: Walks) -> Mapping[str, Any]:
        """Raises `PipelineLimit` when the pipeline used up what it may itself."""
        limit = asyncio.timeout(budget.seconds_left)
        try:
            with budget.running():
                async with limit:
                    return await walk.output()
        except TimeoutError:
            if limit.expired():
                raise PipelineLimit(pipeline=pipeline, what=budget.too_long().text()) from None
            raise
        except RunLimit as exc:
            if budget.reached(exc):
                raise PipelineLimit(pipeline=pipeline, what=exc.text()) from exc
            raise

    async def _item(self, path: str, made: Awaitable[Mapping[str, Any]]) -> Mapping[str, Any]:
        try:
            output = await made
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
