"""Budgets against a model of them: whatever happens in whatever order, Redis says what was spent and what is held."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from apps.core import redis
from apps.providers.budgets import Budget, Reservation, caps, lapse, reserve, reserving, scripts, settle
from apps.providers.budgets.lapse import lapse_due
from apps.providers.models import UsageDay, UsageRow
from apps.providers.usage.consumer import write_pending
from apps.providers.usage.ledger import verify_usage, write
from apps.providers.usage.records import numbered, packed
from apps.providers.usage.stream import STREAM
from apps.quotas.errors import BudgetExhausted
from tests.providers.builders import make_record

CAP = 100
BUDGETS = (Budget("key:5", CAP, "day"), Budget("user:7", 2 * CAP, "total"))
amounts = st.integers(0, 60)


class Budgets(RuleBasedStateMachine):
    """One key with a budget by day, its owner with one for good. Records are written at once or a while later."""

    reservations = Bundle("reservations")

    @initialize()
    def begin(self) -> None:
        redis.client().flushdb()
        UsageRow.objects.all().delete()
        UsageDay.objects.all().delete()
        self.now = datetime(2026, 11, 22, 12, tzinfo=UTC)
        self.spent: dict[str, int] = {}  # by the key of a budget's place
        self.held: dict[str, dict[str, int]] = {}  # likewise, by reservation
        self.lapsed: set[str] = set()
        self.epoch = 0
        self.epochs: dict[str, int] = {}
        self.numbers = itertools.count()
        caps.timezone.now = lambda: self.now  # type: ignore[method-assign]

    @rule(target=reservations, amount=amounts, both=st.booleans())
    def take(self, amount: int, both: bool) -> Any:
        budgets = BUDGETS if both else BUDGETS[:1]
        places = [caps.place(budget).key for budget in budgets]
        fits = all(
            self.spent.get(key, 0) + sum(self.held.get(key, {}).values()) + amount <= budget.cap
            for key, budget in zip(places, budgets, strict=True)
        )
        try:
            reservation = async_to_sync(reserve)(budgets, amount)
        except BudgetExhausted:
            assert not fits
            return None
        assert fits
        assert reservation is not None
        reservation.at = int(self._start_of(reservation))
        self.epochs[reservation.id] = self.epoch
        for key in places:
            self.held.setdefault(key, {})[reservation.id] = amount
        return reservation

    @rule(reservation=consumes(reservations), cost=st.integers(0, 80), late=st.booleans(), twice=st.booleans())
    def give(self, reservation: Reservation | None, cost: int, late: bool, twice: bool) -> None:
        if reservation is None or (reservation.id in self.lapsed and self.epochs[reservation.id] != self.epoch):
            return  # Redis forgot that it had lapsed: what was guessed stays booked
        again = Reservation(**{name: getattr(reservation, name) for name in Reservation.__slots__})
        async_to_sync(settle)(reservation, cost)
        if twice:
            async_to_sync(settle)(again, cost)
        for where, budget in zip(reservation.places, reservation.budgets, strict=True):
            key = where.key
            self.held.get(key, {}).pop(reservation.id, None)
            guessed = budget is not None and reservation.id in self.lapsed
            self.spent[key] = self.spent.get(key, 0) + cost - (reservation.amount if guessed else 0)
        self.lapsed.discard(reservation.id)
        self._record(reservation, cost, late=late)

    def _record(self, reservation: Reservation, cost: int, *, late: bool) -> None:
        holders = {budget.holder for budget in reservation.budgets}
        record = make_record(
            at=self._start_of(reservation), cost=cost, key_id=5, user_id=7 if "user:7" in holders else None
        )
        if late:
            redis.client().xadd(redis.key(STREAM), {"batch": packed([numbered(record)])})
        else:
            write([numbered(record)])

    def _start_of(self, reservation: Reservation) -> float:
        """A time within the day that the reservation was made on."""
        return datetime.strptime(reservation.places[0].stamp + "12+0000", "%Y%m%d%H%z").timestamp()

    @rule(reservation=reservations)
    def die(self, reservation: Reservation | None) -> None:
        """Fifteen minutes later nobody has settled it."""
        if reservation is None or not redis.client().zscore(redis.key(scripts.DEADLINES), reservation.id):
            return
        redis.client().zadd(redis.key(scripts.DEADLINES), {reservation.id: 1})
        with pytest.MonkeyPatch.context() as patch:  # Redis's clock knows nothing of the model's days
            real, at = lapse.lost, reservation.at
            patch.setattr(lapse, "lost", lambda number, **given: real(number, **{**given, "at": at}))
            assert lapse_due() == 1
        self.lapsed.add(reservation.id)
        for where in reservation.places:
            self.held.get(where.key, {}).pop(reservation.id, None)
            self.spent[where.key] = self.spent.get(where.key, 0) + reservation.amount

    @rule()
    def write_later(self) -> None:
        write_pending()

    @rule()
    def next_day(self) -> None:
        self.now += timedelta(days=1)

    @rule()
    def forget(self) -> None:
        """Redis loses everything but the records, which are written before."""
        write_pending()
        redis.client().flushdb()
        self.held = {}
        self.epoch += 1

    @rule()
    def lose_budgets(self) -> None:
        """Redis drops the budgets, as it may when it is short of memory; records and reservations stay."""
        for key in redis.client().scan_iter(redis.key("budget:[ku]*")):
            redis.client().delete(key)
        self.held = {}

    @invariant()
    def redis_says_what_is_true(self) -> None:
        for key in {*self.spent, *self.held} if hasattr(self, "spent") else ():
            found = redis.client().hgetall(redis.key(key))
            if found:
                said = (int(found["spent"]), int(found["held"]))
                assert said == (self.spent.get(key, 0), sum(self.held.get(key, {}).values())), key

    def teardown(self) -> None:
        write_pending()
        assert verify_usage() == []


@pytest.mark.stateful
def test_budgets__any_order_of_calls_deaths_and_losses__hold_what_the_model_says(db, monkeypatch):
    monkeypatch.setattr(reserving, "in_thread", sync_to_async)
    monkeypatch.setattr(caps.timezone, "now", caps.timezone.now)  # put back afterwards

    run_state_machine_as_test(Budgets)
