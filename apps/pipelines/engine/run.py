"""Runs a graph: ready nodes concurrently, finished ones never again.

A node is ready when all its incoming edges are decided and at least one is taken; when none is, it is skipped and
its own edges are not taken. A step counts as done when its checkpoint is written.
"""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from apps.core.errors import ApiError
from apps.pipelines.engine.plain import Alone, Direct
from apps.pipelines.engine.ports import Checkpoints, FinishedStep, Sink
from apps.pipelines.errors import NodeCrashed, NodeTimeout, NoEndReached
from apps.pipelines.graph import Edge, Graph, Node
from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.base import Files, NodeContext, NodeResult
from apps.pipelines.nodes.context import LogLevel
from apps.pipelines.wiring import resolve
from apps.providers.gateway import Caller

log = structlog.get_logger("pipelines")

BACKOFF_SECONDS = 0.5


@dataclass(frozen=True)
class Run:
    """One run of a graph."""

    key: str  # prefix of every external call's key
    graph: Graph
    input: Mapping[str, Any]
    parts: Mapping[str, Any]
    files: Files
    checkpoints: Checkpoints
    sink: Sink
    caller: Caller = field(default_factory=Caller)  # for whom its nodes ask models, and whose budgets pay
    language: str = "en"


async def execute(run: Run) -> dict[str, Any]:
    """The output of the end node.

    Raises the `ApiError` of the step that failed, after the steps beside it were cancelled, and whatever the
    checkpoints raise when the run now belongs to somebody else.
    """
    steps = await run.checkpoints.finished()
    skipped: set[str] = set()
    working: dict[asyncio.Task[FinishedStep], str] = {}
    try:
        while True:
            await _advance(run, steps, skipped, working)
            if not working:
                break
            done, _pending = await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                steps[working.pop(task)] = task.result()
    finally:
        await _cancel(working)
    for node in run.graph.of_type("end"):
        if node.id in steps:
            return dict(steps[node.id].output)
    raise NoEndReached()


async def _advance(
    run: Run,
    steps: dict[str, FinishedStep],
    skipped: set[str],
    working: dict[asyncio.Task[FinishedStep], str],
) -> None:
    """Start what became ready and skip what no branch reaches; skipping one may decide the next."""
    for node_id in run.graph.order:
        if node_id in steps or node_id in skipped or node_id in working.values():
            continue
        verdict = _verdict(run.graph.incoming.get(node_id, []), steps, skipped)
        if verdict == "ready":
            step = _step(run, run.graph.by_id[node_id], dict(steps))
            working[asyncio.create_task(step, name=f"step-{node_id}")] = node_id
        elif verdict == "skip":
            await run.checkpoints.skip(node_id)
            skipped.add(node_id)


def _verdict(incoming: list[Edge], steps: Mapping[str, FinishedStep], skipped: set[str]) -> str:
    if any(edge.source not in steps and edge.source not in skipped for edge in incoming):
        return "wait"
    taken = [e for e in incoming if e.source in steps and e.when in ("", steps[e.source].branch)]
    return "ready" if taken or not incoming else "skip"


async def _step(run: Run, node: Node, steps: Mapping[str, FinishedStep]) -> FinishedStep:
    again = await run.checkpoints.begin(node.id)
    try:
        result = await _attempts(run, node, steps, again=again)
    except ApiError as exc:
        await run.checkpoints.fail(node.id, exc)
        raise
    await run.checkpoints.finish(node.id, result)
    return FinishedStep(result.output, result.branch)


async def _attempts(run: Run, node: Node, steps: Mapping[str, FinishedStep], *, again: bool) -> NodeResult:
    """The node's result, tried again after retryable failures with exponential backoff and full jitter."""
    kind = node_types()[node.type]
    for attempt in range(kind.retries + 1):
        try:
            context = _context(run, node, steps, attempt + 1, again=again)
            return await asyncio.wait_for(kind.run(context), kind.default_timeout)
        except TimeoutError as exc:
            failure: ApiError = NodeTimeout(node=node.id, seconds=int(kind.default_timeout))
            failure.__cause__ = exc
        except ApiError as exc:
            failure = exc
        except Exception as exc:
            log.exception("node.crashed", node=node.id, type=node.type)
            failure = NodeCrashed(node=node.id)
            failure.__cause__ = exc
        if not failure.retryable or attempt == kind.retries:
            raise failure
        log.warning("node.retry", node=node.id, code=failure.code, attempt=attempt + 1)
        await asyncio.sleep(random.uniform(0, BACKOFF_SECONDS * 2**attempt))  # noqa: S311 - jitter
    raise AssertionError("unreachable")


def _context(run: Run, node: Node, steps: Mapping[str, FinishedStep], attempt: int, *, again: bool) -> NodeContext:
    outputs = {node_id: step.output for node_id, step in steps.items()}
    inputs = run.input if node.type == "start" else {n: resolve(t, outputs) for n, t in node.inputs.items()}

    async def on_progress(fraction: float, message: str) -> None:
        await run.sink.progress(node.id, fraction, message)

    async def on_delta(text: str) -> None:
        await run.sink.delta(node.id, text)

    async def on_log(level: LogLevel, message: str) -> None:
        log.info("node.says", node=node.id, level=level, message=message)

    key = f"{run.key}:{node.id}:0"
    return NodeContext(
        node_id=node.id,
        path=node.id,
        key=key,
        attempt=attempt,
        inputs=inputs,
        config=node_types()[node.type].Config.model_validate(dict(node.config)),
        parts=run.parts,
        variables={variable.name: variable.value for variable in run.graph.variables},
        caller=replace(run.caller, step=key),
        language=run.language,
        files=run.files,
        outside=Direct(key),
        nested=Alone(),
        resumed=None,
        log=on_log,
        on_progress=on_progress,
        on_delta=on_delta,
        spent=lambda: 0,
        left=lambda: None,
        again=again,
    )


async def _cancel(working: Mapping[asyncio.Task[FinishedStep], str]) -> None:
    for task in working:
        task.cancel()
    if working:
        await asyncio.gather(*working, return_exceptions=True)
