"""What is asked of a trial: read whole, or refused with a pointer for everything that is wrong."""

import pytest

from apps.core.errors import InvalidRequest
from apps.tasks.trials.wish import Wish, read_wish


def test_read__empty_body__a_mock_trial_of_the_draft():
    assert read_wish({}) == Wish(input={}, mode="mock", graph=None)


def test_read__everything__taken_over():
    body = {
        "input": {"a": 1}, "mode": "real", "graph": {}, "feature": "f", "node": "n", "inputs": {"$last": True},
        "pins": {"n": "pin"}, "fail": ["e"], "charge": True, "case": "c",
    }  # fmt: skip

    assert read_wish(body) == Wish(
        input={"a": 1}, mode="real", graph={}, feature="f", node="n", inputs={"$last": True}, pins={"n": "pin"},
        fail=("e",), charge=True, case="c",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ([], [""]),
        ({"nod": "x"}, ["/nod"]),
        ({"mode": "cheap"}, ["/mode"]),
        ({"input": [], "graph": "x"}, ["/input", "/graph"]),
        ({"pins": {"a": 1}}, ["/pins"]),
        ({"fail": "all"}, ["/fail"]),
        ({"charge": "yes"}, ["/charge"]),
        ({"node": 5, "case": {}, "feature": []}, ["/feature", "/node", "/case"]),
    ],
)
def test_read__something_wrong__every_place_is_named(body, pointers):
    with pytest.raises(InvalidRequest) as refused:
        read_wish(body)

    assert [error["pointer"] for error in refused.value.details["errors"]] == pointers
