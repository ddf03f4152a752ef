"""What a node's policy and a run's limits do, and runs below runs."""

import asyncio
import threading
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from apps.core.errors import ApiError
from apps.pipelines.engine import scope
from apps.pipelines.engine import step as engine
from apps.pipelines.engine.ports import Begun, Failed, Finished, FinishedStep, Logged, Skipped
from apps.pipelines.engine.run import execute, execute_step
from apps.pipelines.engine.values import frozen, thawed
from apps.pipelines.errors import NodeCrashed, NodeTimeout, RunTooLong, RunTooManySteps, TooDeep
from apps.pipelines.graph import parse_graph
from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.base import NodeContext, NodeResult
from apps.pipelines.wiring import resolve
from tests.pipelines.builders import Checkpoints, Sink, WorkNode, make_graph, make_run

Policies = dict[str, dict[str, Any]]


class Passing(ApiError):
    retryable, message = True, "Try again."


class Lasting(ApiError):
    code, reason, message = "", "E_LASTING", "Never."


@pytest.fixture
def work(monkeypatch):
    node = WorkNode()
    monkeypatch.setitem(node_types(), "work", node)
    monkeypatch.setattr(engine, "BACKOFF_SECONDS", 0.001)
    return node


def run_of(graph: dict[str, Any], kept: Checkpoints, **changes: Any) -> Any:
    run = make_run("start>end", checkpoints=kept, sink=Sink())
    return replace(run, graph=parse_graph(graph), **changes)


def go(edges: str, kept: Checkpoints, policies: Policies | None = None, **inputs: dict[str, Any]) -> dict[str, Any]:
    """The output of a run; edges named `e` belong to a failure."""
    graph = make_graph(edges, **inputs)
    for node in graph["nodes"]:
        if policy := (policies or {}).get(node["id"]):
            node["policy"] = policy
    return async_to_sync(execute)(run_of(graph, kept))


async def fail(_context: Any) -> dict[str, Any]:
    raise Lasting()


def diamond(policy: dict[str, Any]) -> dict[str, Any]:
    """start > w1; w1 goes on to w2, or behind its failure to w3; both to the end."""
    graph = make_graph("start>w1 w1>w2 w1>w3 w2>end w3>end", w3={"why": "{{ w1.error.message }} {{ error.node }}"})
    graph["edges"][2]["when"] = "error"
    graph["nodes"][1]["policy"] = policy
    return graph


def test_on_error__continue__the_way_behind_the_failure_is_taken_and_knows_it(work):
    work.does = {"w1": fail}
    kept = Checkpoints()

    async_to_sync(execute)(run_of(diamond({"on_error": "continue"}), kept))

    assert [(entry.path, entry.goes_on) for entry in kept.of(Failed)] == [("w1", True)]
    assert [entry.path for entry in kept.of(Skipped)] == ["w2"]
    assert [dict(c.inputs) for c in work.seen if c.node_id == "w3"] == [{"why": "Never. w1"}]


def test_on_error__continue_and_nothing_fails__the_way_behind_a_failure_is_skipped(work):
    kept = Checkpoints()

    async_to_sync(execute)(run_of(diamond({"on_error": "continue"}), kept))

    assert [entry.path for entry in kept.of(Skipped)] == ["w3"]


def test_on_error__continue_and_resumed__goes_the_same_way_without_running_it_again(work):
    kept = Checkpoints(start={})
    error = {"code": "", "reason": "E_LASTING", "message": "Never."}
    kept.steps["w1"] = FinishedStep({"error": error}, "error", error)

    async_to_sync(execute)(run_of(diamond({"on_error": "continue"}), kept))

    assert [c.node_id for c in work.seen] == ["w3"]


def test_on_error__fallback__takes_the_failed_steps_place(work):
    work.does = {"w1": fail}
    kept = Checkpoints()
    policies = {"w1": {"on_error": "fallback", "fallback": {"text": "instead"}}}

    output = go("start>w1 w1>end", kept, policies, end={"text": "{{ w1.text }}"})

    assert output == {"text": "instead"}
    assert [entry.fallback for entry in kept.of(Failed)] == [{"text": "instead"}]


@pytest.mark.parametrize(("retries", "tries"), [(0, 1), (3, 4)])
def test_retries__policy__goes_before_the_node_types_own(work, retries, tries):
    async def passing(_context: Any) -> dict[str, Any]:
        raise Passing()

    work.retries, work.does = 1, {"w1": passing}
    kept = Checkpoints()

    with pytest.raises(Passing):
        go("start>w1 w1>end", kept, {"w1": {"retries": retries, "backoff": 0}})

    assert [entry.attempt for entry in kept.of(Begun) if entry.path == "w1"] == list(range(1, tries + 1))


