"""A failed step: which field is at fault, and what to do about it."""

import pytest

from apps.pipelines.graph import Node
from apps.tasks.trials.hints import HINTS, field_of, hint_of

NODE = Node(
    id="n",
    type="condition",
    config={"expression": "x > 1"},
    inputs={"x": "{{ start.size }}", "y": "{{ cut.w | plus: 1 }}"},
)


@pytest.mark.parametrize(
    ("error", "field"),
    [
        ({"reason": "E_CONDITION"}, "config.expression"),
        ({"reason": "E_NODE_TIMEOUT"}, "policy.timeout"),
        ({"reason": "E_REFERENCE_MISSING", "message": "The step needs “start.size”."}, "inputs.x"),
        ({"reason": "E_REFERENCE_MISSING", "message": "The step needs “cut.w”."}, "inputs.y"),
        ({"reason": "E_REFERENCE_MISSING", "message": "The step needs “else”."}, ""),
        ({"reason": "E_TOOL_ARGUMENTS", "details": {"errors": [{"pointer": "/width/0"}]}}, "inputs.width"),
        ({"reason": "E_ANYTHING", "details": {"errors": "odd"}}, ""),
    ],
)
def test_field__by_what_failed__named_as_the_validator_does(error, field):
    assert field_of(NODE, error) == field


def test_field__no_node_failed__none():
    assert field_of(None, {"reason": "E_CONDITION"}) == ""


def test_hint__known_unknown_and_retryable__say_what_helps():
    assert hint_of({"reason": "E_NODE_TIMEOUT"}) == "Raise the step's time limit, or give it less to do."
    assert hint_of({"reason": "E_WHO_KNOWS"}) == ""
    assert hint_of({"reason": "E_WHO_KNOWS", "retryable": True}).startswith("This may be over in a moment")


def test_hints__every_one__is_of_a_failure_that_exists():
    from apps.core.errors import CATALOGUE

    known = {error.reason for error in CATALOGUE.values()}
    late = {"E_NO_RETRIEVER", "E_HOST_REFUSED"}  # of nodes that come with another part

    assert HINTS.keys() - known - late == set()
