"""In which order candidates are tried."""

from collections.abc import Sequence
from typing import Literal, get_args

from apps.providers.types import Candidate

Strategy = Literal["priority", "prefer_quality", "prefer_latency", "weighted", "cheapest"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)


def ordered(candidates: Sequence[Candidate], strategy: Strategy) -> list[Candidate]:
    """`candidates`, the first to be tried first."""
    return list(candidates)
