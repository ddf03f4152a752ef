"""Runs a graph: ready nodes concurrently, finished ones never again.

A step counts as done when the journal has kept it. Steps that only compute are kept together with what follows them;
before anything is changed outside, everything that led to it has been kept.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.pipelines.engine.below import Below
from apps.pipelines.engine.budget import Budget, strictest
from apps.pipelines.engine.outside import Calls, directly
from apps.pipelines.engine.pen import Abandoned, Pen
from apps.pipelines.engine.plain import Inline
from apps.pipelines.engine.ports import Journal, Paused, Resumed, Shelf, Sink, Through
from apps.pipelines.engine.values import frozen
from apps.pipelines.engine.walk import Held, Walk, Work
from apps.pipelines.errors import NoEndReached
from apps.pipelines.graph import Graph, Limits
from apps.pipelines.nodes.base import Files, NodeResult
from apps.providers.gateway import Caller

__all__ = ["Paused", "Run", "execute", "execute_step"]


@dataclass(frozen=True)
class Run:
    """One run of a graph."""

    key: str  # prefix of every external call's key
    graph: Graph
    input: Mapping[str, Any]
    parts: Mapping[str, Any]
    files: Files
    journal: Journal
    sink: Sink
    caller: Caller = field(default_factory=Caller)  # for whom its nodes ask models, and whose budgets pay
    language: str = "en"
    facts: Mapping[str, Any] = field(default_factory=dict)  # what `{{ run.… }}` reads
    shelf: Shelf = field(default_factory=Inline)
    through: Through = directly
    pinned: Mapping[str, NodeResult] = field(default_factory=dict)  # results by path, of steps that are not to run
    limits: Limits = field(default_factory=Limits)  # the installation's; the graph's own may be stricter
    worked: float = 0.0  # seconds that earlier claims took
    news: asyncio.Event | None = None  # set when a question was answered while the run goes on
    grouped: bool = True  # False gives every entry of the journal its own transaction


async def execute(run: Run) -> dict[str, Any]:
    """The output of the end node.

    Raises the `ApiError` of the step that failed, after the steps beside it were cancelled; `Paused` when people or
    clocks have to go on; whatever the journal raises when the run now belongs to somebody else.
    """
    return dict((await _opened(run, run.graph, None)).output)


async def execute_step(run: Run, node_id: str, inputs: Mapping[str, Any]) -> NodeResult:
    """What one node of the run's graph makes of `inputs`; nothing runs before it or behind. Raises the same."""
    alone = Graph((run.graph.by_id[node_id],), (), run.graph.variables, run.graph.limits)
    return await _opened(run, alone, {node_id: inputs})


async def _opened(run: Run, graph: Graph, given: Mapping[str, Mapping[str, Any]] | None) -> NodeResult:
    resumed = await run.journal.load()
    pen = Pen(run.journal, grouped=run.grouped)
    work = _work(run, pen, resumed)
    walk = Walk(work, graph, input=run.input, given=given or {})
    listener = asyncio.create_task(_listen(run, run.news, work)) if run.news else None
    try:
        try:
            await _in_time(work, walk)
        finally:
            # What was done is kept, also of a run that fails or is cancelled; of one that was taken over nothing is.
            with contextlib.suppress(Abandoned):
                await asyncio.shield(pen.commit())
        await pen.commit()
        return _result(walk, graph, given)
    except Held as held:
        await pen.commit()
        raise held.as_paused() from None
    except Abandoned as exc:
        raise exc.__cause__ or exc from None
    finally:
        if listener:
            listener.cancel()
        await pen.close()


def _work(run: Run, pen: Pen, resumed: Resumed) -> Work:
    limits = strictest(run.limits, run.graph.limits)
    budget = Budget(limits, spent=resumed.spent_micro, steps=sum(resumed.attempts.values()), worked=run.worked)
    questions = dict(resumed.questions)
    calls = Calls(pen, run.shelf, budget, run.through, dict(resumed.calls), questions)
    return Work(
        key=run.key,
        parts=run.parts,
        files=run.files,
        sink=run.sink,
        caller=run.caller,
        language=run.language,
        facts=frozen(run.facts),
        pinned=run.pinned,
        shelf=run.shelf,
        pen=pen,
        budget=budget,
        calls=calls,
        steps=dict(resumed.steps),
        skipped=set(resumed.skipped),
        attempts=dict(resumed.attempts),
        questions=questions,
        sleeping=dict(resumed.sleeping),
        below=Below(resumed.calls, resumed.attempts),
    )


async def _in_time(work: Work, walk: Walk) -> None:
    limit = asyncio.timeout(work.budget.seconds_left)
    try:
        with work.budget.running():
            async with limit:
                await walk.run()
    except TimeoutError:
        if limit.expired():
            raise work.budget.too_long() from None
        raise


def _result(walk: Walk, graph: Graph, given: Mapping[str, Any] | None) -> NodeResult:
    wanted = list(given) if given else [node.id for node in graph.of_type("end")]
    for node_id in wanted:
        if (step := walk.steps.get(node_id)) is not None:
            return NodeResult(step.output, step.branch, dict(walk.usage.get(node_id, {})))
    raise NoEndReached()


async def _listen(run: Run, news: asyncio.Event, work: Work) -> None:
    """Learn of answers that come while the run goes on."""
    while True:
        await news.wait()
        news.clear()
        work.questions.update((await run.journal.load()).questions)
        work.ring()
