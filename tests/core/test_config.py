"""Released configuration: one read path, exact, and alive without Redis or the database."""

import time

import pytest
from django.db import OperationalError, connection
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from apps.core import redis
from apps.core.config import NotReleased, invalidation, subscriber
from apps.core.config import reader as shared
from apps.core.config.heads import HeadState
from apps.core.config.invalidation import CHANNEL, Invalidation, parse, redis_key
from apps.core.config.payloads import Payloads
from apps.core.config.reader import ConfigReader
from apps.core.errors import DependencyDown
from apps.core.publishing.models import Head, Release, Snapshot
from apps.core.publishing.services import release
from tests.conftest import look_at_the_table


def put(key: str, **payload: object) -> int:
    return release("toy", key, dict(payload), by=None).version


def news(key: str, version: int, revision: int) -> Invalidation:
    sha256 = Snapshot.objects.filter(scope="toy", key=key, version=version).values_list("sha256", flat=True).first()
    return Invalidation("toy", key, HeadState(version, sha256 or "?", revision), time.time())


@pytest.fixture
def no_database():
    def refuse(*_args: object) -> None:
        raise OperationalError("gone")

    with connection.execute_wrapper(refuse):
        yield


@pytest.fixture
def reader(db):
    return ConfigReader()


def test_get__released__is_the_live_version(reader):
    put("bear", colour="brown")
    put("bear", colour="white")

    assert reader.get("toy", "bear") == (2, {"colour": "white"})
    assert reader.version("toy", "bear", 1) == {"colour": "brown"}


def test_get__unknown__is_not_released(reader):
    with pytest.raises(NotReleased):
        reader.get("toy", "bear")
    with pytest.raises(NotReleased):
        reader.version("toy", "bear", 1)


def test_get__second_time__asks_nobody(reader, no_redis, django_assert_num_queries):
    put("bear", colour="brown")
    reader.get("toy", "bear")

    with django_assert_num_queries(0):
        assert reader.get("toy", "bear") == (1, {"colour": "brown"})
        assert reader.all("toy") == {"bear": (1, {"colour": "brown"})}


def test_get__payload_in_redis__asks_no_table(reader, django_assert_num_queries):
    put("bear", colour="brown")
    reader.get("toy", "bear")
    other = ConfigReader()
    other.resync()

    with django_assert_num_queries(0):
        assert other.get("toy", "bear") == (1, {"colour": "brown"})

    assert 200 < redis.client().ttl(redis_key("toy", "bear", 1)) <= 360


def test_get__past_the_memory_limit__drops_the_least_used(reader, monkeypatch):
    monkeypatch.setitem(Payloads._kept.__globals__, "LRU_SIZE", 2)
    for key in ("a", "b", "c"):
        put(key, n=1)
    reader.get("toy", "a")
    reader.get("toy", "b")
    reader.get("toy", "a")
    reader.get("toy", "c")

    assert [key for _scope, key, _version in reader._payloads._held] == ["a", "c"]
    assert not reader.warm("toy")
    assert reader.get("toy", "b") == (1, {"n": 1})


def test_get__redis_down__is_served_from_the_table(reader, no_redis):
    put("bear", colour="brown")

    assert reader.get("toy", "bear") == (1, {"colour": "brown"})


def test_get__redis_down__does_not_wait_for_its_retries(reader, no_redis):
    put("bear", colour="brown")

    started = time.monotonic()
    reader.get("toy", "bear")

    assert time.monotonic() - started < 5, "redis-py's own retries take about 8 seconds"


def test_get__database_down__is_served_from_memory(reader, request):
    put("bear", colour="brown")
    reader.get("toy", "bear")
    request.getfixturevalue("no_database")

    reader._confirmed_at -= 1000  # long past the time the index is trusted

    assert reader.get("toy", "bear") == (1, {"colour": "brown"})


def test_get__database_down_and_nothing_known__says_so(reader, no_database):
    with pytest.raises(DependencyDown):
        reader.get("toy", "bear")


def test_get__database_and_redis_down__is_still_served(reader, request):
    put("bear", colour="brown")
    reader.get("toy", "bear")
    request.getfixturevalue("no_redis")
    request.getfixturevalue("no_database")

    reader._confirmed_at -= 1000

    assert reader.get("toy", "bear") == (1, {"colour": "brown"})


def test_apply__next_revision__moves_one_pointer_only(reader):
    put("bear", n=1)
    put("duck", n=1)
    reader.all("toy")
    put("bear", n=2)

    reader.apply(news("bear", 2, 3))

    assert reader.all("toy") == {"bear": (2, {"n": 2}), "duck": (1, {"n": 1})}
    assert (reader.revision, ("toy", "duck", 1) in reader._payloads._held) == (3, True)


@pytest.mark.parametrize("version", [1, 2])
def test_apply__older_or_repeated__is_ignored(reader, version, django_assert_num_queries):
    put("bear", n=1)
    put("bear", n=2)
    reader.get("toy", "bear")

    reader.apply(news("bear", version, version))

    with django_assert_num_queries(0):
        assert reader.get("toy", "bear") == (2, {"n": 2})
    assert reader.revision == 2


def test_apply__a_message_was_missed__loads_the_index_again(reader):
    put("bear", n=1)
    put("duck", n=1)
    reader.all("toy")
    put("duck", n=2)  # revision 3: its message is lost
    put("bear", n=2)

    reader.apply(news("bear", 2, 4))

    assert reader.all("toy") == {"bear": (2, {"n": 2}), "duck": (2, {"n": 2})}


