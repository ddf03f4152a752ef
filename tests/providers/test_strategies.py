"""In which order candidates are tried."""

import random
from collections import Counter

import pytest

from apps.providers.strategies import EXPLORED_SHARE, STRATEGIES, ordered
from apps.providers.types import Candidate, Prices
from tests.providers.builders import make_candidate


class Known:
    """What the test says of endpoints."""

    def __init__(self, resting: str = "", **paces: float) -> None:
        self.resting, self.paces = resting, paces

    def is_resting(self, candidate: Candidate) -> bool:
        return candidate.endpoint in self.resting

    def pace(self, candidate: Candidate) -> float | None:
        return self.paces.get(candidate.endpoint)


def three(**fields: list[object]) -> list[Candidate]:
    """Candidates a, b and c, by priority, with the given fields."""
    return [
        make_candidate("", endpoint=key, **{name: values[number] for name, values in fields.items()})
        for number, key in enumerate("abc")
    ]


def keys(found: list[Candidate]) -> str:
    return "".join(candidate.endpoint for candidate in found)


def test_ordered__priority__is_as_listed():
    assert keys(ordered(three(), "priority", knowledge=Known())) == "abc"


def test_ordered__quality__is_highest_first_and_by_priority_among_equals():
    assert keys(ordered(three(quality=[50, 90, 50]), "prefer_quality", knowledge=Known())) == "bac"


def test_ordered__latency__is_fastest_first_and_the_unmeasured_after():
    never = random.Random()
    never.random = lambda: 1.0  # type: ignore[method-assign]

    assert keys(ordered(three(), "prefer_latency", dice=never, knowledge=Known(b=20, c=10))) == "cba"


def test_ordered__latency_nobody_measured__is_by_priority():
    assert keys(ordered(three(), "prefer_latency", knowledge=Known())) == "abc"


def test_ordered__latency__explores_the_unmeasured_now_and_then():
    dice = random.Random(7)

    first = Counter(
        keys(ordered(three(), "prefer_latency", dice=dice, knowledge=Known(a=1)))[0] for _number in range(2_000)
    )

    assert first["b"] + first["c"] == pytest.approx(2_000 * EXPLORED_SHARE, rel=0.2)
    assert min(first["b"], first["c"]) > 60


def test_ordered__weighted__follows_the_weights_and_never_begins_with_none():
    dice = random.Random(7)
    candidates = three(weight=[300, 100, 0])

    orders = Counter(keys(ordered(candidates, "weighted", dice=dice, knowledge=Known())) for _number in range(2_000))

    assert set(orders) == {"abc", "bac"}
    assert orders["abc"] == pytest.approx(1_500, rel=0.05)


def test_ordered__weighted_same_seed__is_the_same_order():
    draws = [keys(ordered(three(), "weighted", dice=random.Random(3), knowledge=Known())) for _number in range(5)]

    assert len(set(draws)) == 1


def test_ordered__nobody_has_weight__is_as_listed():
    assert keys(ordered(three(weight=[0, 0, 0]), "weighted", knowledge=Known())) == "abc"


def test_ordered__cheapest__reads_three_for_each_written_and_unpriced_come_last():
    prices = [Prices(input=100), Prices(input=100, output=400), Prices(input=150, output=200)]

    assert keys(ordered(three(prices=prices), "cheapest", knowledge=Known())) == "cba"


def test_ordered__free__is_the_cheapest():
    prices = [Prices(input=1, output=1), Prices(input=0, output=0), Prices()]

    assert keys(ordered(three(prices=prices), "cheapest", knowledge=Known())) == "bac"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_ordered__resting__come_last_in_every_strategy(strategy):
    found = ordered(three(), strategy, knowledge=Known(resting="ab"))

    assert keys(found)[0] == "c"
    assert sorted(keys(found)) == ["a", "b", "c"]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_ordered__all_rest__nobody_is_left_out(strategy):
    assert sorted(keys(ordered(three(), strategy, knowledge=Known(resting="abc")))) == ["a", "b", "c"]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_ordered__outside_a_loop__knows_nothing_and_orders(strategy):
    assert len(ordered(three(), strategy)) == 3
