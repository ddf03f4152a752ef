"""Condition and switch: CEL over the inputs."""

import pytest
from asgiref.sync import async_to_sync

from apps.pipelines.errors import ConditionInvalid
from apps.pipelines.expressions import decide
from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.errors import CasesAmbiguous
from tests.pipelines.nodes.context import arun, mistakes

run = async_to_sync(arun)
CASES = [{"key": "refund", "expression": "kind == 'refund'"}, {"key": "large", "expression": "sum > 100"}]


@pytest.mark.parametrize(("price", "way"), [(200, "true"), (5, "false")])
def test_condition__inputs__decide_the_way(price, way):
    result = run("condition", {"expression": "price > 100"}, {"price": price})

    assert (result.output, result.branch) == ({"result": way == "true"}, way)


@pytest.mark.parametrize("expression", ["price", "nothing.there", "price / 0 > 1", "price > 'text'"])
def test_condition__cannot_be_decided__is_refused(expression):
    with pytest.raises(ConditionInvalid):
        run("condition", {"expression": expression}, {"price": 5})


@pytest.mark.parametrize(
    ("given", "way"),
    [
        ({"kind": "refund", "sum": 500}, "refund"),
        ({"kind": "other", "sum": 500}, "large"),
        ({"kind": "other", "sum": 5}, "default"),
    ],
)
def test_switch__first__is_the_first_case_that_holds(given, way):
    result = run("switch", {"cases": CASES}, given)

    assert (result.output, result.branch) == ({"result": way}, way)


def test_switch__several_hold_and_only_one_may__is_refused():
    with pytest.raises(CasesAmbiguous) as refusal:
        run("switch", {"cases": CASES, "first": False}, {"kind": "refund", "sum": 500})

    assert "refund, large" in refusal.value.text()


def test_switch__ways__are_the_cases_and_default():
    assert node_types()["switch"].ways({"cases": CASES}) == ("refund", "large", "default")


@pytest.mark.parametrize("draft", [{}, {"cases": "no"}, {"cases": [1, {"key": 5}, {}]}])
def test_switch__unfinished_draft__has_the_way_default(draft):
    assert node_types()["switch"].ways(draft) == ("default",)


def test_switch__mistakes__name_the_case():
    cases = [
        {"key": "default", "expression": "true"},
        {"key": "Large", "expression": "true"},
        {"key": "a", "expression": "x >"},
        {"key": "a", "expression": "true"},
        {"key": "error", "expression": "true"},
    ]

    assert mistakes("switch", {"cases": cases}) == [
        ("cases.0.key", "E_SWITCH_CASE"),
        ("cases.1.key", "E_SWITCH_CASE"),
        ("cases.2.key", "E_SWITCH_CASE"),
        ("cases.2.expression", "E_CONDITION"),
        ("cases.3.key", "E_SWITCH_CASE"),
        ("cases.4.key", "E_SWITCH_CASE"),
    ]


# --- what an expression may cost ------------------------------------------------------------------


def test_decide__ten_thousand_items_once__is_fine():
    assert decide("items.all(i, i.price >= 0)", {"items": [{"price": n} for n in range(10_000)]})


@pytest.mark.parametrize(
    "expression",
    [
        "items.all(i, items.all(j, i == j))",
        "items.exists(i, items.filter(j, j > i).size() > 5)",
        "items.all(i, i in items)",
        "[text].map(a, a+a+a+a+a).map(a, a+a+a+a+a).map(a, a+a+a+a+a).size() > 5",
    ],
)
def test_decide__would_take_long__is_refused_before_it_starts(expression):
    with pytest.raises(ConditionInvalid) as refusal:
        decide(expression, {"items": list(range(5_000)), "text": "x" * 5_000})

    assert "too large" in refusal.value.text()


def test_decide__loops_written_inside_a_text__are_no_loops():
    assert decide("note != '.all(.all(.all(' && items.all(i, i >= 0)", {"note": "", "items": list(range(5_000))})


def test_decide__values_too_large_or_too_deep__are_refused():
    deep: list[object] = []
    for _level in range(200):
        deep = [deep]

    for value in ("x" * 1_000_001, deep):
        with pytest.raises(ConditionInvalid):
            decide("true", {"value": value})
