"""One call's money and its record: set aside before, settled once after, whatever happened in between."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from apps.core.errors import ApiError
from apps.core.request_id import get_request_id
from apps.providers import pricing
from apps.providers.admission import Permit, leave
from apps.providers.budgets import Reservation, reserve, settle
from apps.providers.errors import PriceUnknown
from apps.providers.gateway.asking import Ask, Trail
from apps.providers.types import Candidate, Usage
from apps.providers.usage import UsageRecord, record

log = structlog.get_logger("providers")


@dataclass(slots=True)
class Meter:
    """Made by `opened`, closed exactly once by `close`."""

    ask: Ask
    trail: Trail
    tokens_in: int
    stream: bool
    reservation: Reservation | None
    offered: bool  # a name that nobody offers is the caller's: endless, and perhaps a key in the wrong place
    started: float = field(default_factory=time.perf_counter)
    at: float = field(default_factory=time.time)
    request_id: str = field(default_factory=get_request_id)
    first_ms: float | None = None
    cost: int | None = None
    estimated: bool = False
    closed: bool = False

    def began(self) -> None:
        """The answer's first piece is there."""
        if self.first_ms is None:
            self.first_ms = (time.perf_counter() - self.started) * 1000

    async def close(
        self,
        permit: Permit | None,
        usage: Usage | None,
        *,
        text: str = "",
        error: ApiError | None = None,
        cut: bool = False,
    ) -> Usage:
        """Settle, hand the permit back and write the call down; returns what was counted.

        `usage` is what the upstream said, None when nothing was produced. What it left out is estimated from `text`.
        Concurrency: safe against being cancelled; a second call does nothing.
        """
        counted, self.estimated = Usage(0, 0), False
        if usage is not None:
            counted, self.estimated = pricing.completed(usage, tokens_in=self.tokens_in, text=text)
        if not self.closed:
            self.closed = True
            await asyncio.shield(self._finish(permit, counted, error, cut=cut))
        return counted

    async def _finish(self, permit: Permit | None, usage: Usage, error: ApiError | None, *, cut: bool) -> None:
        tokens = (usage.input_tokens or 0) + (usage.output_tokens or 0)
        self.cost = pricing.cost(permit.candidate.prices, usage) if permit and tokens else 0
        entry = self._entry(permit.candidate if permit else None, usage, error, cut=cut)
        steps = [record(entry), settle(self.reservation, self.cost or 0)]
        if permit is not None:
            # Of this endpoint alone, without the time that others were tried before.
            first_ms = None if self.first_ms is None else self.first_ms - (permit.at - self.started) * 1000
            steps.append(leave(permit, error=error, tokens=tokens, first_ms=first_ms))
        for step in steps:
            try:
                await step
            except Exception:
                log.exception("chat.not_settled")

    def _entry(self, candidate: Candidate | None, usage: Usage, error: ApiError | None, *, cut: bool) -> UsageRecord:
        caller = self.ask.caller
        return UsageRecord(
            request_id=self.request_id,
            at=self.at,
            operation=self.ask.operation,
            user_id=caller.user_id,
            key_id=caller.key_id,
            feature=caller.feature,
            step=caller.step,
            endpoint=candidate.endpoint if candidate else "",
            model=candidate.model if candidate else self.ask.model if self.offered else "",
            stream=self.stream,
            input_tokens=usage.input_tokens or 0,
            output_tokens=usage.output_tokens or 0,
            cached_tokens=usage.cached_tokens,
            estimated=self.estimated,
            cost=self.cost,
            first_ms=self.first_ms,
            total_ms=(time.perf_counter() - self.started) * 1000,
            attempts=len(self.trail.attempts) + (candidate is not None),
            degraded=self.trail.degraded,
            status="cut" if cut else error.code if error else "ok",
        )


async def opened(
    ask: Ask, found: Sequence[Candidate], trail: Trail, *, tokens_in: int, limit: int | None, stream: bool
) -> Meter:
    """A running meter, with the most that any of `found` may cost set aside.

    Raises `BudgetExhausted`, and `PriceUnknown` for a budget that nothing could be counted against.
    """
    reservation = None
    if ask.caller.budgets and found:
        for candidate in found:
            if not pricing.is_priced(candidate.prices):
                raise PriceUnknown(model=candidate.model)
        amount = max(pricing.most(candidate, tokens_in, limit) for candidate in found)
        reservation = await reserve(ask.caller.budgets, amount)
    return Meter(ask, trail, tokens_in, stream, reservation, offered=bool(found))
