"""Budgets: nobody passes a cap, nothing that was spent is lost, whatever dies or forgets."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import close_old_connections
from django.utils import timezone

from apps.core import redis
from apps.core.errors import DependencyDown
from apps.providers.budgets import Budget, Reservation, caps, lapse, reserve, reserving, scripts, settle
from apps.providers.budgets.lapse import lapse_due
from apps.providers.models import UsageDay, UsageRow
from apps.providers.usage import writer
from apps.providers.usage.consumer import write_pending
from apps.providers.usage.ledger import write
from apps.providers.usage.records import numbered
from apps.quotas.errors import BudgetExhausted
from tests.faults.fleet import environment
from tests.providers.builders import make_record

KEY = Budget("key:5", 60, "total")
USER = Budget("user:7", 100, "month")
take, give = async_to_sync(reserve), async_to_sync(settle)


@pytest.fixture(autouse=True)
def _same_thread(monkeypatch):
    """A budget is filled in from the test's own transaction."""
    monkeypatch.setattr(reserving, "in_thread", sync_to_async)


def state(budget: Budget) -> dict[str, int]:
    """What Redis says of `budget`."""
    found = redis.client().hgetall(redis.key(caps.place(budget).key))
    return {name: int(found[name]) for name in ("spent", "held", "guessed")} if found else {}


def make_due(reservation: Reservation) -> None:
    """Its fifteen minutes are over."""
    redis.client().zadd(redis.key(scripts.DEADLINES), {reservation.id: 1})


def test_reserve__no_budget__asks_nobody(no_redis):
    assert take((), 10) is None
    give(None, 10)


def test_settle__less_than_was_reserved__the_rest_is_free_again(db):
    first = take((KEY,), 50)
    during = state(KEY)

    give(first, 20)

    assert during == {"spent": 0, "held": 50, "guessed": 0}
    assert state(KEY) == {"spent": 20, "held": 0, "guessed": 0}
    assert take((KEY,), 40) is not None


def test_settle__more_than_was_reserved__is_booked_and_blocks_what_comes(db):
    give(take((KEY,), 10), 75)

    assert state(KEY) == {"spent": 75, "held": 0, "guessed": 0}
    with pytest.raises(BudgetExhausted):
        take((KEY,), 0)


def test_settle__twice__counts_once(db):
    reservation = take((KEY,), 10)
    twin = Reservation(
        **{name: getattr(reservation, name) for name in ("id", "amount", "budgets", "places", "epochs", "at")}
    )

    give(reservation, 5)
    give(reservation, 5)
    give(twin, 5)

    assert state(KEY) == {"spent": 5, "held": 0, "guessed": 0}


def test_reserve__one_of_two_budgets_is_full__takes_of_neither(db):
    give(take((USER,), 70), 70)

    with pytest.raises(BudgetExhausted) as refused:
        take((KEY, USER), 40)

    assert state(KEY) == {}
    assert state(USER) == {"spent": 70, "held": 0, "guessed": 0}
    assert refused.value.details["holder"] == "user"


def test_reserve__full__says_how_much_and_until_when(db, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 12, 31, 23, 59, tzinfo=UTC))
    day = Budget("user:7", 100_000_000, "day")
    take((day,), 90_000_000)

    with pytest.raises(BudgetExhausted) as refused:
        take((day,), 20_000_000)

    assert (refused.value.status, refused.value.code) == (429, "QUOTAS_2010")
    assert "100 credits" in refused.value.text()
    assert refused.value.details == {
        "holder": "user",
        "period": "day",
        "budget": 100_000_000,
        "spent": 0,
        "reserved": 90_000_000,
        "resetAt": "2027-01-01T00:00:00Z",
    }


