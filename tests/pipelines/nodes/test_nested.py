"""Steps that run other pipelines: `sub_pipeline` and `map`."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from apps.pipelines.errors import RunTooDear
from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.base import Slept
from apps.pipelines.nodes.errors import InputUnfit, ListNeeded, ListTooLong
from apps.providers.errors import UpstreamFailed
from tests.pipelines.nodes.context import Nested, Said, arun

run = async_to_sync(arun)
TAKES = {
    "type": "object",
    "properties": {"item": {"type": "string"}, "index": {"type": "integer"}, "tone": {"type": "string"}},
    "required": ["item", "tone"],
}
INNER = {
    "nodes": [
        {"id": "start", "type": "start", "config": {"schema": TAKES}},
        {
            "id": "end",
            "type": "end",
            "inputs": {"text": "{{ start.item }}", "at": "{{ start.index }}", "x": "a {{ start.tone }}"},
        },
    ],
    "edges": [{"source": "start", "target": "end"}],
}
PARTS = {"pipelines": {"inner": {"graph": INNER}}, "form": {"type": "object", "properties": {"other": {}}}}


async def upper(given: Any, item: int | None) -> dict[str, Any]:
    return {"said": f"{given['item']} {given['tone']}"}


async def third_fails(given: Any, item: int | None) -> dict[str, Any]:
    if given["index"] == 2:
        raise UpstreamFailed(endpoint="local", what="scripted")
    return {"n": given["item"]}


def test_sub_pipeline__runs_it__gives_what_its_end_gives():
    nested = Nested(upper)

    result = run("sub_pipeline", {"pipeline": "inner"}, {"item": "a", "tone": "b"}, nested=nested)

    assert result.output == {"said": "a b"}
    assert nested.runs == [("inner", {"item": "a", "tone": "b"}, None)]


def test_sub_pipeline__ports__are_those_of_its_start_and_end():
    node = node_types()["sub_pipeline"]
    config = node.Config.model_validate({"pipeline": "inner"})

    assert node.accepts(config, PARTS) == TAKES
    assert node.produces(config, PARTS) == {
        "type": "object",
        "properties": {"text": {"type": "string"}, "at": {"type": "integer"}, "x": {"type": "string"}},
        "required": ["at", "text", "x"],
    }


def test_sub_pipeline__not_known__takes_and_gives_anything():
    node = node_types()["sub_pipeline"]
    config = node.Config.model_validate({"pipeline": "gone"})

    assert (node.accepts(config, PARTS), node.produces(config, PARTS)) == ({"type": "object", "properties": {}}, None)


def test_map__items__come_back_in_their_order_with_what_is_shared():
    nested, said = Nested(upper), Said()

    result = run("map", {"pipeline": "inner"}, {"items": ["a", "b", "c"], "tone": "!"}, nested=nested, said=said)

    assert result.output == {"items": [{"said": "a !"}, {"said": "b !"}, {"said": "c !"}], "failed": [], "count": 3}
    assert nested.runs[0] == ("inner", {"tone": "!", "item": "a", "index": 0}, 0)
    assert said.progress[-1] == (1.0, "3 / 3")


def test_map__no_items__gives_none():
    assert run("map", {"pipeline": "inner"}, {"items": []}).output == {"items": [], "failed": [], "count": 0}


def is_of_pipelines(task: asyncio.Task[Any]) -> bool:
    """Whether it is a step's, and not of somebody else who uses the same loop."""
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and "/pipelines/" in code.co_filename


def test_map__ten_thousand_items__are_a_handful_of_tasks_at_a_time():
    most_tasks = most_running = running = 0

    async def act(given: Any, item: int | None) -> dict[str, Any]:
        nonlocal most_tasks, most_running, running
        running += 1
        most_running = max(most_running, running)
        most_tasks = max(most_tasks, len([task for task in asyncio.all_tasks() if is_of_pipelines(task)]))
        await asyncio.sleep(0)
        running -= 1
        return {"n": item}

    said = Said()
    config = {"pipeline": "inner", "concurrency": 7, "max_items": 10_000}

    result = run("map", config, {"items": list(range(10_000))}, nested=Nested(act), said=said)

    assert [one["n"] for one in result.output["items"]] == list(range(10_000))
    assert (most_running, most_tasks <= 12) == (7, True)
    assert len(said.progress) == 100


