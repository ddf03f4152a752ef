"""Limits of a pipeline that a step runs: they hold for each run of it, and those above it hold as well."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from apps.pipelines.engine import step as engine
from apps.pipelines.engine.ports import Failed, Finished, RecordedCall
from apps.pipelines.engine.run import execute
from apps.pipelines.errors import PipelineLimit, RunTooDear, RunTooLong, RunTooManySteps
from apps.pipelines.graph import Limits, parse_graph
from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.base import NodeContext
from tests.pipelines.builders import Checkpoints, WorkNode, make_graph, make_run


@pytest.fixture
def work(monkeypatch):
    node = WorkNode()
    monkeypatch.setitem(node_types(), "work", node)
    monkeypatch.setattr(engine, "BACKOFF_SECONDS", 0.001)
    return node


async def below(context: NodeContext) -> dict[str, Any]:
    return dict(await context.nested.run("body", {}))


async def five_items(context: NodeContext) -> dict[str, Any]:
    return {"n": len([await context.nested.run("body", {}, item=number) for number in range(5)])}


async def pays(context: NodeContext) -> dict[str, Any]:
    """Makes three calls for 600 each."""

    async def do(_key: str) -> Any:
        return {"usage": {"cost_micro": 600}}

    for number in range(3):
        await context.outside.call("model", "chat/m", {"n": number}, do, repeatable=True)
    return {"left": context.left()}


async def hangs(_context: NodeContext) -> dict[str, Any]:
    await asyncio.sleep(60)
    return {}


def go(kept: Checkpoints, inner: dict[str, Any], *, outer: dict[str, Any] | None = None, policy: Any = None) -> Any:
    """start > w1, which runs `body` (start > w9 > end) within the limits `inner` > end."""
    body = make_graph("start>w9 w9>end", w9={})
    body["limits"] = inner
    for node in body["nodes"]:
        if node["id"] == "w9":
            node["policy"] = {"on_error": "continue"}
    graph = make_graph("start>w1 w1>end")
    if policy:
        graph["nodes"][1]["policy"] = policy
    graph["limits"] = outer or {}
    run = make_run("start>end", checkpoints=kept)
    return async_to_sync(execute)(
        replace(run, graph=parse_graph(graph), parts={"pipelines": {"body": {"graph": body}}}, limits=Limits())
    )


def test_steps__more_than_the_pipeline_below_may_make__its_step_fails(work):
    work.does, kept = {"w1": below}, Checkpoints()

    with pytest.raises(PipelineLimit) as caught:
        go(kept, {"steps": 2})

    assert [(entry.path, entry.error.reason) for entry in kept.of(Failed)] == [
        ("w1/end", "E_RUN_TOO_MANY_STEPS"),
        ("w1", "E_PIPELINE_LIMIT"),
    ]
    assert "more than the 2 steps" in caught.value.text()


def test_cost__more_than_the_pipeline_below_may_spend__ends_before_the_next_call(work):
    work.does, kept = {"w1": below, "w9": pays}, Checkpoints()

    with pytest.raises(PipelineLimit):
        go(kept, {"cost_micro": 1000}, outer={"cost_micro": 10_000})

    assert [entry.path for entry in kept.of(Finished)] == ["start", "w1/start"]


def test_time__longer_than_the_pipeline_below_may_take__its_step_fails(work):
    work.does, work.default_timeout, kept = {"w1": below, "w9": hangs}, 90.0, Checkpoints()

    with pytest.raises(PipelineLimit):
        go(kept, {"seconds": 1})


def test_policy__of_the_step_that_runs_it__lets_the_run_go_on(work):
    work.does, kept = {"w1": below}, Checkpoints()

    assert go(kept, {"steps": 2}, policy={"on_error": "fallback", "fallback": {"text": "none"}}) == {}

    assert kept.told("finish")[-1] == "end"


def test_items__each_has_the_limit_for_itself(work):
    work.does, kept = {"w1": five_items, "w9": pays}, Checkpoints()

    assert go(kept, {"cost_micro": 1900, "steps": 3, "seconds": 60}) == {}


@pytest.mark.parametrize(
    ("outer", "error"),
    [({"cost_micro": 1000}, RunTooDear), ({"steps": 3}, RunTooManySteps), ({"seconds": 1}, RunTooLong)],
)
def test_above__its_limits_hold_below_and_no_policy_saves_it(work, outer, error):
    work.does, work.default_timeout, kept = {"w1": below, "w9": pays}, 90.0, Checkpoints()
    if error is RunTooLong:
        work.does["w9"] = hangs

    with pytest.raises(error):
        go(kept, {"cost_micro": 9000, "steps": 90, "seconds": 90}, outer=outer, policy={"on_error": "continue"})


def test_left__below__is_what_is_left_of_the_nearer_limit(work):
    seen: list[Any] = []

    async def look(context: NodeContext) -> dict[str, Any]:
        seen.append((await pays(context))["left"])
        return {}

    work.does = {"w1": below, "w9": look}
    go(Checkpoints(), {"cost_micro": 5000}, outer={"cost_micro": 3000})
    go(Checkpoints(), {"cost_micro": 3000}, outer={"cost_micro": 5000})

    assert seen == [1200, 1200]


def test_resumed__what_earlier_claims_used_up_below__is_counted(work):
    work.does, kept = {"w1": below}, Checkpoints(start={})
    kept.left = {"attempts": {"start": 1, "w1": 1, "w1/start": 1, "w1/w9": 1}}

    with pytest.raises(PipelineLimit):
        go(kept, {"steps": 4})

    paid = RecordedCall("model", "chat/m", "x", True, "done", {}, {"cost_micro": 1000})
    work.does, kept = {"w1": below, "w9": pays}, Checkpoints(start={})
    kept.left = {"calls": {("w1/w9", 7): paid}}
    with pytest.raises(PipelineLimit):
        go(kept, {"cost_micro": 1000})
    assert kept.told("intend") == []


def test_tried_again__the_limit_holds_for_all_tries_together(work):
    """As a run's limit holds over all its claims."""
    tries = 0

    async def twice(context: NodeContext) -> dict[str, Any]:
        nonlocal tries
        for _number in range(2):
            tries += 1
            await context.nested.run("body", {})
        return {}

    work.does = {"w1": twice}

    with pytest.raises(PipelineLimit):
        go(Checkpoints(), {"steps": 5})
    assert tries == 2