def test_timeout__policy__ends_the_attempt(work):
    async def slow(_context: Any) -> dict[str, Any]:
        await asyncio.sleep(30)
        return {}

    work.does = {"w1": slow}

    with pytest.raises(NodeTimeout):
        go("start>w1 w1>end", Checkpoints(), {"w1": {"timeout": 0.05}})


def test_join__any__goes_with_the_first_way(work):
    order: list[str] = []

    async def slow(context: NodeContext) -> dict[str, Any]:
        await asyncio.sleep(0.05)
        order.append(context.node_id)
        return {}

    async def note(context: NodeContext) -> dict[str, Any]:
        order.append(context.node_id)
        return {}

    work.does = {"w1": slow, "w2": note, "w3": note}
    kept = Checkpoints()

    go("start>w1 start>w2 w1>w3 w2>w3 w3>end", kept, {"w3": {"join": "any"}})

    assert order == ["w2", "w3"], "nothing needs what w1 would have made"
    assert [c.node_id for c in work.seen].count("w3") == 1


def test_limits__steps__run_ends_and_no_policy_saves_it(work):
    kept = Checkpoints()
    graph = make_graph("start>w1 w1>w2 w2>end")
    graph["limits"] = {"steps": 2}
    for node in graph["nodes"]:
        node["policy"] = {"on_error": "continue"}

    with pytest.raises(RunTooManySteps):
        async_to_sync(execute)(run_of(graph, kept))

    assert [entry.path for entry in kept.of(Finished)] == ["start", "w1"]


def test_limits__time__run_ends_also_when_earlier_workers_used_it_up(work):
    async def slow(_context: Any) -> dict[str, Any]:
        await asyncio.sleep(30)
        return {}

    work.does = {"w1": slow}
    graph = make_graph("start>w1 w1>end")
    graph["limits"] = {"seconds": 100}

    with pytest.raises(RunTooLong):
        async_to_sync(execute)(run_of(graph, Checkpoints(), worked=99.9))


def test_references__variables_and_facts__are_read(work):
    graph = make_graph("start>w1 w1>end", w1={"tone": "{{ vars.tone }}", "who": "{{ run.user }}"})
    graph["variables"] = [{"name": "tone", "schema": {"type": "string"}, "value": "warm"}]

    async_to_sync(execute)(run_of(graph, Checkpoints(), facts={"user": "7"}))

    assert dict(work.seen[0].inputs) == {"tone": "warm", "who": "7"}


def test_values__inputs__cannot_be_changed_by_a_node(work):
    async def change(context: NodeContext) -> dict[str, Any]:
        context.inputs["list"].append(3)
        return {}

    work.does = {"w1": change}

    with pytest.raises(NodeCrashed):
        go("start>w1 w1>end", Checkpoints(), w1={"list": [1, 2]})


def test_values__frozen_and_thawed__are_the_same_json():
    value = {"a": [1, {"b": None}], "c": "x"}

    assert thawed(frozen(value)) == value == frozen(value)
    with pytest.raises(TypeError):
        frozen({"x": {1, 2}})


def test_pinned__step__is_not_run(work):
    kept = Checkpoints()
    graph = make_graph("start>w1 w1>end", end={"x": "{{ w1.x }}"})

    output = async_to_sync(execute)(run_of(graph, kept, pinned={"w1": NodeResult({"x": "pinned"})}))

    assert (output, work.seen) == ({"x": "pinned"}, [])
    assert [entry.path for entry in kept.of(Finished) if entry.reused] == ["w1"]


def test_one_step__alone__takes_what_it_is_given(work):
    kept = Checkpoints()

    result = async_to_sync(execute_step)(run_of(make_graph("start>w1 w1>end"), kept), "w1", {"x": 5})

    assert (result.output, [c.node_id for c in work.seen]) == ({"x": 5}, ["w1"])


def test_log__node_says_something__is_kept(work):
    async def say(context: NodeContext) -> dict[str, Any]:
        await context.log("warning", "hm")
        return {}

    work.does = {"w1": say}
    kept = Checkpoints()

    go("start>w1 w1>end", kept)

    assert [(one.path, one.level, one.message) for one in kept.of(Logged)] == [("w1", "warning", "hm")]


# --- group commit -------------------------------------------------------------------------------


def test_commit__line_of_steps_that_only_compute__is_kept_at_once(work):
    line = [f"w{number}" for number in range(20)]
    edges = " ".join(f"{here}>{after}" for here, after in zip(["start", *line], [*line, "end"], strict=True))
    kept = Checkpoints()

    go(edges, kept)

    assert len(kept.of(Finished)) == 22
    assert kept.writes <= 4, "a page is 64 entries"


# --- runs below runs ----------------------------------------------------------------------------

