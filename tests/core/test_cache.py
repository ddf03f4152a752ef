"""The read cache: layers, one load for many, what is forgotten stays forgotten, alive without Redis."""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from apps.core import cache as public
from apps.core import redis
from apps.core.cache import ReadCache, read_cache, shared
from apps.core.cache.memory import Memory
from apps.core.errors import DependencyDown, NotFound

VALUE = "cache:value:k"


class Origin:
    """What the loader asks: counts, and may fail or wait."""

    def __init__(self, value: Any = 1) -> None:
        self.value = value
        self.loads = 0
        self.failure: Exception | None = None

    def __call__(self) -> Any:
        self.loads += 1
        if self.failure:
            raise self.failure
        return self.value


class Clock:
    """`time` as the cache's modules see it, put forward by hand."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def perf_counter(self) -> float:
        return time.perf_counter()


@pytest.fixture
def clock(monkeypatch) -> Clock:
    later = Clock()
    monkeypatch.setattr(read_cache, "time", later)
    return later


@pytest.fixture
def origin() -> Origin:
    return Origin()


@pytest.fixture
def processes() -> list[ReadCache]:
    """Two processes' worth of caches, both looking at the stream."""
    found = [ReadCache(), ReadCache()]
    for one in found:
        one.news.look()
    return found


def hear_all(*caches: ReadCache, after: str = "-") -> None:
    """Deliver every message as pub/sub would."""
    for row, fields in redis.client().xrange(redis.key(shared.STREAM), min=after):
        for one in caches:
            one.news.hear(f"{row} {fields['keys']}")


def until(condition: Callable[[], bool]) -> None:
    while not condition():
        threading.Event().wait(0.002)


# --- layers ---------------------------------------------------------------------------------------


def test_get__three_times__is_loaded_once_and_then_from_memory(origin):
    cache = ReadCache()

    answers = [cache.get_or_set("k", origin) for _ in range(3)]

    assert (answers, origin.loads) == ([1, 1, 1], 1)
    assert cache.metrics.as_dict()["layers"] == {"memory": 2, "stale": 0, "redis": 0, "loader": 1}


def test_get__another_process__finds_it_in_redis(origin, processes):
    one, two = processes

    answers = [one.get_or_set("k", origin), two.get_or_set("k", origin), two.get_or_set("k", origin)]

    assert (answers, origin.loads) == ([1, 1, 1], 1)
    assert two.metrics.as_dict()["layers"] == {"memory": 1, "stale": 0, "redis": 1, "loader": 0}


def test_get__any_layer__gives_the_same_json(processes):
    given = {"tuple": (1, 2), "words": "灰度", 3: None}

    answers = [processes[0].get_or_set("k", lambda: given)]
    answers += [one.get_or_set("k", lambda: given) for one in processes]

    assert answers == [{"tuple": [1, 2], "words": "灰度", "3": None}] * 3


@pytest.mark.parametrize("value", [object(), float("nan"), {1, 2}])
def test_get__not_json__is_a_mistake_that_keeps_nothing(value):
    cache = ReadCache()

    with pytest.raises((TypeError, ValueError)):
        cache.get_or_set("k", lambda: value)

    assert (redis.client().exists(redis.key(VALUE)), len(cache._memory)) == (0, 0)


def test_ttl__in_redis__is_spread_by_a_fifth(origin):
    cache = ReadCache()
    for number in range(40):
        cache.get_or_set(f"k{number}", origin, ttl=300)

    left = [redis.client().ttl(redis.key(f"cache:value:k{number}")) for number in range(40)]

    assert (min(left) >= 239, max(left) <= 360, max(left) - min(left) > 20) == (True, True, True)


def test_null__is_kept_for_thirty_seconds_and_not_longer(clock, processes):
    origin = Origin(None)
    one, two = processes

    answers = [one.get_or_set("k", origin), one.get_or_set("k", origin), two.get_or_set("k", origin)]
    assert (answers, origin.loads) == ([None] * 3, 1)
    assert redis.client().get(redis.key(VALUE)).endswith(" null")  # type: ignore[union-attr]
    assert 28 <= redis.client().ttl(redis.key(VALUE)) <= 30

    redis.client().delete(redis.key(VALUE))  # lapsed
    clock.ahead = 31
    origin.value = 2
    assert (one.get_or_set("k", origin), two.get_or_set("k", origin)) == (2, 2)