@pytest.mark.parametrize(
    ("period", "last", "first"),
    [
        ("day", "2026-11-22T23:59:59Z", "2026-11-23T00:00:00Z"),
        ("month", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"),
    ],
)
def test_reserve__next_period__begins_with_nothing_spent(db, monkeypatch, period, last, first):
    budget = Budget("key:5", 60, period)
    monkeypatch.setattr(timezone, "now", lambda: datetime.fromisoformat(last))
    running = take((budget,), 60)
    end = caps.ends(period)

    monkeypatch.setattr(timezone, "now", lambda: datetime.fromisoformat(first))
    fresh = take((budget,), 60)
    give(running, 50)

    assert fresh is not None
    assert end == datetime.fromisoformat(first)
    assert state(budget) == {"spent": 0, "held": 60, "guessed": 0}, "the call of the old period is booked there"


def test_reserve__redis_knows_nothing__begins_with_what_the_database_and_the_stream_say(db):
    records = [numbered(make_record(key_id=5, cost=n)) for n in (1, 2, 4)]
    write(records[:2])
    redis.client().xadd(redis.key("usage:records"), {"batch": writer.stream.packed(records[1:])})

    take((KEY,), 10)

    assert state(KEY) == {"spent": 7, "held": 10, "guessed": 0}, "what is in both is counted once"


def test_reserve__records_of_others_and_of_another_month__do_not_count(db):
    long_ago = datetime(2020, 1, 1, tzinfo=UTC).timestamp()
    write([numbered(make_record(user_id=7, cost=5)), numbered(make_record(user_id=8, cost=50))])
    write([numbered(make_record(user_id=7, cost=30, at=long_ago))])

    take((USER,), 1)

    assert state(USER)["spent"] == 5


def test_settle__redis_forgot_and_was_filled_in_anew__still_books_the_cost(db):
    reservation = take((KEY,), 10)
    redis.client().flushdb()
    take((KEY,), 1)

    give(reservation, 8)

    assert state(KEY) == {"spent": 8, "held": 1, "guessed": 0}


def test_reserve__redis_away__is_refused_for_those_with_a_budget(no_redis, db):
    with pytest.raises(DependencyDown):
        take((KEY,), 1)


def test_reserve__its_answer_was_lost__what_may_be_held_is_given_back(db, monkeypatch):
    real = scripts.Script.arun

    async def lossy(self, client, keys, given):
        await real(self, client, keys, given)
        raise redis.redis.TimeoutError

    take((KEY,), 1)
    with monkeypatch.context() as patch:
        patch.setattr(scripts.Script, "arun", lossy)
        with pytest.raises(DependencyDown):
            take((KEY,), 50)
    held = state(KEY)["held"]

    reserving.settle_postponed()

    assert held == 51
    assert state(KEY) == {"spent": 0, "held": 1, "guessed": 0}


def test_settle__redis_away__is_booked_when_it_is_back(db, monkeypatch):
    reservation = take((KEY,), 50)

    async def away(self, client, keys, given):
        raise redis.redis.ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(scripts.Script, "arun", away)
        give(reservation, 30)
    before = state(KEY)
    reserving.settle_postponed()

    assert before == {"spent": 0, "held": 50, "guessed": 0}
    assert state(KEY) == {"spent": 30, "held": 0, "guessed": 0}


def test_lapse__process_died__what_was_set_aside_counts_as_spent(db):
    reservation = take((KEY, USER), 30)
    take((KEY,), 1)
    make_due(reservation)

    lapsed = lapse_due()

    assert lapsed == 1
    assert state(KEY) == {"spent": 30, "held": 1, "guessed": 30}
    assert state(USER) == {"spent": 30, "held": 0, "guessed": 30}
    write_pending()
    row = UsageRow.objects.get()
    assert (row.status, row.cost, row.estimated, row.key_id, row.user_id) == ("lost", 30, True, 5, 7)
    assert lapse_due() == 0


def test_settle__after_it_lapsed__the_guess_gives_way_to_the_cost(db):
    reservation = take((KEY,), 30)
    make_due(reservation)
    lapse_due()

    give(reservation, 4)

    assert state(KEY) == {"spent": 4, "held": 0, "guessed": 0}
    write_pending()
    assert sorted(UsageRow.objects.values_list("status", "cost")) == [("found", 30), ("lost", 30)]
    day = UsageDay.objects.get()
    assert (day.cost, day.calls, day.errors) == (0, 0, 0)


def test_lapse__settled_meanwhile__changes_nothing(db, monkeypatch):
    reservation = take((KEY,), 30)
    make_due(reservation)
    real = lapse._lost_as_kept

    def settled_first(number, kept):
        give(reservation, 3)
        return real(number, kept)

    monkeypatch.setattr(lapse, "_lost_as_kept", settled_first)

    assert lapse_due() == 0
    assert state(KEY) == {"spent": 3, "held": 0, "guessed": 0}
    assert UsageRow.objects.count() == write_pending() == 0


def test_reserve__amounts_beyond_what_floats_print__are_exact(db):
    large = Budget("key:5", 9_000_000_000_000_000, "total")

    give(take((large,), 8_999_999_999_999_997), 8_999_999_999_999_999)

    assert state(large)["spent"] == 8_999_999_999_999_999


def test_reserve__of_one_call__is_one_round_trip_before_and_one_after(db, monkeypatch):
    take((KEY, USER), 1)
    asked = []
    real = scripts.Script.arun

    async def counted(self, client, keys, given):
        asked.append(self)
        return await real(self, client, keys, given)

    monkeypatch.setattr(scripts.Script, "arun", counted)

    give(take((KEY, USER), 1), 1)

    assert asked == [scripts.RESERVE, scripts.SETTLE]


MANY = """
import asyncio, django, json, sys
django.setup()
from apps.providers.budgets import Budget, reserve, settle
from apps.quotas.errors import BudgetExhausted

async def call():
    try:
        reservation = await reserve((Budget("key:5", 60, "total"),), 1)
    except BudgetExhausted:
        return 0
    await settle(reservation, 1)
    return 1

async def main():
    return sum(await asyncio.gather(*(call() for _ in range(25))))

print(json.dumps(asyncio.run(main())))
"""


@pytest.mark.django_db(transaction=True)
def test_reserve__100_calls_of_4_processes_on_a_budget_for_60__exactly_60_get_through():
    argv = [sys.executable, "-c", MANY]
    crowd = [subprocess.Popen(argv, env=environment(), stdout=subprocess.PIPE) for _ in range(4)]

    let_in = [json.loads(one.communicate()[0].splitlines()[-1]) for one in crowd]

    close_old_connections()
    assert sum(let_in) == 60
    assert state(KEY) == {"spent": 60, "held": 0, "guessed": 0}
