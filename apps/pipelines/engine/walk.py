"""Walks one graph: what becomes ready is started, what nothing leads to is skipped.

A node that joins all ways (the usual one) is ready when every edge into it is decided and one at least is taken. A node
that joins any way is ready with the first that is taken; what leads only there is not needed from then on, and is
skipped, or stopped where it runs. When every edge is decided and none is taken, the node is skipped, and its own edges
are not taken.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from apps.core.errors import ApiError
from apps.pipelines.engine.nested import Inner
from apps.pipelines.engine.pauses import Held, earliest, is_over, leaves_of
from apps.pipelines.engine.ports import FinishedStep, Skipped
from apps.pipelines.engine.scope import Scope
from apps.pipelines.engine.step import SHORT_SLEEP_SECONDS, Outcome, Step
from apps.pipelines.engine.work import Work
from apps.pipelines.errors import NodeCrashed, NoEndReached
from apps.pipelines.graph import Edge, Graph
from apps.pipelines.nodes.base import Asked, Nested, Pause, Slept

__all__ = ["Held", "Walk", "Work"]


class Walk:
    """One graph of a run: the main one, or one below a step."""

    def __init__(
        self,
        work: Work,
        graph: Graph,
        *,
        input: Mapping[str, Any],
        given: Mapping[str, Mapping[str, Any]] | None = None,
        prefix: str = "",
        depth: int = 0,
        quiet: bool = False,
    ) -> None:
        self.work = work
        self.graph = graph
        self.prefix = prefix
        self.depth = depth
        self.quiet = quiet
        self.steps: dict[str, FinishedStep] = {}
        self.usage: dict[str, Mapping[str, Any]] = {}
        self.scope = Scope(graph, work, input=input, given=given or {})
        self._unreached: deque[str] = deque()
        self._waiting: dict[str, Pause] = {}
        self._working: dict[asyncio.Task[Outcome], Step] = {}
        self._open = {node.id: len(graph.incoming.get(node.id, ())) for node in graph.nodes}
        self._taken: set[str] = set()
        self._ready = deque(node_id for node_id in graph.order if not self._open[node_id])
        self._ended: deque[asyncio.Task[Outcome]] = deque()
        self._bell = asyncio.Event()
        self._started: set[str] = set()
        self._joined: set[str] = set()  # nodes that go with the first way, and have it
        self._unneeded: set[str] = set()  # what leads only to those

    async def run(self) -> Mapping[str, Any]:
        """The output of the end node, or nothing where none was reached. Raises `ApiError`, `Held`, `Abandoned`."""
        self.work.bells.add(self._bell)
        self.work.pen.refused.add_done_callback(self._ring)
        try:
            self._recall()
            self._start_ready()
            while self._working or self._sleeps_shortly():
                await self._news()
                self._collect()
                self._wake()
                self._start_ready()
        finally:
            self.work.bells.discard(self._bell)
            self.work.pen.refused.remove_done_callback(self._ring)
            await self._cancel()
        if self._waiting:
            raise Held(dict(leaf for at, pause in self._waiting.items() for leaf in self._leaves(at, pause)))
        for node in self.graph.of_type("end"):
            if node.id in self.steps:
                return self.steps[node.id].output
        return {}

    async def output(self) -> Mapping[str, Any]:
        """The output of the end node. Raises `NoEndReached` too."""
        made = await self.run()
        if not any(node.id in self.steps for node in self.graph.of_type("end")):
            raise NoEndReached()
        return made

    # --- what earlier claims left -------------------------------------------------------------

    def _recall(self) -> None:
        for node_id in self.graph.order:
            path = self.prefix + node_id
            if (step := self.work.steps.get(path)) is not None:
                self._started.add(node_id)
                self.scope.recall(node_id, step)
                self._decide(node_id, step)
            elif path in self.work.skipped:
                self._started.add(node_id)
                self._skip(node_id)

    def _still_waits(self, path: str) -> Pause | None:
        """The pause that the step went into before, when it is not over."""
        if isinstance(said := self.work.questions.get(path), Asked):
            return said
        for name, doubt in self.work.questions.items():
            if name.startswith(f"{path}!") and isinstance(doubt, Asked):
                return Held({name: doubt})
        until = self.work.sleeping.get(path)
        return Slept(until) if until is not None and until > datetime.now(UTC) else None

    # --- going on -----------------------------------------------------------------------------

    def _start_ready(self) -> None:
        while self._ready or self._unreached:
            if self._unreached:
                self._skip(self._unreached.popleft())
                continue
            node_id = self._ready.popleft()
            if node_id in self._started:
                continue
            self._started.add(node_id)
            if node_id in self._unneeded:
                self._skip(node_id)
            elif (pause := self._still_waits(self.prefix + node_id)) is not None:
                self._waiting[node_id] = pause
            else:
                self._start(node_id)

    def _start(self, node_id: str) -> None:
        node = self.graph.by_id[node_id]
        step = Step(
            work=self.work,
            node=node,
            path=self.prefix + node_id,
            inputs=lambda: self.scope.inputs_of(node),
            nested=self._nested,
            variables=self.scope.variables,
            quiet=self.quiet,
        )
        task = asyncio.create_task(step.run(), name=step.path)
        self._working[task] = step
        task.add_done_callback(self._end)

    def _nested(self, step: Step) -> Nested:
        return Inner(self.work, step, depth=self.depth + 1, quiet=self.quiet, walk=Walk)

    def _end(self, task: "asyncio.Task[Outcome]") -> None:
        self._ended.append(task)
        self._bell.set()

    def _ring(self, _future: object) -> None:
        self._bell.set()

    async def _news(self) -> None:
        """Wait until a step ended, an answer came, or a sleeper is due."""
        until = earliest(pause for at, waits in self._waiting.items() for _, pause in self._leaves(at, waits))
        timer = None
        if until is not None:
            seconds = max((until - datetime.now(UTC)).total_seconds(), 0)
            timer = asyncio.get_running_loop().call_later(seconds, self._bell.set)
        try:
            await self._bell.wait()
        finally:
            if timer:
                timer.cancel()
        self._bell.clear()
        self.work.pen.check()

    def _collect(self) -> None:
        while self._ended:
            task = self._ended.popleft()
            step = self._working.pop(task, None)
            if step is None:
                continue
            outcome = self._outcome_of(task, step.node.id)
            if outcome is None:
                self._skip(step.node.id)
            elif isinstance(outcome, Pause):
                self._waiting[step.node.id] = outcome
            else:
                self.usage[step.node.id] = step.usage
                self.scope.add(step.node.id, outcome)
                self._decide(step.node.id, outcome)

    def _outcome_of(self, task: "asyncio.Task[Outcome]", node_id: str) -> Outcome | None:
        """What the step came to; None where that is of no concern any more."""
        if node_id in self._unneeded:
            failed = task.cancelled() or isinstance(task.exception(), ApiError)
            return None if failed or isinstance(task.result(), Pause) else task.result()
        if task.cancelled():  # nobody but the node itself did that
            raise NodeCrashed(node=node_id)
        return task.result()

    def _wake(self) -> None:
        """Run again what no longer waits."""
        over = [at for at, pause in self._waiting.items() if is_over(self.prefix + at, pause, self.work.questions)]
        for node_id in over:
            del self._waiting[node_id]
            self._start(node_id)

    def _sleeps_shortly(self) -> bool:
        """Whether all that is left to do comes in a moment; a pause would cost more."""
        until = earliest(pause for at, waits in self._waiting.items() for _, pause in self._leaves(at, waits))
        return until is not None and (until - datetime.now(UTC)).total_seconds() <= SHORT_SLEEP_SECONDS

    def _leaves(self, node_id: str, pause: Pause) -> list[tuple[str, Pause]]:
        return list(leaves_of(self.prefix + node_id, pause).items())

    # --- edges --------------------------------------------------------------------------------

    def _decide(self, node_id: str, step: FinishedStep) -> None:
        self.steps[node_id] = step
        for edge in self.graph.outgoing.get(node_id, ()):
            self._edge(edge, taken=_takes(step, edge.when))

    def _skip(self, node_id: str) -> None:
        path = self.prefix + node_id
        if not self.quiet and path not in self.work.skipped:
            self.work.pen.add(Skipped(path, self.graph.by_id[node_id].type))
        for edge in self.graph.outgoing.get(node_id, ()):
            self._edge(edge, taken=False)

    def _edge(self, edge: Edge, *, taken: bool) -> None:
        target = self.graph.by_id.get(edge.target)
        if target is None:
            return
        self._open[target.id] -= 1
        if taken:
            self._taken.add(target.id)
            self.scope.lead(edge)
        decided = not self._open[target.id]
        if target.id in self._taken:
            if decided or target.policy.join == "any":
                self._ready.append(target.id)
            if target.policy.join == "any" and target.id not in self._joined:
                self._joined.add(target.id)
                self._leave()
        elif decided and target.id not in self._started:
            self._started.add(target.id)
            self._unreached.append(target.id)

    def _leave(self) -> None:
        """Give up what leads only to nodes that went with another way."""
        for node_id in reversed(self.graph.order):
            behind = {edge.target for edge in self.graph.outgoing.get(node_id, ())}
            if behind and behind <= self._joined | self._unneeded:
                self._unneeded.add(node_id)
        for task, step in self._working.items():
            if step.node.id in self._unneeded:
                self.work.calls.leaving.leave(step.path, task)
        for node_id in self._unneeded & self._waiting.keys():
            del self._waiting[node_id]
            self._unreached.append(node_id)

    async def _cancel(self) -> None:
        for task in self._working:
            task.cancel()
        if self._working:
            await asyncio.gather(*self._working, return_exceptions=True)


def _takes(step: FinishedStep, when: str) -> bool:
    """Whether the way `when` is taken. A failure that went on takes its way `error` alone."""
    failed = step.error is not None and step.branch == "error"
    return when == step.branch or (when == "" and not failed)