def test_memory__value_that_lapses_in_redis_soon__is_not_held_longer(origin, clock, processes):
    one, two = processes
    one.get_or_set("k", origin, ttl=300)
    redis.client().pexpire(redis.key(VALUE), 4000)
    two.get_or_set("k", origin, ttl=300)

    entry = two._memory.held("k")

    assert entry is not None
    assert 3 < entry.fresh_until - clock.monotonic() <= 4
    assert entry.good_until - entry.fresh_until == 10


def test_memory__many_keys__drops_the_least_used(monkeypatch, origin):
    monkeypatch.setitem(Memory.keep.__globals__, "LRU_SIZE", 2)
    cache = ReadCache()
    for key in ("a", "b", "a", "c"):
        cache.get_or_set(key, origin)

    assert list(cache._memory._held) == ["a", "c"]
    assert cache._memory._loads == {}


def test_redis__value_too_large__stays_in_memory(monkeypatch, processes):
    monkeypatch.setattr(shared, "MAX_BODY", 10)
    origin = Origin("x" * 50)

    answers = [one.get_or_set("k", origin) for one in (*processes, *processes)]

    assert (answers, origin.loads, redis.client().exists(redis.key(VALUE))) == (["x" * 50] * 4, 2, 0)


# --- stale while it is refreshed, and when the loader fails ----------------------------------------


def test_get__past_its_soft_age__is_served_while_one_thread_refreshes(clock):
    cache, origin, begun, go_on = ReadCache(), Origin(), threading.Event(), threading.Event()
    cache.get_or_set("k", origin)
    redis.client().delete(redis.key(VALUE))
    clock.ahead = 25
    refreshes = []

    def slow() -> int:
        refreshes.append(1)
        begun.set()
        go_on.wait()
        return 2

    during = [cache.get_or_set("k", slow) for _ in range(5)]
    begun.wait()
    go_on.set()
    until(lambda: not cache._refreshing)

    assert (during, len(refreshes), cache.get_or_set("k", origin)) == ([1] * 5, 1, 2)
    assert cache.metrics.stale == 5


def test_get__past_its_time__waits_for_the_loader(clock, origin):
    cache = ReadCache()
    cache.get_or_set("k", origin)
    redis.client().delete(redis.key(VALUE))
    clock.ahead = 31
    origin.value = 2

    assert cache.get_or_set("k", origin) == 2


def test_get__loader_fails__serves_the_old_value_and_leaves_the_loader_alone_for_a_while(clock, origin):
    cache = ReadCache()
    cache.get_or_set("k", origin)
    redis.client().delete(redis.key(VALUE))
    clock.ahead, origin.failure = 60, DependencyDown()

    answers = [cache.get_or_set("k", origin) for _ in range(3)]

    assert (answers, origin.loads, cache.metrics.failures) == ([1, 1, 1], 2, 1)
    clock.ahead, origin.failure, origin.value = 63, None, 2
    assert cache.get_or_set("k", origin) == 2


@pytest.mark.parametrize("stale", [300.0, 0.0])
def test_get__loader_fails_and_the_value_is_too_old__is_the_error(clock, origin, stale):
    cache = ReadCache()
    cache.get_or_set("k", origin, stale=stale)
    redis.client().delete(redis.key(VALUE))
    clock.ahead, origin.failure = 31 + stale, DependencyDown()

    with pytest.raises(DependencyDown):
        cache.get_or_set("k", origin, stale=stale)


def test_get__loader_fails_at_first__is_its_error_and_the_next_reader_tries_again(origin):
    cache = ReadCache()
    origin.failure = KeyError("x")

    with pytest.raises(KeyError):
        cache.get_or_set("k", origin)

    origin.failure = None
    assert cache.get_or_set("k", origin) == 1


def test_get__answer_of_the_caller_s__is_raised_though_there_is_an_old_value(clock, origin):
    cache = ReadCache()
    cache.get_or_set("k", origin)
    redis.client().delete(redis.key(VALUE))
    clock.ahead, origin.failure = 60, NotFound()

    with pytest.raises(NotFound):
        cache.get_or_set("k", origin)

    assert len(cache._memory) == 0


# --- many at once ---------------------------------------------------------------------------------


