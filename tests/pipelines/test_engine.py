"""The engine: order, concurrency, branches, retries, and never a finished step again."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from apps.core.errors import ApiError
from apps.pipelines.engine import step as engine
from apps.pipelines.engine.ports import Begun
from apps.pipelines.engine.run import execute
from apps.pipelines.errors import NodeCrashed, NodeTimeout, NoEndReached, PipelineNotThere, ReferenceMissing
from apps.pipelines.graph import Variable
from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.base import NodeContext
from apps.providers.gateway import Caller
from tests.pipelines.builders import CONFIGS, Checkpoints, Sink, WorkNode, make_run

CONDITION = {"c1": {"flag": "{{ start.flag }}"}}


# Without codes: those would enter the catalogue of the product's errors.
class Passing(ApiError):
    retryable, message = True, "Try again."


class Lasting(ApiError):
    message = "Never."


@pytest.fixture
def work(monkeypatch):
    node = WorkNode()
    monkeypatch.setitem(node_types(), "work", node)
    monkeypatch.setattr(engine, "BACKOFF_SECONDS", 0.01)
    return node


def go(edges: str, checkpoints: Checkpoints, sink: Sink | None = None, **inputs: dict[str, Any]) -> dict[str, Any]:
    return async_to_sync(execute)(make_run(edges, checkpoints=checkpoints, sink=sink, **inputs))


def test_execute__line__runs_in_order_and_gives_the_ends_inputs(work):
    kept = Checkpoints()

    inputs = {"w1": {"x": "{{ start.x }}"}, "w2": {"x": "{{ w1.x }}"}, "end": {"y": "{{ w2.x }}"}}
    output = go("start>w1 w1>w2 w2>end", kept, **inputs)

    assert output == {"y": 1}
    assert kept.log == [(what, node) for node in ("start", "w1", "w2", "end") for what in ("begin", "finish")]


def test_execute__branches__really_run_at_the_same_time(work):
    meeting = asyncio.Barrier(3)

    async def meet(_context: Any) -> dict[str, Any]:
        await asyncio.wait_for(meeting.wait(), 2)
        return {}

    work.does = {"w1": meet, "w2": meet, "w3": meet}

    go("start>w1 start>w2 start>w3 w1>end w2>end w3>end", Checkpoints())

    assert work.most_at_once == 3


def test_execute__join__waits_for_every_branch(work):
    async def slowly(_context: Any) -> dict[str, Any]:
        await asyncio.sleep(0.05)
        return {"x": "slow"}

    work.does = {"w1": slowly}
    kept = Checkpoints()

    output = go("start>w1 start>w2 w1>w3 w2>w3 w3>end", kept, w3={"x": "{{ w1.x }}"}, end={"x": "{{ w3.x }}"})

    assert output == {"x": "slow"}
    assert kept.log.index(("begin", "w3")) > kept.log.index(("finish", "w1"))


@pytest.mark.parametrize(("expression", "taken", "skipped"), [("flag", "w1", "w2"), ("!flag", "w2", "w1")])
def test_execute__condition__skips_the_other_way_and_what_is_behind_it(work, monkeypatch, expression, taken, skipped):
    monkeypatch.setitem(CONFIGS["condition"], "expression", expression)
    kept = Checkpoints()

    go("start>c1 c1+w1 c1-w2 w1>w3 w2>w4 w3>end w4>end", kept, **CONDITION)

    behind = {"w1": "w3", "w2": "w4"}
    assert kept.told("skip") == [skipped, behind[skipped]]
    assert [c.node_id for c in work.seen] == [taken, behind[taken]]
    assert ("finish", "end") in kept.log


def test_execute__no_way_to_the_end__says_so(work, monkeypatch):
    kept = Checkpoints()

    with pytest.raises(NoEndReached):
        go("start>c1 c1+w1 c1-end", kept, **CONDITION)

    assert kept.told("skip") == ["end"]


def test_execute__resumed__repeats_no_finished_step(work):
    kept = Checkpoints(start={"x": 1}, w1={"x": "kept"})

    output = go("start>w1 w1>w2 w2>end", kept, w2={"x": "{{ w1.x }}"}, end={"x": "{{ w2.x }}"})

    assert output == {"x": "kept"}
    assert kept.told("begin") == ["w2", "end"]


def test_execute__everything_finished__does_nothing(work):
    kept = Checkpoints(start={}, end={"x": 9})

    assert go("start>end", kept) == {"x": 9}
    assert kept.log == []


def test_execute__stopped_anywhere_and_resumed__runs_each_step_once(work):
    edges = "start>w1 start>w2 w1>w3 w2>w3 w3>end"
    for stop_at in ("w1", "w2", "w3"):
        work.seen.clear()
        kept = Checkpoints()

        async def stop(_context: Any) -> dict[str, Any]:
            raise Lasting

        work.does = {stop_at: stop}
        with pytest.raises(Lasting):
            go(edges, kept)
        work.does = {}
        go(edges, kept)

        assert sorted(kept.told("finish")) == ["end", "start", "w1", "w2", "w3"]


def test_retry__passing_failure__is_tried_again_with_the_same_key(work):
    work.retries = 2
    fails = [Passing(), Passing()]

    async def act(_context: Any) -> dict[str, Any]:
        if fails:
            raise fails.pop()
        return {"x": 1}

    work.does = {"w1": act}
    kept = Checkpoints()

    go("start>w1 w1>end", kept)

    assert [c.key for c in work.seen] == ["task-1:w1"] * 3
    assert (kept.told("fail"), [entry.attempt for entry in kept.of(Begun) if entry.path == "w1"]) == ([], [1, 2, 3])


@pytest.mark.parametrize(("failure", "tries"), [(Passing, 3), (Lasting, 1)])
def test_retry__failure_that_stays__fails_after_the_tries_it_deserves(work, failure, tries):
    work.retries = 2

    async def act(_context: Any) -> dict[str, Any]:
        raise failure

    work.does = {"w1": act}
    kept = Checkpoints()

    with pytest.raises(failure):
        go("start>w1 w1>end", kept)

    assert (len(work.seen), kept.told("fail")) == (tries, ["w1"])


def test_execute__crash__is_told_without_its_words(work):
    async def act(_context: Any) -> dict[str, Any]:
        raise RuntimeError("secret-detail")

    work.does = {"w1": act}

    with pytest.raises(NodeCrashed) as failed:
        go("start>w1 w1>end", Checkpoints())

    assert "secret-detail" not in failed.value.text()


def test_execute__failure__cancels_the_steps_beside_it(work):
    cancelled = []

    async def fail(_context: Any) -> dict[str, Any]:
        await asyncio.sleep(0.02)
        raise Lasting

    async def wait(context: Any) -> dict[str, Any]:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.append(context.node_id)
            raise
        return {}

    work.default_timeout = 60.0
    work.does = {"w1": fail, "w2": wait, "w3": wait}
    kept = Checkpoints()

    with pytest.raises(Lasting):
        go("start>w1 start>w2 start>w3 w1>end w2>end w3>end", kept)

    assert (sorted(cancelled), kept.told("fail"), kept.told("finish")) == (["w2", "w3"], ["w1"], ["start"])


def test_execute__node__is_told_its_place_its_attempt_and_the_variables(work):
    async def act(context: NodeContext) -> dict[str, Any]:
        if context.attempt == 1:
            raise Passing()
        return {"said": await context.outside.call("model", "chat/m", {}, echo, repeatable=True)}

    async def echo(key: str) -> str:
        return key

    work.does, work.retries = {"w1": act}, 1
    run = make_run("start>w1 w1>end", checkpoints=Checkpoints(), end={"said": "{{ w1.said }}"})
    run = replace(run, graph=replace(run.graph, variables=(Variable("tone", {}, "warm"),)), language="zh-hans")

    output = async_to_sync(execute)(run)

    first, second = work.seen
    assert output == {"said": "task-1:w1:0"}
    assert (first.path, first.attempt, second.attempt, second.key) == ("w1", 1, 2, first.key)
    assert (second.variables, second.language, second.resumed) == ({"tone": "warm"}, "zh-hans", None)
    assert (second.spent(), second.left()) == (0, None)
    assert second.caller == Caller(step=second.key)


def test_execute__node_that_runs_another_pipeline__is_refused(work):
    async def act(context: NodeContext) -> Any:
        return await context.nested.run("other", {})

    work.does = {"w1": act}

    with pytest.raises(PipelineNotThere):
        go("start>w1 w1>end", Checkpoints())


def test_execute__step_too_slow__is_a_timeout(work):
    work.default_timeout = 0.05

    async def act(_context: Any) -> dict[str, Any]:
        await asyncio.sleep(30)
        return {}

    work.does = {"w1": act}

    with pytest.raises(NodeTimeout) as failed:
        go("start>w1 w1>end", Checkpoints())

    assert "w1" in failed.value.text()


def test_execute__checkpoint_refused__stops_at_once(work):
    class Taken(Checkpoints):
        async def write(self, entries: Any) -> None:
            raise Lasting

    called = []

    async def act(context: NodeContext) -> dict[str, Any]:
        async def do(key: str) -> str:
            called.append(key)
            return key

        return {"said": await context.outside.call("tool", "s/t", {}, do, repeatable=False)}

    work.does = {"w1": act}
    kept = Taken()

    with pytest.raises(Lasting):
        go("start>w1 w1>w2 w2>end", kept)

    assert (called, kept.log) == ([], []), "nothing is sent before the journal has kept what led to it"


def test_execute__reference_without_a_value__fails_the_step(work):
    kept = Checkpoints()

    with pytest.raises(ReferenceMissing):
        go("start>w1 w1>end", kept, w1={"x": "{{ start.nope }}"})

    assert (kept.told("fail"), work.seen) == (["w1"], [])


def test_context__node__sees_only_its_inputs(work):
    go("start>w1 w1>w2 w2>end", Checkpoints(), w1={"a": "{{ start.x }}"}, w2={"b": 2})

    assert [dict(c.inputs) for c in work.seen] == [{"a": 1}, {"b": 2}]
    assert not hasattr(work.seen[0], "checkpoints")


def test_context__progress_and_words__reach_the_sink_under_the_nodes_name(work):
    async def act(context: Any) -> dict[str, Any]:
        await context.on_progress(0.5, "half")
        await context.on_delta("word")
        return {}

    work.does = {"w1": act}
    sink = Sink()

    go("start>w1 w1>end", Checkpoints(), sink)

    assert sink.shown == [("w1", 0.5), ("w1", "word")]


def test_execute__outer_cancel__cancels_every_step(work):
    stopped = []

    async def wait(context: Any) -> dict[str, Any]:
        try:
            await asyncio.sleep(30)
        finally:
            stopped.append(context.node_id)
        return {}

    work.default_timeout = 60.0
    work.does = {"w1": wait, "w2": wait}

    async def cancelled() -> None:
        task = asyncio.create_task(execute(make_run("start>w1 start>w2 w1>end w2>end", checkpoints=Checkpoints())))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async_to_sync(cancelled)()

    assert sorted(stopped) == ["w1", "w2"]
