"""Transform: Liquid in JSON, and JMESPath."""

import asyncio
import time

import pytest
from asgiref.sync import async_to_sync

from apps.pipelines.errors import ReferenceMissing
from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.base import known_names
from apps.pipelines.nodes.errors import ExpressionInvalid, ResultUnfit, ValueTooLarge
from apps.prompts.errors import TemplateInvalid
from tests.pipelines.nodes.context import arun, mistakes

run = async_to_sync(arun)
ITEMS = [{"name": "cup", "price": 5}, {"name": "lamp", "price": 50}]


def test_transform__liquid__fills_the_leaves_and_keeps_types():
    template = {"title": "{{ name | upcase }}", "price": "{{ price }}", "tags": ["{{ name }}", 1], "fixed": None}

    result = run("transform", {"template": template}, {"name": "cup", "price": 5})

    assert result.output == {"title": "CUP", "price": 5, "tags": ["cup", 1], "fixed": None}


def test_transform__liquid_value__stands_under_value():
    assert run("transform", {"template": "{{ items }}"}, {"items": ITEMS}).output == {"value": ITEMS}


def test_transform__jmespath__picks_and_builds():
    config = {"language": "jmespath", "expression": "{dear: items[?price > `10`].name, count: length(items)}"}

    assert run("transform", config, {"items": ITEMS}).output == {"dear": ["lamp"], "count": 2}


def test_transform__jmespath_of_what_is_not_there__is_null():
    config = {"language": "jmespath", "expression": "nothing.there"}

    assert run("transform", config, {}).output == {"value": None}


def test_transform__result_breaks_its_promise__is_refused_with_the_place():
    promised = {"type": "object", "properties": {"price": {"type": "number"}}}

    with pytest.raises(ResultUnfit) as refusal:
        run("transform", {"template": {"price": "a lot"}, "schema": promised}, {})

    assert [error["pointer"] for error in refusal.value.details["errors"]] == ["/price"]


def test_transform__name_without_a_value__is_refused():
    with pytest.raises(ReferenceMissing):
        run("transform", {"template": "{{ nothing }}"}, {})


@pytest.mark.parametrize("value", ["x" * 1_000_001, [["x"] * 1_000] * 1_001])
def test_transform__input_too_large__is_refused(value):
    with pytest.raises(ValueTooLarge):
        run("transform", {"template": "x"}, {"value": value})


def test_transform__result_too_large__is_refused():
    with pytest.raises(ValueTooLarge):
        run("transform", {"template": ["{{ text }}", "{{ text }}", "{{ text }}"]}, {"text": "x" * 400_000})


@pytest.mark.parametrize(
    "expression",
    [
        "|".join(["[@,@]"] * 200),  # shares its parts: small in memory, endless when written out
        "|".join(["[@,@]"] * 200) + "|to_string(@)",
        "{a: " + "|".join(["[@,@]"] * 100) + ", b: " + "|".join(["[@,@]"] * 100) + "} | a == b",
        "|".join(["[items[], items[]][]|{items: @}"] * 40),
        "join(text, items[].name)",
        "|".join(["{text: join('', [text, text])}"] * 40),
    ],
)
def test_transform__jmespath_that_would_make_endlessly_much__is_refused(expression):
    given = {"items": [{"name": "x" * 50}] * 1_000, "text": "y" * 10_000}

    with pytest.raises(ExpressionInvalid) as refusal:
        run("transform", {"language": "jmespath", "expression": expression}, given)

    assert "more than a step can hold" in refusal.value.text() or "too long" in refusal.value.text()


def test_transform__jmespath_that_takes_long__is_stopped_and_does_not_hold_up_the_loop(monkeypatch):
    monkeypatch.setattr("apps.pipelines.expressions.MAX_SECONDS", 0.2)
    slow = "sort_by(items, &" + "||".join(["nothing"] * 200) + "||name)"
    given = {"items": [{"name": f"{n}"} for n in range(20_000)]}
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.01)
            longest = max(longest, time.perf_counter() - began)

    async def work() -> None:
        watching = asyncio.create_task(watch())
        try:
            await arun("transform", {"language": "jmespath", "expression": slow}, given)
        finally:
            watching.cancel()

    with pytest.raises(ExpressionInvalid) as refusal:
        async_to_sync(work)()

    assert "too long" in refusal.value.text()
    assert longest < 5  # not one block until the end


def test_transform__liquid_that_takes_long__is_stopped():
    loops = "{% for a in items %}" * 3 + "{{ a }}" + "{% endfor %}" * 3

    with pytest.raises(TemplateInvalid):
        run("transform", {"template": loops}, {"items": list(range(900))})


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({}, [("template", "E_TRANSFORM_EMPTY")]),
        ({"template": "x", "expression": "y"}, [("template", "E_TRANSFORM_EMPTY")]),
        ({"language": "jmespath"}, [("expression", "E_TRANSFORM_EMPTY")]),
        ({"template": {"a": "{{ x"}}, [("template", "E_TEMPLATE")]),
        ({"language": "jmespath", "expression": "a["}, [("expression", "E_EXPRESSION")]),
        ({"language": "jmespath", "expression": "(" * 1_000}, [("expression", "E_EXPRESSION")]),
        ({"language": "jmespath", "expression": "a" * 2_001}, [("expression", "E_EXPRESSION")]),
        ({"template": {"a": "{{ x }}"}}, []),
    ],
)
def test_transform__mistakes__are_told(config, found):
    assert mistakes("transform", config) == found


def test_transform__ports__are_the_names_of_the_template():
    node = node_types()["transform"]
    config = node.Config.model_validate({"template": {"title": "{{ name }}", "price": "{{ price }}"}})

    assert node.accepts(config, {})["required"] == ["name", "price"]
    assert known_names(node.produces(config, {})) == {"title", "price"}