def test_map__item_fails__ends_the_others_and_names_it():
    started, ended = [], []

    async def act(given: Any, item: int | None) -> dict[str, Any]:
        started.append(item)
        if item == 1:
            raise UpstreamFailed(endpoint="local", what="scripted")
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(item)
        return {}

    with pytest.raises(UpstreamFailed) as failure:
        run("map", {"pipeline": "inner", "concurrency": 3}, {"items": list("abcdef")}, nested=Nested(act))

    assert failure.value.details["item"] == 1
    assert (started, sorted(ended)) == ([0, 1, 2], [0, 2])


@pytest.mark.parametrize(
    ("rule", "items"),
    [("skip", [{"n": 0}, {"n": 1}, {"n": 3}]), ("null", [{"n": 0}, {"n": 1}, None, {"n": 3}])],
)
def test_map__item_fails_and_may__is_told_of(rule, items):
    config = {"pipeline": "inner", "on_item_error": rule}

    result = run("map", config, {"items": [0, 1, 2, 3]}, nested=Nested(third_fails))

    assert (result.output["items"], result.output["count"]) == (items, len(items))
    assert [(one["index"], one["code"]) for one in result.output["failed"]] == [(2, "PROVIDERS_5001")]


def test_map__item_waits__those_begun_are_done_first_and_no_others_begin():
    begun, done = [], []

    async def act(given: Any, item: int | None) -> dict[str, Any]:
        begun.append(item)
        if item == 1:
            raise Slept(datetime(2026, 1, 1, tzinfo=UTC))
        for _turn in range(5):
            await asyncio.sleep(0)
        done.append(item)
        return {}

    with pytest.raises(Slept):
        run("map", {"pipeline": "inner", "concurrency": 3}, {"items": list(range(9))}, nested=Nested(act))

    assert (begun, done) == ([0, 1, 2], [0, 2])


def test_map__what_is_not_the_items_own_failure__is_the_steps():
    async def act(given: Any, item: int | None) -> dict[str, Any]:
        raise RunTooDear(credits="5")

    nested = Nested(act)

    with pytest.raises(RunTooDear):
        run("map", {"pipeline": "inner", "concurrency": 1, "on_item_error": "skip"}, {"items": [1, 2]}, nested=nested)

    assert len(nested.runs) == 1


@pytest.mark.parametrize("items", ["text", 5, None, {"a": 1}])
def test_map__no_list__is_refused(items):
    nested = Nested(upper)

    with pytest.raises(ListNeeded):
        run("map", {"pipeline": "inner"}, {"items": items}, nested=nested)

    assert nested.runs == []


def test_map__too_many__is_refused_before_the_first():
    nested = Nested(upper)

    with pytest.raises(ListTooLong):
        run("map", {"pipeline": "inner", "max_items": 2}, {"items": [1, 2, 3]}, nested=nested)

    assert nested.runs == []


def test_map__ports__leave_out_what_the_map_itself_gives():
    node = node_types()["map"]
    config = node.Config.model_validate({"pipeline": "inner", "max_items": 7})

    accepts = node.accepts(config, PARTS)

    assert accepts["required"] == ["items", "tone"]
    assert accepts["properties"] == {"items": {"type": "array", "maxItems": 7}, "tone": {"type": "string"}}


# --- what the inner start takes -------------------------------------------------------------------


def test_start__inner_pipeline__checks_its_input_and_fills_defaults():
    schema = {"type": "object", "properties": {"tone": {"type": "string", "default": "warm"}}}

    result = run("start", {"schema": schema}, {}, path="each#3/start", parts=PARTS)

    assert result.output == {"tone": "warm"}


def test_start__inner_pipeline_is_given_something_else__is_refused():
    with pytest.raises(InputUnfit) as refusal:
        run("start", {"schema": TAKES}, {"item": 5, "tone": "x"}, path="sub/start", parts=PARTS)

    assert [error["pointer"] for error in refusal.value.details["errors"]] == ["/item"]


def test_start__feature_with_a_form__leaves_the_schema_aside():
    assert run("start", {"schema": TAKES}, {"other": 1}, parts=PARTS).output == {"other": 1}