BODY = {
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "w9", "type": "work", "inputs": {"item": "{{ start.item }}"}},
        {"id": "end", "type": "end", "inputs": {"item": "{{ w9.item }}"}},
    ],
    "edges": [{"source": "start", "target": "w9"}, {"source": "w9", "target": "end"}],
}
PARTS = {"pipelines": {"body": {"graph": BODY}}}


def each(count: int) -> Any:
    async def act(context: NodeContext) -> dict[str, Any]:
        made = [await context.nested.run("body", {"item": number}, item=number) for number in range(count)]
        return {"items": [one["item"] for one in made]}

    return act


def test_nested__one_pipeline__has_its_steps_under_the_nodes_path(work):
    async def act(context: NodeContext) -> Any:
        return await context.nested.run("body", {"item": "x"})

    work.does = {"w1": act}
    kept = Checkpoints()

    output = async_to_sync(execute)(
        run_of(make_graph("start>w1 w1>end", end={"item": "{{ w1.item }}"}), kept, parts=PARTS)
    )

    assert output == {"item": "x"}
    assert [entry.path for entry in kept.of(Finished)] == ["start", "w1/start", "w1/w9", "w1/end", "w1", "end"]


def test_nested__items__those_that_ended_before_are_not_run_again(work):
    work.does = {"w1": each(3)}
    kept = Checkpoints(start={})
    kept.steps["w1#0"] = FinishedStep({"item": "kept"}, "")
    graph = make_graph("start>w1 w1>end", end={"items": "{{ w1.items }}"})

    output = async_to_sync(execute)(run_of(graph, kept, parts=PARTS))

    assert output == {"items": ["kept", 1, 2]}
    assert [entry.path for entry in kept.of(Finished) if entry.type == "item"] == ["w1#1", "w1#2"]


def test_nested__very_many_items__only_results_are_kept_of_most(work):
    work.does, work.default_timeout = {"w1": each(1000)}, 60.0
    kept = Checkpoints()

    async_to_sync(execute)(run_of(make_graph("start>w1 w1>end"), kept, parts=PARTS))

    assert len([entry for entry in kept.of(Finished) if entry.type == "item"]) == 1000
    assert len([entry for entry in kept.of(Finished) if entry.type != "item"]) == 3 + 100 * 3
    assert kept.writes < 100


def test_nested__pipelines_that_run_themselves__end(work):
    inner = {"nodes": [{**BODY["nodes"][1], "inputs": {}}, BODY["nodes"][0], BODY["nodes"][2]], "edges": BODY["edges"]}

    async def deeper(context: NodeContext) -> Any:
        return await context.nested.run("body", {"item": 1})

    work.does = {"w1": deeper, "w9": deeper}

    with pytest.raises(TooDeep):
        async_to_sync(execute)(
            run_of(make_graph("start>w1 w1>end"), Checkpoints(), parts={"pipelines": {"body": {"graph": inner}}})
        )


def test_nested__outer_is_cancelled__everything_below_stops(work):
    stopped = []

    async def wait(context: NodeContext) -> dict[str, Any]:
        try:
            await asyncio.sleep(30)
        finally:
            stopped.append(context.path)
        return {}

    async def act(context: NodeContext) -> Any:
        return await context.nested.run("body", {"item": 1})

    work.does, work.default_timeout = {"w1": act, "w9": wait}, 60.0

    async def cancelled() -> None:
        run = run_of(make_graph("start>w1 w1>end"), Checkpoints(), parts=PARTS)
        task = asyncio.create_task(execute(run))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async_to_sync(cancelled)()

    assert stopped == ["w1/w9"]


@pytest.mark.parametrize(
    ("template", "apart"),
    [
        ("{{ w1.text }}", False),
        ("{{ w1.none | default: w1.text }}", False),
        ("Say {{ w1.word }}", False),
        ("Say {{ w1.text }}", True),
        ("{{ w1.list | join: ', ' }}", True),
        ("{% for one in w1.short %}{{ one }}{% endfor %}", True),
    ],
)
def test_inputs__that_take_their_time__are_made_beside_the_loop(work, monkeypatch, template, apart):
    made: list[bool] = []

    def watched(*args: Any) -> Any:
        made.append(threading.current_thread() is not loops[0])
        return resolve(*args)

    async def act(_context: NodeContext) -> dict[str, Any]:
        loops.append(threading.current_thread())
        return {"text": "x" * 30_000, "word": "x", "list": ["x"], "short": "ab"}

    loops: list[threading.Thread] = []
    work.does = {"w1": act}
    monkeypatch.setattr(scope, "resolve", watched)

    go("start>w1 w1>w2 w2>end", Checkpoints(), w2={"text": template})

    assert made == [apart]
