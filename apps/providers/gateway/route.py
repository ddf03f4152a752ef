"""The way to an answer: candidates in order, each as often as it may be tried, the degrade policy last.

Whoever asks hands in `begin`, which sends the request to one candidate and returns once the answer has begun. Until
then a failure leads on to the next; what fails later is the caller's to tell.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

from apps.core.errors import ApiError
from apps.providers import pricing
from apps.providers.admission import Permit, admit, leave
from apps.providers.catalogue import acandidates
from apps.providers.degrade import DegradePolicy
from apps.providers.errors import (
    CircuitOpen,
    EndpointSaturated,
    NoRoute,
    UpstreamBusy,
    UpstreamError,
    UpstreamFailed,
)
from apps.providers.gateway.asking import Ask, Trail
from apps.providers.handlers import handlers
from apps.providers.secrets import secret_of
from apps.providers.strategies import ordered
from apps.providers.types import Candidate

log = structlog.get_logger("providers")

T = TypeVar("T")
Begin = Callable[[Candidate, str | None], Awaitable[T]]
Weigh = Callable[[Candidate], int]  # tokens to be reserved of the candidate's minute
BACKOFF_SECONDS = 0.1  # before the second try of one endpoint; doubled with each more, spread by half
LONGEST_BACKOFF = 2.0


async def wanted(ask: Ask, trail: Trail) -> list[Candidate]:
    """Who is to be tried, in order; nobody, and the failure kept, where nobody offers what is asked."""
    try:
        found = await acandidates(ask.capability, model=ask.model)
    except NoRoute as exc:
        trail.failures.append(exc)
        return []
    able = [c for c in found if ask.operation in handlers()[c.handler_key].operations]
    if not able:
        trail.failures.append(NoRoute(capability=ask.model or ask.capability))
    return ordered(able, ask.strategy) if len(able) > 1 else able


async def begun(
    ask: Ask, found: Sequence[Candidate], trail: Trail, begin: Begin[T], *, tokens: int, limit: int | None
) -> tuple[T, Permit]:
    """What `begin` gave for the first candidate that answered, and the permit to hand back.

    `tokens` are sent, `limit` at most answered, where anybody says so. Raises the last failure when nobody answered.
    """

    def weigh(candidate: Candidate) -> int:
        return pricing.weight(candidate, tokens, limit)

    answer = await _first(ask, found, trail, begin, weigh)
    if answer is None and ask.degrade is not None and ask.degrade.covers(trail.failures):
        answer = await _degraded(ask, ask.degrade, trail, begin, weigh)
    if answer is None:
        raise trail.failures[-1]
    return answer


async def _first(
    ask: Ask, found: Sequence[Candidate], trail: Trail, begin: Begin[T], weigh: Weigh
) -> tuple[T, Permit] | None:
    for candidate in found:
        answer = await _tried(ask, candidate, trail, begin, weigh)
        if answer is not None:
            return answer
        if isinstance(failure := trail.failures[-1], UpstreamError) and not failure.fails_over:
            break  # it would be refused everywhere
    return None


async def _tried(
    ask: Ask, candidate: Candidate, trail: Trail, begin: Begin[T], weigh: Weigh
) -> tuple[T, Permit] | None:
    """`candidate`'s answer; None, and its last failure kept, when it did not answer."""
    failure: ApiError | None = None
    for number in range(candidate.max_retries + 1):
        if number:
            await asyncio.sleep(_pause(number))
        try:
            return await _once(ask, candidate, begin, weigh)
        except ApiError as exc:
            failure = exc
            trail.add(candidate, exc)
            log.warning("chat.attempt_failed", endpoint=candidate.endpoint, code=exc.code)
            if not exc.retryable or isinstance(exc, UpstreamBusy | EndpointSaturated | CircuitOpen):
                break  # another endpoint is nearer than the end of the wait
    if failure is not None:
        trail.failures.append(failure)
    return None


async def _once(ask: Ask, candidate: Candidate, begin: Begin[T], weigh: Weigh) -> tuple[T, Permit]:
    if candidate.endpoint in ask.fail:
        raise UpstreamFailed(endpoint=candidate.endpoint, what="simulated failure")
    permit = await admit(candidate, tokens=weigh(candidate))
    try:
        secret = await secret_of(candidate) if handlers()[candidate.handler_key].requires_secret else None
        return await begin(candidate, secret), permit
    except BaseException as exc:
        error = exc if isinstance(exc, ApiError) else None
        await asyncio.shield(leave(permit, error=error, tokens=0, first_ms=None))
        raise


def _pause(number: int) -> float:
    longest: float = min(LONGEST_BACKOFF, BACKOFF_SECONDS * 2 ** (number - 1))
    return longest * random.uniform(0.5, 1.5)  # noqa: S311


async def _degraded(
    ask: Ask, degrade: DegradePolicy, trail: Trail, begin: Begin[T], weigh: Weigh
) -> tuple[T, Permit] | None:
    """The fallback model's answer; None when nobody new offers it, or all who do fail as well."""
    try:
        offering = await acandidates(ask.capability, model=degrade.fallback_model)
    except NoRoute:
        return None
    fresh = [candidate for candidate in offering if not trail.knows(candidate)]
    log.warning("chat.degraded", model=degrade.fallback_model, candidates=len(fresh))
    trail.degraded = True
    return await _first(ask, fresh, trail, begin, weigh)
