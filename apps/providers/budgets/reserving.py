"""Set an amount aside in every budget of a caller, and book what the call cost in its place."""

import itertools
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from redis.exceptions import RedisError

from apps.core import redis
from apps.core.aio import in_thread
from apps.core.batches import Batches
from apps.core.errors import DependencyDown
from apps.providers.budgets import lapse, scripts
from apps.providers.budgets.caps import KEPT_SECONDS, Budget, Place, ends, place
from apps.providers.budgets.spent import seed
from apps.providers.usage.records import packed
from apps.providers.usage.stream import KEPT_BATCHES, STREAM
from apps.quotas.errors import BudgetExhausted

log = structlog.get_logger("providers")

ATTEMPTS = 3  # to find every budget known in Redis: it may forget between two steps
MICRO = 1_000_000
_run, _numbers = uuid.uuid4().hex[:20], itertools.count()


@dataclass(slots=True)
class Reservation:
    """What is set aside for one call; settled exactly once."""

    id: str
    amount: int
    budgets: tuple[Budget, ...]
    places: tuple[Place, ...] = ()
    epochs: tuple[str, ...] = ()
    at: int = 0  # Unix time on Redis's clock
    settled: bool = field(default=False, compare=False)


async def reserve(budgets: tuple[Budget, ...], amount: int) -> Reservation | None:
    """Set `amount` micro-credits aside in every budget, or in none. None without budgets.

    Raises `BudgetExhausted`, and `DependencyDown` when Redis does not answer: nobody spends what nobody counts.
    Concurrency: one step in Redis; callers of all processes together never pass a cap. A reservation that is not
    settled within 15 minutes belonged to a process that died: it is booked as spent.
    """
    if not budgets:
        return None
    wanted = Reservation(_number(), amount, budgets, tuple(place(budget) for budget in budgets))
    try:
        return await _reserved(wanted)
    except RedisError as exc:
        _later.add((wanted, 0))  # it may have been set aside all the same
        raise DependencyDown() from exc


def _number() -> str:
    """Unique over all processes, forked ones among them."""
    return f"{_run}-{os.getpid():x}-{next(_numbers):x}"


async def _reserved(wanted: Reservation) -> Reservation:
    given: list[Any] = [wanted.id, wanted.amount, scripts.LAPSE_SECONDS]
    for budget in wanted.budgets:
        given += [budget.cap, KEPT_SECONDS[budget.period]]
    keys = [_key(scripts.RESERVATIONS), _key(scripts.DEADLINES), *(_key(where.key) for where in wanted.places)]
    for _attempt in range(ATTEMPTS):
        word, *rest = await scripts.RESERVE(keys, *given)
        if word == "ok":
            wanted.at, wanted.epochs = int(rest[0]), tuple(rest[1:])
            return wanted
        if word == "full":
            raise _exhausted(wanted.budgets[int(rest[0]) - 1], spent=int(rest[1]), held=int(rest[2]))
        await in_thread(_seeded)([wanted.places[int(number) - 1] for number in rest])
    raise DependencyDown()


def _seeded(places: Sequence[Place]) -> None:
    for where in places:
        seed(where)


def _exhausted(budget: Budget, *, spent: int, held: int) -> BudgetExhausted:
    until = ends(budget.period)
    details = {
        "holder": budget.holder.partition(":")[0],
        "period": budget.period,
        "budget": budget.cap,
        "spent": spent,
        "reserved": held,
        "resetAt": until.isoformat().replace("+00:00", "Z") if until else None,
    }
    return BudgetExhausted(budget=f"{budget.cap / MICRO:g}", details=details)


async def settle(reservation: Reservation | None, cost: int) -> None:
    """Book `cost` in the place of what was set aside. It may exceed it; it is never lost.

    A second call does nothing. While Redis is away the booking waits in this process; should that die, too, what was
    set aside is booked when it lapses.
    """
    if reservation is None or reservation.settled:
        return
    reservation.settled = True
    try:
        keys, given = _settling(reservation, cost, first=True)
        await scripts.SETTLE(keys, *given)
    except RedisError:
        log.warning("budget.settle_postponed", reservation=reservation.id)
        _later.add((reservation, cost))


def _settling(reservation: Reservation, cost: int, *, first: bool) -> tuple[list[str], list[Any]]:
    names = (scripts.RESERVATIONS, scripts.DEADLINES, scripts.LAPSED, STREAM)
    keys = [*map(_key, names), *(_key(where.key) for where in reservation.places)]
    holders = [budget.holder for budget in reservation.budgets]
    found = packed([lapse.found(reservation.id, at=reservation.at, amount=reservation.amount, holders=holders)])
    epochs = reservation.epochs or ("",) * len(reservation.places)
    return keys, [reservation.id, cost, reservation.amount, int(first), found, KEPT_BATCHES, *epochs]


def _settle_later(waiting: list[tuple[Reservation, int]]) -> None:
    for reservation, cost in waiting:
        keys, given = _settling(reservation, cost, first=False)
        scripts.SETTLE.now(keys, *given)


_later: Batches[tuple[Reservation, int]] = Batches("budgets", _settle_later, pause=1.0, size=100, most=100_000)


def settle_postponed() -> None:
    """Book what waits for Redis now, in this thread. Raises `RedisError`."""
    _later.flush()


def _key(name: str) -> str:
    return redis.key(name)
