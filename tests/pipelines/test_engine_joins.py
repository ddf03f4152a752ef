"""A node that goes with the first way: what leads only there is given up, but no call is broken off."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from apps.core.errors import ApiError
from apps.pipelines.engine import step as engine
from apps.pipelines.engine.ports import Answered, Begun, Finished, Intended
from apps.pipelines.engine.run import execute
from apps.pipelines.graph import parse_graph
from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.base import Asked, NodeContext, Slept
from tests.pipelines.builders import Checkpoints, WorkNode, make_graph, make_run

DEADLINE = datetime(2099, 1, 1, tzinfo=UTC)


@pytest.fixture
def work(monkeypatch):
    node = WorkNode(default_timeout=30.0)
    monkeypatch.setitem(node_types(), "work", node)
    monkeypatch.setattr(engine, "BACKOFF_SECONDS", 0.001)
    return node


def go(edges: str, kept: Checkpoints, *, join: str = "w3", parts: Any = None) -> Any:
    """Runs the graph, in which `join` goes with the first way."""
    graph = make_graph(edges)
    for node in graph["nodes"]:
        if node["id"] == join:
            node["policy"] = {"join": "any"}
    run = make_run("start>end", checkpoints=kept)
    return async_to_sync(execute)(replace(run, graph=parse_graph(graph), parts=parts or {}))


async def hangs(_context: NodeContext) -> dict[str, Any]:
    await asyncio.sleep(60)
    return {}


class Upstream:
    """Something outside that answers when it is told to."""

    def __init__(self, *, repeatable: bool = False, calls: int = 1) -> None:
        self.repeatable = repeatable
        self.calls = calls  # that have to be under way together
        self.asked: list[str] = []
        self.answered = 0
        self.under_way = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self, key: str) -> Any:
        self.asked.append(key)
        if len(self.asked) == self.calls:
            self.under_way.set()
        await self.go_on.wait()
        self.answered += 1
        return {"ok": True}

    async def twice(self, context: NodeContext) -> dict[str, Any]:
        for number in range(2):
            await context.outside.call("tool", "s/t", {"n": number}, self, repeatable=self.repeatable)
        return {}

    async def first(self, _context: NodeContext) -> dict[str, Any]:
        """The faster way: it is there as soon as the call of the slower one is under way."""
        await self.under_way.wait()
        return {}

    async def then(self, _context: NodeContext) -> dict[str, Any]:
        """Behind the join: now the call may end."""
        self.go_on.set()
        return {}


def test_any__slower_way__is_stopped_and_told_as_not_needed(work):
    work.does, kept = {"w1": hangs}, Checkpoints()

    go("start>w1 start>w2 w1>w3 w2>w3 w3>end", kept)

    assert kept.told("skip") == ["w1"]
    assert kept.told("finish") == ["start", "w2", "w3", "end"]


def test_any__what_stands_on_the_slower_way_only__never_begins(work):
    work.does, kept = {"w1": hangs}, Checkpoints()

    go("start>w1 w1>w4 w4>w5 w5>w3 start>w2 w2>w3 w3>end", kept)

    assert sorted(kept.told("skip")) == ["w1", "w4", "w5"]
    assert "w4" not in {entry.path for entry in kept.of(Begun)}


def test_any__what_leads_elsewhere_too__goes_on(work):
    async def slow(_context: NodeContext) -> dict[str, Any]:
        await asyncio.sleep(0.05)
        return {}

    work.does, kept = {"w1": slow}, Checkpoints()

    go("start>w1 start>w2 w1>w3 w2>w3 w1>w4 w3>end w4>end", kept)

    assert kept.told("skip") == []
    assert {"w1", "w4"} <= set(kept.told("finish"))


def test_any__into_another_any__both_ways_behind_it_are_given_up(work):
    work.does, kept = {"w1": hangs, "w4": hangs}, Checkpoints()
    graph = make_graph("start>w1 start>w4 w1>w5 w4>w5 w5>w3 start>w2 w2>w3 w3>end")
    for node in graph["nodes"]:
        if node["id"] in ("w3", "w5"):
            node["policy"] = {"join": "any"}

    async_to_sync(execute)(replace(make_run("start>end", checkpoints=kept), graph=parse_graph(graph)))

    assert sorted(kept.told("skip")) == ["w1", "w4", "w5"]


def test_any__call_that_changes_something__is_brought_to_its_end_and_no_other_is_begun(work):
    upstream, kept = Upstream(), Checkpoints()
    work.does = {"w1": upstream.twice, "w2": upstream.first, "w3": upstream.then}

    go("start>w1 start>w2 w1>w3 w2>w3 w3>end", kept)

    assert (len(upstream.asked), upstream.answered) == (1, 1)
    assert [(entry.path, entry.no) for entry in kept.of(Intended)] == [("w1", 0)]
    assert [(entry.path, entry.status) for entry in kept.of(Answered)] == [("w1", "done")]
    assert kept.told("skip") == ["w1"]


def test_any__call_that_can_be_repeated__is_broken_off(work):
    upstream, kept = Upstream(repeatable=True), Checkpoints()
    work.does = {"w1": upstream.twice, "w2": upstream.first}

    go("start>w1 start>w2 w1>w3 w2>w3 w3>end", kept)

    assert (len(upstream.asked), upstream.answered) == (1, 0)
    assert kept.told("skip") == ["w1"]


def test_any__calls_below_the_slower_step__are_brought_to_their_ends(work):
    body = make_graph("start>w9 w9>end")
    upstream, kept = Upstream(calls=2), Checkpoints()

    async def items(context: NodeContext) -> dict[str, Any]:
        await asyncio.gather(*(context.nested.run("body", {}, item=number) for number in range(2)))
        return {}

    work.does = {"w1": items, "w9": upstream.twice, "w2": upstream.first, "w3": upstream.then}

    go("start>w1 start>w2 w1>w3 w2>w3 w3>end", kept, parts={"pipelines": {"body": {"graph": body}}})

    assert (len(upstream.asked), upstream.answered) == (2, 2)
    assert [(entry.path, entry.status) for entry in kept.of(Answered)] == [("w1#0/w9", "done"), ("w1#1/w9", "done")]
    assert kept.told("skip") == ["w1"]


@pytest.mark.parametrize(
    "pause",
    [Asked("?", form={}, options=(), deadline_at=DEADLINE, who="owner"), Slept(DEADLINE)],
    ids=["a person", "the clock"],
)
def test_any__slower_way_waits__the_run_does_not(work, pause):
    asked = asyncio.Event()

    async def waits(_context: NodeContext) -> dict[str, Any]:
        asked.set()
        raise pause

    async def first(_context: NodeContext) -> dict[str, Any]:
        await asked.wait()
        await asyncio.sleep(0.01)
        return {}

    work.does, kept = {"w1": waits, "w2": first}, Checkpoints()

    go("start>w1 start>w2 w1>w3 w2>w3 w3>end", kept)

    assert kept.told("skip") == ["w1"]
    assert kept.told("finish")[-1] == "end"


def test_any__slower_way_fails_in_its_last_call__the_run_does_not(work):
    class Refused(ApiError):
        message = "No."

    upstream, kept = Upstream(), Checkpoints()

    async def refuses(context: NodeContext) -> dict[str, Any]:
        await context.outside.call("tool", "s/t", {}, upstream, repeatable=False)
        raise Refused()

    work.does = {"w1": refuses, "w2": upstream.first, "w3": upstream.then}

    go("start>w1 start>w2 w1>w3 w2>w3 w3>end", kept)

    assert kept.told("finish")[-1] == "end"
    assert kept.told("skip") == ["w1"]


@pytest.mark.parametrize("skipped", [frozenset({"w1"}), frozenset()], ids=["it was told", "killed before it was told"])
def test_any__resumed_behind_the_join__the_slower_way_does_not_begin_again(work, skipped):
    kept = Checkpoints(start={}, w2={}, w3={})
    kept.left = {"skipped": skipped, "attempts": {"start": 1, "w1": 1, "w2": 1, "w3": 1}}
    work.does = {"w1": hangs}

    go("start>w1 start>w2 w1>w3 w2>w3 w3>end", kept)

    assert [entry.path for entry in kept.of(Finished)] == ["end"]
    assert kept.told("begin") == ["end"]
