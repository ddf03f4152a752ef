"""The law of the read cache: nobody reads what was forgotten as far as he could know, whatever happens meanwhile.

Two processes' worth of caches over one Redis; writes, messages that come late, twice or never, and reads in the midst
of which all of that happens. The model is a plain dict of numbers that only grow.
"""

import time
from functools import partial
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from apps.core import redis
from apps.core.cache import ReadCache, read_cache, shared

KEYS = ("a", "b")
WHO = st.sampled_from([0, 1])
KEY = st.sampled_from(KEYS)
EVENT = st.one_of(
    st.tuples(st.just("write"), WHO, KEY),
    st.tuples(st.just("deliver"), WHO, st.booleans()),
    st.tuples(st.just("look"), WHO, st.none()),
    st.tuples(st.just("lose"), WHO, st.none()),
)


class _Later:
    perf_counter = staticmethod(time.perf_counter)

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


class TwoProcesses(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        redis.client().flushdb()
        self.clock = read_cache.time = _Later()  # type: ignore[assignment]
        self.database = dict.fromkeys(KEYS, 0)
        self.caches = [ReadCache(), ReadCache()]
        for cache in self.caches:
            cache.news.look()
        self.messages: list[tuple[str, str, int]] = []
        self.next = [0, 0]  # of the messages each process was sent
        self.known = [dict.fromkeys(KEYS, 0), dict.fromkeys(KEYS, 0)]

    def teardown(self) -> None:
        for cache in self.caches:
            cache.news.look()
        told = [cache.get_or_set(key, partial(self.database.get, key)) for cache in self.caches for key in KEYS]
        read_cache.time = time  # type: ignore[attr-defined]
        assert told == [self.database[key] for key in KEYS] * 2

    def happen(self, event: tuple[str, int, Any]) -> None:
        kind, who, about = event
        getattr(self, f"_{kind}")(who, about)

    def _write(self, who: int, key: str) -> None:
        self.database[key] += 1
        self.caches[who].forget(key)
        self.messages.append((shared.newest_message(), key, self.database[key]))
        self.known[who][key] = self.database[key]

    def _deliver(self, who: int, twice: bool) -> None:
        if self.next[who] == len(self.messages):
            return
        number, key, version = self.messages[self.next[who]]
        self.next[who] += 1
        for _time in range(1 + twice):
            self.caches[who].news.hear(f'{number} ["{key}"]')
        self.known[who][key] = max(self.known[who][key], version)

    def _lose(self, who: int, _about: None) -> None:
        self.next[who] = len(self.messages)

    def _look(self, who: int, _about: None) -> None:
        self.caches[who].news.look()
        self.known[who] = dict(self.database)

    @rule(event=EVENT)
    def something_happens(self, event: tuple[str, int, Any]) -> None:
        self.happen(event)

    @rule()
    def time_passes(self) -> None:
        self.clock.ahead += 31

    @rule(who=WHO)
    def sight_is_lost(self, who: int) -> None:
        self.caches[who].news.lose_sight()

    @rule(who=WHO, key=KEY, after_redis=st.lists(EVENT, max_size=3), in_load=st.lists(EVENT, max_size=3))
    def read(self, who: int, key: str, after_redis: list[Any], in_load: list[Any]) -> None:
        floor = self.known[who][key]

        def load() -> int:
            found = self.database[key]
            while in_load:
                self.happen(in_load.pop())
            return found

        def seen(key: str, *, since: int = 0) -> shared.Seen:
            found = real(key, since=since)
            while after_redis:
                self.happen(after_redis.pop())
            return found

        real, shared.read = shared.read, seen
        try:
            told = self.caches[who].get_or_set(key, load)
        finally:
            shared.read = real

        assert floor <= told <= self.database[key]


@pytest.mark.stateful
def test_read__whatever_happens__is_never_older_than_what_the_process_knows():
    run_state_machine_as_test(TwoProcesses)