def test_get__a_thousand_at_once_over_eight_processes__one_load():
    caches, gate = [ReadCache() for _ in range(8)], threading.Event()
    loads = []

    def slow() -> int:
        loads.append(1)
        gate.wait()
        return 7

    with ThreadPoolExecutor(50) as pool:
        answers = [pool.submit(caches[n % 8].get_or_set, "k", slow) for n in range(1000)]
        until(lambda: bool(loads))
        gate.set()

    assert ([a.result() for a in answers], len(loads)) == ([7] * 1000, 1)


def test_async__held__needs_no_thread_and_no_redis(monkeypatch, origin):
    cache = ReadCache()
    threads = []
    real = read_cache.in_thread
    monkeypatch.setattr(read_cache, "in_thread", lambda work: threads.append(work) or real(work))

    async def read() -> list[int]:
        return [await cache.aget_or_set("k", origin) for _ in range(3)]

    assert (asyncio.run(read()), origin.loads, len(threads)) == ([1, 1, 1], 1, 1)


# --- forgetting -----------------------------------------------------------------------------------


def test_forget__here__is_obeyed_at_once_and_touches_no_other_key(origin, processes):
    one, _two = processes
    for key in ("k", "other"):
        one.get_or_set(key, origin)
    origin.value = 2

    one.forget("k")

    assert (one.get_or_set("k", origin), one.get_or_set("other", origin), origin.loads) == (2, 1, 3)


def test_forget__heard_elsewhere__is_obeyed_once(origin, processes):
    one, two = processes
    for cache in processes:
        cache.get_or_set("k", origin)
    origin.value = 2
    one.forget("k")

    hear_all(one, two)
    answers = [two.get_or_set("k", origin), one.get_or_set("k", origin)]
    hear_all(one, two)  # a second time
    two.news.look()

    assert (answers, two._memory.held("k") is not None, origin.loads) == ([2, 2], True, 2)


def test_forget__message_lost__is_found_by_the_look(origin, processes):
    one, two = processes
    two.get_or_set("k", origin)
    two.get_or_set("other", origin)
    origin.value = 2
    one.forget("k")
    assert two.get_or_set("k", origin) == 1, "nobody told it"

    two.news.look()

    assert (two.get_or_set("k", origin), two.get_or_set("other", origin)) == (2, 1)


@pytest.mark.parametrize("trace", ["trimmed", "gone"])
def test_look__no_trace_of_where_it_was__drops_everything(origin, processes, trace):
    one, two = processes
    one.forget("x")
    two.news.look()
    two.get_or_set("k", origin)
    if trace == "gone":
        redis.client().flushdb()  # a server that came back empty
    else:
        one.forget("k")
        redis.client().xtrim(redis.key(shared.STREAM), maxlen=0)
    origin.value = 2

    two.news.look()

    assert two.get_or_set("k", origin) == 2


def test_forget__nothing__says_nothing(processes):
    processes[0].forget()

    assert redis.client().xlen(redis.key(shared.STREAM)) == 0


def test_hear__malformed__is_ignored(origin, processes):
    processes[0].get_or_set("k", origin)

    for data in ("", "1-1", "1-1 {", "1-1 7"):
        processes[0].news.hear(data)

    assert (processes[0].get_or_set("k", origin), origin.loads) == (1, 1)


@pytest.mark.parametrize("forgetter", [0, 1])
def test_load__begun_before_a_forget__does_not_put_its_old_value_back(processes, forgetter):
    database, caches = {"k": "old"}, processes
    read, go_on = threading.Event(), threading.Event()
    loads = []

    def slow() -> str:
        found = database["k"]
        loads.append(found)
        if len(loads) == 1:
            read.set()
            go_on.wait()
        return found

    with ThreadPoolExecutor(1) as pool:
        early = pool.submit(caches[0].get_or_set, "k", slow)
        read.wait()
        database["k"] = "new"
        caches[forgetter].forget("k")
        go_on.set()
        early.result()

    assert [cache.get_or_set("k", lambda: database["k"]) for cache in caches] == ["new", "new"]
    assert json.loads(redis.client().get(redis.key(VALUE)).split(" ", 1)[1]) == "new"  # type: ignore[union-attr]
    assert loads == ["old", "new"], "those who came since the forgetting get the new value"


def test_load__forgotten_here_while_it_runs__later_readers_do_not_join_it(processes):
    cache, read, go_on = processes[0], threading.Event(), threading.Event()

    def slow() -> str:
        read.set()
        go_on.wait()
        return "old"

    with ThreadPoolExecutor(1) as pool:
        early = pool.submit(cache.get_or_set, "k", slow)
        read.wait()
        cache.forget("k")
        redis.client().delete(redis.key("mutex:cache:k"))  # its time is over
        later = cache.get_or_set("k", lambda: "new")
        go_on.set()
        early.result()

    assert (later, cache.get_or_set("k", lambda: "x")) == ("new", "new")


