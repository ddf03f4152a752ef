"""Reservations that nobody settled: their processes died, and what they spent is guessed at what was set aside."""

from typing import Any

import structlog
from redis.exceptions import RedisError

from apps.core import redis
from apps.providers.budgets import scripts
from apps.providers.usage.records import FOUND, LOST, Numbered, UsageRecord, packed
from apps.providers.usage.stream import KEPT_BATCHES, STREAM

log = structlog.get_logger("providers")

BATCH = 500


def lapse_due() -> int:
    """Book every reservation whose time is over; how many. Does nothing while Redis is away.

    Concurrency: one step in Redis for each; whoever comes second, or after the call was settled, changes nothing.
    """
    try:
        return _lapse_due()
    except RedisError:
        log.warning("budget.lapse_postponed")
        return 0


def _lapse_due() -> int:
    client: Any = redis.client()  # redis-py's stubs know nothing of decoded answers
    lapsed, now = 0, client.time()[0]
    due = client.zrange(redis.key(scripts.DEADLINES), "-inf", now, byscore=True, offset=0, num=BATCH)
    names = (scripts.RESERVATIONS, scripts.DEADLINES, scripts.LAPSED, STREAM)
    for number in due:
        kept = client.hget(redis.key(scripts.RESERVATIONS), number)
        record = packed([_lost_as_kept(number, kept)] if kept else [])
        given = [number, now, record, KEPT_BATCHES, scripts.LAPSED_KEPT_SECONDS]
        lapsed += int(scripts.LAPSE.run(client, [redis.key(name) for name in names], given))
    if lapsed:
        log.warning("budget.lapsed", count=lapsed)
    return lapsed


def _lost_as_kept(number: str, kept: str) -> Numbered:
    """The record of a loss, from what the reservation says: amount, time, then a budget's key and epoch each."""
    amount, at, *places = kept.split()
    prefix = redis.key("budget:")
    holders = [key.removeprefix(prefix).rpartition(":")[0] for key in places[::2]]
    return lost(number, at=int(at), amount=int(amount), holders=holders)


def lost(number: str, *, at: int, amount: int, holders: list[str]) -> Numbered:
    """What is written when a reservation lapses."""
    return f"{LOST}:{number}", _record(LOST, at, amount, holders)


def found(number: str, *, at: int, amount: int, holders: list[str]) -> Numbered:
    """What takes that back when the call is settled after all."""
    return f"{FOUND}:{number}", _record(FOUND, at, amount, holders)


def _record(status: str, at: int, amount: int, holders: list[str]) -> UsageRecord:
    numbers = dict(holder.split(":") for holder in holders)
    return UsageRecord(
        request_id="",
        at=float(at),
        operation="",
        user_id=int(numbers["user"]) if "user" in numbers else None,
        key_id=int(numbers["key"]) if "key" in numbers else None,
        feature="",
        step="",
        endpoint="",
        model="",
        stream=False,
        input_tokens=0,
        output_tokens=0,
        cached_tokens=0,
        estimated=True,
        cost=amount,
        first_ms=None,
        total_ms=0.0,
        attempts=0,
        degraded=False,
        status=status,
    )
