"""Usage: every call is written once, whatever fails on its way, and the sums of a day follow from its rows."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from apps.core import redis
from apps.providers.models import UsageDay, UsageRow
from apps.providers.usage import consumer, ledger, record, stream, writer
from apps.providers.usage.consumer import write_pending
from apps.providers.usage.ledger import purge, verify_usage, write
from apps.providers.usage.records import numbered, packed
from tests.faults.fleet import environment
from tests.providers.builders import make_record

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()


def sent(*records: Any) -> None:
    """Hand in `records`, and have them put into the stream."""
    for one in records:
        async_to_sync(record)(one)
    writer.flush()


def test_record__two_calls_of_a_day__are_two_rows_and_one_sum(db):
    sent(make_record(at=NOON, cost=70, total_ms=80.0), make_record(at=NOON, cost=None, status="PROVIDERS_5001"))

    written = write_pending()

    assert written == UsageRow.objects.count() == 2
    day = UsageDay.objects.get()
    assert (str(day.day), day.calls, day.errors, day.cost, day.unpriced) == ("2026-11-22", 2, 1, 70, 1)
    assert (day.input_tokens, day.output_tokens) == (20, 10)
    assert (day.latency_0, day.latency_4) == (1, 1)
    assert redis.client().xlen(redis.key(stream.STREAM)) == 0
    assert verify_usage() == []


def test_record__names_that_differ_in_case_alone__are_two_sums(db):
    sent(make_record(model="GPT"), make_record(model="gpt"))

    write_pending()

    assert sorted(UsageDay.objects.values_list("model", "calls")) == [("GPT", 1), ("gpt", 1)]


def test_record__no_price__is_apart_from_a_price_of_nothing(db):
    sent(make_record(cost=0), make_record(cost=None, model="b"))

    write_pending()

    assert sorted(UsageDay.objects.values_list("model", "cost", "unpriced")) == [("b", 0, 1), ("gpt-test", 0, 0)]
    assert sorted(UsageRow.objects.values_list("model", "cost")) == [("b", None), ("gpt-test", 0)]


def test_record__redis_away__goes_straight_to_the_database(db, no_redis):
    sent(make_record())

    assert UsageRow.objects.count() == 1
    assert verify_usage() == []


def test_record__answer_of_redis_lost__is_counted_once(db, monkeypatch):
    there = stream.append

    def lossy(batch):
        there(batch)
        raise redis.redis.ConnectionError

    monkeypatch.setattr(stream, "append", lossy)

    sent(make_record())
    write_pending()

    assert (UsageRow.objects.count(), UsageDay.objects.get().calls) == (1, 1)


def test_record__database_and_redis_away__waits_and_is_not_lost(db, no_redis, monkeypatch):
    def away(batch):
        raise DatabaseError

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "write", away)
        with pytest.raises(DatabaseError):
            sent(make_record())
    writer.flush()

    assert UsageRow.objects.count() == 1


def test_record__too_much_waits__the_oldest_goes_and_the_log_says_how_many(db, monkeypatch, caplog):
    monkeypatch.setattr(writer._waiting, "_most", 3)

    sent(*(make_record(model=f"m{n}") for n in range(5)))
    write_pending()

    assert sorted(UsageRow.objects.values_list("model", flat=True)) == ["m2", "m3", "m4"]
    assert "batches.dropped" in caplog.text


def test_write__values_larger_than_the_columns__are_cut_to_size(db):
    write([numbered(make_record(model="x" * 300, request_id="r" * 300, input_tokens=2**70, status="s" * 99))])

    row = UsageRow.objects.get()
    assert (len(row.model), len(row.request_id), len(row.status), row.input_tokens) == (120, 64, 32, 2**63 - 1)


def test_write_pending__dispatcher_died_before_it_said_so__counts_once(db, monkeypatch):
    sent(make_record(), make_record())
    with monkeypatch.context() as patch:
        patch.setattr(stream, "done", lambda entries: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            write_pending()
    monkeypatch.setattr(stream, "CLAIM_AFTER_MS", 0)

    again = write_pending()

    assert again == 0
    assert (UsageRow.objects.count(), UsageDay.objects.get().calls) == (2, 2)
    assert redis.client().xlen(redis.key(stream.STREAM)) == 0
    assert redis.client().xpending(redis.key(stream.STREAM), stream.GROUP)["pending"] == 0


DIES = """
import os, signal, django
django.setup()
from apps.providers.usage import consumer, stream
stream.done = lambda entries: os.kill(os.getpid(), signal.SIGKILL)
consumer.write_pending()
"""


@pytest.mark.django_db(transaction=True)
def test_write_pending__kill_9_between_commit_and_acknowledgement__counts_once(monkeypatch):
    sent(*(make_record() for _ in range(10)))
    child = subprocess.run([sys.executable, "-c", DIES], env=environment(), check=False)
    monkeypatch.setattr(stream, "CLAIM_AFTER_MS", 0)
    before = UsageRow.objects.count()

    write_pending()

    assert child.returncode == -signal.SIGKILL
    assert (before, UsageRow.objects.count(), UsageDay.objects.get().calls) == (10, 10, 10)
    assert verify_usage() == []


@pytest.mark.django_db(transaction=True)
def test_write__the_same_batch_by_many_at_once__counts_once():
    batches = [[numbered(make_record(model=f"m{n % 3}")) for n in range(20)] for _ in range(3)]

    def work(batch):
        try:
            return write(batch)
        finally:
            close_old_connections()

    with ThreadPoolExecutor(6) as pool:
        written = list(pool.map(work, [*batches, *batches]))

    assert sum(written) == UsageRow.objects.count() == 60
    assert verify_usage() == []


def test_write_pending__entry_nobody_can_read__is_laid_aside_and_the_others_go_on(db):
    redis.client().xadd(redis.key(stream.STREAM), {"batch": "not json"})
    sent(make_record())

    assert write_pending() == 1

    assert redis.client().xlen(redis.key(stream.STREAM)) == 0
    laid = redis.client().xrange(redis.key(stream.REFUSED))
    assert [fields for _id, fields in laid] == [{"batch": "not json"}]


def test_write_pending__time_no_calendar_has__is_laid_aside(db):
    redis.client().xadd(redis.key(stream.STREAM), {"batch": packed([numbered(make_record(at=1e18))])})
    sent(make_record())

    assert write_pending() == 1

    assert redis.client().xlen(redis.key(stream.REFUSED)) == 1


def test_write_pending__redis_away__does_nothing(db, no_redis):
    assert write_pending() == 0


def test_write_pending__of_many_entries__takes_few_queries(db, django_assert_max_num_queries):
    for n in range(15):
        sent(*(make_record(model=f"m{n % 2}") for _ in range(10)))

    # savepoint, who is written, the rows (SQLite takes some 40 at once), then an update, a savepoint and an insert for
    # each of two sums, release
    with django_assert_max_num_queries(15):
        written = write_pending()

    assert written == 150


def test_purge__rows_past_their_time__go_and_the_sums_stay(db, settings):
    old = (timezone.now() - timedelta(days=settings.USAGE_ROW_DAYS + 1)).timestamp()
    sent(make_record(at=old), make_record(at=timezone.now().timestamp()))
    write_pending()

    purged = purge()

    assert (purged, UsageRow.objects.count(), UsageDay.objects.count()) == (1, 1, 2)
    assert verify_usage() == [], "days whose rows are gone are no difference"


def test_verify_usage__sum_that_was_tampered_with__is_told_with_exit_code_1(db, capsys):
    sent(make_record(at=timezone.now().timestamp(), cost=5))
    write_pending()
    UsageDay.objects.update(cost=6)

    with pytest.raises(SystemExit) as ended:
        call_command("verify_usage")

    assert ended.value.code == 1
    assert "cost is 6, rows say 5" in capsys.readouterr().out


def test_numbers__after_a_fork__are_no_others(db):
    first = numbered(make_record())[0]
    read, write_end = os.pipe()
    if (child := os.fork()) == 0:
        os.write(write_end, numbered(make_record())[0].encode())
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(read, 100).decode().partition("-")[0] != first.partition("-")[0]


def test_take__another_dispatcher_made_the_group__goes_on(db):
    redis.client().xgroup_create(redis.key(stream.STREAM), stream.GROUP, id="0", mkstream=True)
    sent(make_record())

    assert consumer.write_pending() == 1
