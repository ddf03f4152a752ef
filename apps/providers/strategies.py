"""In which order candidates are tried."""

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Literal, Protocol, get_args

from apps.providers.admission.desk import current_desk
from apps.providers.types import Candidate, Prices

Strategy = Literal["priority", "prefer_quality", "prefer_latency", "weighted", "cheapest"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)

EXPLORED_SHARE = 0.1  # of the calls begin with an endpoint that nobody measured lately
UNPRICED = float("inf")


class Knowledge(Protocol):
    """What is known of endpoints in this process; it may be a second old."""

    def is_resting(self, candidate: Candidate) -> bool:
        """Whether it would be in vain to ask `candidate` now."""

    def pace(self, candidate: Candidate) -> float | None:
        """Milliseconds to the first byte lately; None where nobody measured it."""


class _Nothing:
    """Outside a loop nothing is asked, so nothing is known."""

    def is_resting(self, candidate: Candidate) -> bool:
        return False

    def pace(self, candidate: Candidate) -> float | None:
        return None


def ordered(
    candidates: Sequence[Candidate],
    strategy: Strategy,
    *,
    dice: random.Random | None = None,
    knowledge: Knowledge | None = None,
) -> list[Candidate]:
    """`candidates`, given by priority, the first to be tried first.

    Open circuits and models that asked for a pause come last in every strategy, in the same order among themselves:
    an outage costs no time, and whoever is left alone is still asked when nobody else is there. Once the pause is
    over they stand where they belong, so that a call finds out whether they are well.
    """
    known = knowledge if knowledge is not None else _of_this_loop()
    found = _BY_NAME[strategy](candidates, dice or _dice, known)
    resting = [candidate for candidate in found if known.is_resting(candidate)]
    if not resting or len(resting) == len(found):
        return found
    return [candidate for candidate in found if candidate not in resting] + resting


def _of_this_loop() -> Knowledge:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _Nothing()
    return current_desk()


def _priority(candidates: Sequence[Candidate], dice: random.Random, known: Knowledge) -> list[Candidate]:
    return list(candidates)


def _quality(candidates: Sequence[Candidate], dice: random.Random, known: Knowledge) -> list[Candidate]:
    return sorted(candidates, key=lambda candidate: -candidate.quality)


def _latency(candidates: Sequence[Candidate], dice: random.Random, known: Knowledge) -> list[Candidate]:
    """The measured by their pace, then the others; now and then one of the others first, so that it gets measured."""
    paces = [(known.pace(candidate), candidate) for candidate in candidates]
    unmeasured = [candidate for pace, candidate in paces if pace is None]
    measured = [(pace, candidate) for pace, candidate in paces if pace is not None]
    found = [candidate for _pace, candidate in sorted(measured, key=lambda one: one[0])]
    if unmeasured and found and dice.random() < EXPLORED_SHARE:
        first = unmeasured.pop(dice.randrange(len(unmeasured)))
        return [first, *found, *unmeasured]
    return found + unmeasured


def _weighted(candidates: Sequence[Candidate], dice: random.Random, known: Knowledge) -> list[Candidate]:
    """Drawn by weight without putting back (Efraimidis and Spirakis, 2006); those without weight as listed, last."""
    drawn = [(dice.random() ** (1 / c.weight), number) for number, c in enumerate(candidates) if c.weight]
    found = [candidates[number] for _key, number in sorted(drawn, reverse=True)]
    return found + [candidate for candidate in candidates if not candidate.weight]


def _cheapest(candidates: Sequence[Candidate], dice: random.Random, known: Knowledge) -> list[Candidate]:
    return sorted(candidates, key=lambda candidate: blended(candidate.prices))


def blended(prices: Prices) -> float:
    """What a typical million tokens cost, three read for each written; an unknown price is the highest of all."""
    if prices.input is None or prices.output is None:
        return UNPRICED
    return (3 * prices.input + prices.output) / 4


_dice = random.Random()  # noqa: S311 - it spreads load, it keeps no secret

Order = Callable[[Sequence[Candidate], random.Random, Knowledge], list[Candidate]]
_BY_NAME: dict[Strategy, Order] = {
    "priority": _priority,
    "prefer_quality": _quality,
    "prefer_latency": _latency,
    "weighted": _weighted,
    "cheapest": _cheapest,
}
