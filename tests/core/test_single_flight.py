"""Many want the same at once: one fetches, in the process and across processes."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import close_old_connections

from apps.core import redis
from apps.core.config import payloads
from apps.core.config.reader import ConfigReader
from apps.core.publishing.services import release
from apps.core.single_flight import SingleFlight, mutex


def test_run__many_at_once__one_works_for_all():
    flights: SingleFlight[int] = SingleFlight()
    calls = []

    def work() -> int:
        calls.append(1)
        waiting = flights._flights["key"]._done._cond._waiters  # type: ignore[attr-defined]
        while len(waiting) < 19:  # until all the others are there
            pass
        return 42

    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(lambda _n: flights.run("key", work), range(20)))

    assert (results, len(calls), flights._flights) == ([42] * 20, 1, {})


def test_run__failure__is_shared_and_the_next_one_tries_again():
    flights: SingleFlight[int] = SingleFlight()

    def fail() -> int:
        raise KeyError("x")

    with pytest.raises(KeyError):
        flights.run("key", fail)

    assert flights.run("key", lambda: 1) == 1


def test_run__other_key__does_not_wait():
    flights: SingleFlight[int] = SingleFlight()

    assert flights.run("a", lambda: flights.run("b", lambda: 2)) == 2


def test_mutex__held_by_another__waits_until_it_is_ready():
    redis.client().set(redis.key("mutex:x"), "another", px=60_000)
    looked = []

    def ready() -> bool:
        looked.append(1)
        return len(looked) > 2

    with mutex("x", ready=ready):
        pass

    assert len(looked) == 3
    assert redis.client().get(redis.key("mutex:x")) == "another", "only its holder may open it"


def test_mutex__holder_died__lapses():
    redis.client().set(redis.key("mutex:x"), "dead", px=30)

    with mutex("x", ready=lambda: False):
        assert redis.client().get(redis.key("mutex:x")) != "dead"

    assert redis.client().get(redis.key("mutex:x")) is None


def test_mutex__redis_down__nobody_waits(no_redis):
    with mutex("x", ready=lambda: False):
        pass


@pytest.mark.django_db(transaction=True)
def test_read__a_thousand_at_once_in_eight_processes_worth_of_readers__one_origin_load(monkeypatch):
    release("toy", "bear", {"n": 1}, by=None)
    redis.client().flushdb()
    loads, real = [], payloads.from_table

    def counted(address):  # type: ignore[no-untyped-def]
        loads.append(address)
        return real(address)

    monkeypatch.setattr(payloads, "from_table", counted)
    readers = [ConfigReader() for _ in range(8)]  # each with its own memory and locks, as processes have
    for reader in readers:
        reader.resync()

    def read(number: int) -> object:
        try:
            return readers[number % 8].get("toy", "bear")
        finally:
            close_old_connections()

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(read, range(1000)))

    assert answers == [(1, {"n": 1})] * 1000
    assert len(loads) == 1