def test_resync__message_after_a_gap_arrives_meanwhile__is_not_forgotten(reader):
    put("bear", n=1)
    put("duck", n=1)

    def meanwhile(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        rows = execute(sql, params, many, context)
        if "core_head" in sql:
            reader.apply(news("bear", 2, 4))  # 3 moved the duck, and its message is lost
        return rows

    with connection.execute_wrapper(meanwhile):
        reader.resync()
    put("duck", n=2)
    put("bear", n=2)

    assert reader.all("toy") == {"bear": (2, {"n": 2}), "duck": (2, {"n": 2})}


def test_resync__load_older_than_the_news__keeps_the_newer_version(reader):
    put("bear", n=1)
    reader.apply(news("bear", 2, 2))

    reader.resync()

    assert reader.heads("toy")["bear"].version == 2


def test_reset__index_withdrawn__is_loaded_again(reader):
    put("bear", n=1)
    reader.get("toy", "bear")
    reader.reset()

    assert (reader.revision, reader.warm("toy")) == (0, False)
    assert reader.get("toy", "bear") == (1, {"n": 1})


def test_listen__revision_grows__is_told_until_stopped(reader):
    told: list[int] = []
    stop = reader.listen(told.append)

    reader.apply(news("bear", 1, 1))
    reader.apply(news("bear", 1, 1))
    stop()
    reader.apply(news("bear", 2, 2))

    assert told == [1]


@pytest.mark.parametrize("data", ["", "x", "[]", "{}", '{"scope": "toy"}', '{"scope":1,"more":2}', "\x00"])
def test_parse__foreign_message__is_ignored(data):
    assert parse(data) is None


def test_poll__revision_differs__loads_the_index(db, monkeypatch):
    put("bear", n=1)
    monkeypatch.setattr(subscriber, "close_old_connections", lambda: None)

    look_at_the_table()

    assert (shared.revision, shared.heads("toy")["bear"].version) == (1, 1)


def test_poll__releases_of_this_process_meanwhile__are_no_restored_database(db, monkeypatch):
    monkeypatch.setattr(subscriber, "close_old_connections", lambda: None)
    put("bear", n=1)
    shared.resync()
    busy = False

    def meanwhile(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        nonlocal busy
        rows = execute(sql, params, many, context)
        if not busy and sql.startswith("SELECT") and ("core_revision" in sql or "core_head" in sql):
            busy = True
            version = put("bear", n=shared.revision + 1)
            shared.apply(news("bear", version, version))
            busy = False
        return rows

    with connection.execute_wrapper(meanwhile):
        for _number in range(3):
            known = shared.revision
            look_at_the_table()
            assert shared.revision > known

    assert shared.heads("toy")["bear"].version == shared.revision == Head.objects.get().version


def test_broadcast__redis_down__still_tells_this_process(db, no_redis):
    put("bear", n=1)

    invalidation.broadcast(scope="toy", key="bear", state=HeadState(1, "?", 1), bodies={})

    assert shared.revision == 1


@pytest.mark.django_db(transaction=True)
def test_release__another_process_listens__hears_of_it(monkeypatch):
    other = ConfigReader()
    monkeypatch.setattr(subscriber, "reader", other)
    subscriber.ensure_subscribed()
    deadline = time.monotonic() + 5
    while redis.client().pubsub_numsub(redis.key(CHANNEL))[0][1] == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    put("bear", n=1)
    before = other.get("toy", "bear")

    started = time.monotonic()
    put("bear", n=2)
    while other.revision < 2 and time.monotonic() < started + 5:
        time.sleep(0.005)

    assert (before, other.get("toy", "bear")) == ((1, {"n": 1}), (2, {"n": 2}))
    assert shared.get("toy", "bear") == (2, {"n": 2})


class CacheAgainstDict(RuleBasedStateMachine):
    """`prompt` hears every message in order; `late` hears any of them in any order, or never."""

    KEYS = st.sampled_from(["a", "b", "c"])

    @initialize()
    def start(self) -> None:
        self.prompt, self.late = ConfigReader(), ConfigReader()
        self.truth: dict[str, tuple[int, dict[str, int]]] = {}
        self.sent: list[Invalidation] = []

    @rule(key=KEYS)
    def publish(self, key: str) -> None:
        payload = {"n": len(self.sent)}
        version = put(key, **payload)
        self.truth[key] = (version, payload)
        revision = Head.objects.get(scope="toy", key=key).revision
        self.sent.append(news(key, version, revision))
        self.prompt.apply(self.sent[-1])

    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        if self.sent:
            self.late.apply(data.draw(st.sampled_from(self.sent)))

    @rule()
    def reconnect(self) -> None:
        self.late.resync()
        assert self.late.all("toy") == self.truth

    @rule()
    def restart(self) -> None:
        self.prompt.reset()

    @invariant()
    def agrees(self) -> None:
        assert self.prompt.all("toy") == self.truth
        for key, (version, payload) in self.late.all("toy").items():
            assert version <= self.truth[key][0]
            assert version < self.truth[key][0] or payload == self.truth[key][1]
        if self.sent and self.late.revision == self.sent[-1].revision and not self.late.has_gap:
            assert self.late.all("toy") == self.truth


class CacheLaw(TestCase):
    def test_read__any_order_of_messages__agrees_with_a_dict(self) -> None:
        # Every example starts on empty tables: each runs in this test's transaction.
        class Clean(CacheAgainstDict):
            def teardown(self) -> None:
                Head.objects.all().delete()
                Release.objects.all().delete()
                redis.client().flushdb()

        run_state_machine_as_test(Clean)
