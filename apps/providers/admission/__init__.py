"""Whether an endpoint may be asked now, and what became of it when it was: breaker, limits, cool-down.

`docs/decisions/0010-admission.md` says where the state is kept and how stale it may be.
"""

from apps.core.errors import ApiError
from apps.providers.admission.desk import current_desk
from apps.providers.admission.metrics import metrics
from apps.providers.admission.records import Permit, result_of
from apps.providers.types import Candidate

__all__ = ["Permit", "admit", "leave", "metrics"]


async def admit(candidate: Candidate, *, tokens: int) -> Permit:
    """The right to a call of about `tokens` tokens, its answer included.

    Raises `EndpointSaturated` or `CircuitOpen`; nothing is held then.

    An endpoint without limits that is well costs no round trip; an open circuit is known everywhere within a second.
    """
    return await current_desk().admit(candidate, tokens)


async def leave(permit: Permit, *, error: ApiError | None, tokens: int, first_ms: float | None) -> None:
    """Hand `permit` back: what failed, how many tokens it was in all, milliseconds from admission to the first byte.

    Neither an error nor tokens nor a first byte: the call was given up before it said anything, and counts for nothing.
    """
    await current_desk().leave(permit, result_of(error, tokens=tokens, first_ms=first_ms), first_ms)