def test_load__forgotten_elsewhere_between_redis_and_memory__is_not_held(monkeypatch, processes):
    one, two = processes
    one.get_or_set("k", lambda: "old")
    real = shared.read

    def read_then_forgotten(key: str, **since: int) -> shared.Seen:
        seen = real(key, **since)
        monkeypatch.setattr(shared, "read", real)
        one.forget("k")
        hear_all(two)
        return seen

    monkeypatch.setattr(shared, "read", read_then_forgotten)
    two.get_or_set("k", lambda: "new")

    assert two.get_or_set("k", lambda: "new") == "new"


# --- without Redis --------------------------------------------------------------------------------


def test_get__redis_down__memory_then_the_loader(no_redis, clock, origin):
    cache = ReadCache()

    answers = [cache.get_or_set("k", origin) for _ in range(2)]
    clock.ahead = 31
    origin.value = 2
    answers.append(cache.get_or_set("k", origin))

    assert (answers, origin.loads) == ([1, 1, 2], 2)


def test_forget__redis_down__is_obeyed_here_and_told_when_it_is_back(request, origin, processes):
    one, two = processes
    for cache in processes:
        cache.get_or_set("k", origin)
    origin.value = 2
    there = request.getfixturevalue("settings").REDIS_URL
    request.getfixturevalue("no_redis")
    one.forget("k")
    assert (one.get_or_set("k", origin), two.get_or_set("k", origin)) == (2, 1)

    request.getfixturevalue("settings").REDIS_URL = there  # Redis is back, with the old value
    redis.client.cache_clear()
    assert redis.client().exists(redis.key(VALUE))
    one.forget("another")
    assert one.news.blind, "what it could not tell may be there"
    one.news.look()
    two.news.look()

    assert (one.news.blind, redis.client().exists(redis.key(VALUE))) == (False, 0)
    assert [cache.get_or_set("k", origin) for cache in processes] == [2, 2]


def test_sight__lost_and_back__believes_nothing_that_was_put_there_before(monkeypatch, origin, processes):
    one, two = processes
    one.get_or_set("k", origin)
    origin.value = 2
    two.news.lose_sight()
    while_blind = two.get_or_set("k2", origin)
    monkeypatch.setattr(shared, "now", lambda: int(time.time()) + 1)  # a second later

    two.news.look()

    assert (while_blind, redis.client().exists(redis.key("cache:value:k2"))) == (2, 0)
    assert (two.news.blind, two.get_or_set("k", origin), origin.loads) == (False, 2, 3)


def test_look__redis_down__keeps_what_is_untold(processes, no_redis):
    processes[0].forget("k")

    with pytest.raises(redis.redis.RedisError):
        processes[0].news.look()

    assert (list(processes[0].news._untold), processes[0].news.blind) == (["k"], True)


# --- the process's own ----------------------------------------------------------------------------


def test_public__names__are_one_cache_of_this_process(origin):
    before = public.cache.metrics.forgotten
    public.get_or_set("k", origin)
    origin.value = 2

    public.forget("k", "x")

    assert asyncio.run(public.aget_or_set("k", origin)) == 2
    assert public.cache.metrics.forgotten - before == 2


def test_subscriber__message_from_another_process__reaches_this_one(origin):
    until(lambda: int(redis.client().pubsub_numsub(redis.key(shared.CHANNEL))[0][1]) > 0)
    public.get_or_set("k", origin)
    origin.value = 2

    ReadCache().forget("k")

    until(lambda: public.cache._memory.held("k") is None)
    assert public.get_or_set("k", origin) == 2


def test_metrics__mean_load__is_told_in_milliseconds(origin):
    cache = ReadCache()
    assert (cache.metrics.as_dict()["hitRatio"], cache.metrics.as_dict()["meanLoadMs"]) == (None, None)

    for _ in range(4):
        cache.get_or_set("k", origin)
    cache.metrics.load_seconds = 0.0125

    told = cache.metrics.as_dict()
    assert (told["hitRatio"], told["meanLoadMs"], told["failures"], told["forgotten"]) == (0.75, 12.5, 0, 0)
