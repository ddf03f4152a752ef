"""One call from question to the beginning of its answer, whatever form the answer has."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from apps.core.errors import ApiError
from apps.providers.admission import Permit
from apps.providers.gateway import meter as meters
from apps.providers.gateway.asking import Ask, Trail
from apps.providers.gateway.route import Begin, begun, wanted
from apps.providers.types import Candidate

T = TypeVar("T")


@dataclass(slots=True)
class Call(Generic[T]):
    """An answer that has begun; `meter.close` with `permit` ends it, exactly once."""

    got: T
    permit: Permit
    trail: Trail
    meter: meters.Meter

    @property
    def candidate(self) -> Candidate:
        """Who answers."""
        return self.permit.candidate

    @property
    def mock(self) -> bool:
        """Whether no real model answers."""
        return self.candidate.handler_key == "mock"


async def call(
    ask: Ask, begin: Begin[T], *, tokens_in: int, limit: int | None, stream: bool, trail: Trail | None = None
) -> Call[T]:
    """What `begin` gave for the first candidate that answered. What failed is settled and written down, too.

    Raises `NoRoute`, the last upstream's error, `BudgetExhausted`, `PriceUnknown`.
    """
    trail = trail or Trail()
    found = await wanted(ask, trail)
    meter = await meters.opened(ask, found, trail, tokens_in=tokens_in, limit=limit, stream=stream)
    try:
        got, permit = await begun(ask, found, trail, begin, tokens=tokens_in, limit=limit)
    except BaseException as exc:
        await meter.close(None, None, error=exc if isinstance(exc, ApiError) else None)
        raise
    meter.began()
    return Call(got, permit, trail, meter)
