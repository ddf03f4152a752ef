"""Process memory, else Redis, else the loader; and forgetting in every process at once."""

import json
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

import structlog
from django.db import close_old_connections
from redis.exceptions import RedisError

from apps.core.aio import in_thread
from apps.core.cache import shared
from apps.core.cache.memory import Entry, Load, Memory
from apps.core.cache.metrics import CacheMetrics
from apps.core.cache.news import News
from apps.core.errors import ApiError
from apps.core.single_flight import SingleFlight, mutex

log = structlog.get_logger("core")
T = TypeVar("T")

TTL_SECONDS = 300.0
TTL_JITTER = 0.2  # so that keys do not lapse together
NULL_SECONDS = 30.0
FRESH_SECONDS = 20.0  # in memory; then it is served while one thread looks again
GRACE_SECONDS = 10.0  # for so long; with the 20 before it is what a lost message costs at most
STALE_SECONDS = 300.0  # how long a value may stand in when the loader fails
FAILURE_SECONDS = 2.0  # and for how long the loader is then left alone
REFRESHERS = 4  # threads at once; what finds none free is refreshed by a later reader


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reader asked for."""

    key: str
    loader: Callable[[], Any]
    ttl: float
    stale: float

    def seconds_for(self, value: Any) -> float:
        """How long others may find `value` in Redis."""
        if value is None:
            return min(self.ttl, NULL_SECONDS)
        return self.ttl * random.uniform(1 - TTL_JITTER, 1 + TTL_JITTER)  # noqa: S311 - jitter

    def entry_of(self, value: Any, left: float) -> Entry:
        """`value`, which is good for `left` seconds, as memory holds it."""
        fresh = time.monotonic() + min(FRESH_SECONDS, left)
        if value is None:
            return Entry(None, fresh, fresh, fresh)
        good = fresh + min(GRACE_SECONDS, self.ttl / 2)
        return Entry(value, fresh, good, good + self.stale)


class ReadCache:
    """One per process. Thread-safe."""

    def __init__(self) -> None:
        self.metrics = CacheMetrics()
        self.news = News(self._drop, self._drop_all)
        self._memory = Memory()
        self._flights: SingleFlight[Any] = SingleFlight()
        self._refreshing: set[str] = set()
        self._refreshers = threading.BoundedSemaphore(REFRESHERS)

    # --- reading ------------------------------------------------------------------------------

    def get_or_set(
        self, key: str, loader: Callable[[], T], *, ttl: float = TTL_SECONDS, stale: float = STALE_SECONDS
    ) -> T:
        """What `loader()` returned for `key` at most `ttl` seconds (± 20 %, and 10 more while it is refreshed) ago.

        The loader returns JSON, or None for what is not there (asked again after 30 s). It depends on nothing but its
        key, for it may run in another thread and for other readers, and it does not read its own key. When it fails,
        a value that is at most `stale` seconds past its time is returned instead, or its error is raised; an error of
        the caller's (2xxx) is an answer and always raised. Not for use in a transaction: what only that one sees would
        be kept for all.
        Concurrency: of many readers one loads, in the process and, as long as Redis answers, over all processes.
        """
        entry = self._memory.held(key)
        if entry is not None and time.monotonic() < entry.fresh_until:
            self.metrics.memory += 1
            return cast(T, entry.value)
        wanted = Wanted(key, loader, ttl, stale)
        entry = self._good(wanted)
        return cast(T, entry.value if entry is not None else self._flown(wanted))

    async def aget_or_set(
        self, key: str, loader: Callable[[], T], *, ttl: float = TTL_SECONDS, stale: float = STALE_SECONDS
    ) -> T:
        """`get_or_set` for coroutines: from memory at once, else in a thread."""
        entry = self._memory.held(key)
        if entry is not None and time.monotonic() < entry.fresh_until:
            self.metrics.memory += 1
            return cast(T, entry.value)
        wanted = Wanted(key, loader, ttl, stale)
        entry = self._good(wanted)
        return cast(T, entry.value if entry is not None else await in_thread(self._flown)(wanted))

    def forget(self, *keys: str) -> None:
        """Nobody gets what was cached under `keys` before; to be called after the commit of what changed it.

        This process obeys before the call returns, others as soon as they hear of it, or when they look (every 5 s).
        A load that began before is not kept. Without Redis the others go on with what they hold for at most 30
        seconds, and are told when it is back.
        """
        if not keys:
            return
        self.metrics.forgotten += len(keys)
        try:
            self.news.tell(keys)
        finally:
            self._drop(*keys)  # last: what was read from Redis until now goes, too

    def reset(self) -> None:
        """Forget everything this process holds, as a new one would."""
        self._drop_all()
        self.news.restart()

    def forget_parent(self) -> None:
        """After a fork: nobody tells the child anything, and perhaps there are locks that nobody will open."""
        self.__init__()  # type: ignore[misc]

    # --- from memory --------------------------------------------------------------------------

    def _good(self, wanted: Wanted) -> Entry | None:
        """What is past its soft age but not past its time; it is being refreshed meanwhile."""
        entry = self._memory.held(wanted.key)
        if entry is None or time.monotonic() >= entry.good_until:
            return None
        self.metrics.stale += 1
        if wanted.key not in self._refreshing and self._refreshers.acquire(blocking=False):
            self._refreshing.add(wanted.key)
            threading.Thread(target=self._refreshed, args=(wanted,), name="cache-refresh", daemon=True).start()
        return entry

    def _refreshed(self, wanted: Wanted) -> None:
        try:
            self._flown(wanted)
        except ApiError:
            pass  # the next reader is told
        except Exception:
            log.exception("cache.refresh_failed", key=wanted.key)
        finally:
            close_old_connections()
            self._refreshing.discard(wanted.key)
            self._refreshers.release()

    def _drop(self, *keys: str) -> None:
        self._memory.drop(*keys)
        self._flights.forget(*keys)

    def _drop_all(self) -> None:
        self._memory.drop_all()
        self._flights.forget_all()

    # --- from below ---------------------------------------------------------------------------

    def _flown(self, wanted: Wanted) -> Any:
        return self._flights.run(wanted.key, lambda: self._fetched(wanted))

    def _fetched(self, wanted: Wanted) -> Any:
        """From Redis or the loader, and held; where the loader fails, what memory still has."""
        _listen()
        load = self._memory.begin(wanted.key)
        try:
            return self._found(wanted, load)
        except ApiError as exc:
            if exc.status < 500:
                self._memory.drop(wanted.key)
                raise
            return self._stand_in(load, exc)
        except Exception as exc:
            return self._stand_in(load, exc)
        finally:
            self._memory.end(load)

    def _found(self, wanted: Wanted, load: Load) -> Any:
        seen = self._seen(wanted.key)
        if seen is not None and seen.text is None:
            with mutex(f"cache:{wanted.key}", ready=lambda: self._is_there(wanted.key)):
                return self._loaded_for_all(wanted, load)
        return self._loaded_alone(wanted, load) if seen is None else self._from_redis(wanted, load, seen)

    def _loaded_for_all(self, wanted: Wanted, load: Load) -> Any:
        """Loaded and put into Redis. What was forgotten meanwhile is loaded once more, for those who came since."""
        value = None
        for _attempt in range(2):
            seen = self._seen(wanted.key)
            if seen is None:
                return self._loaded_alone(wanted, load)
            if seen.text is not None:
                return self._from_redis(wanted, load, seen)
            value, text = self._loaded(wanted)
            seconds = wanted.seconds_for(value)
            if _put(wanted.key, text, seconds, seen.mark):
                self._memory.keep(load, wanted.entry_of(value, seconds))
                break
        return value

    def _loaded_alone(self, wanted: Wanted, load: Load) -> Any:
        """Without Redis."""
        value, _text = self._loaded(wanted)
        self._memory.keep(load, wanted.entry_of(value, wanted.seconds_for(value)))
        return value

    def _from_redis(self, wanted: Wanted, load: Load, seen: shared.Seen) -> Any:
        self.metrics.redis += 1
        value = json.loads(seen.text or "null")
        self._memory.keep(load, wanted.entry_of(value, seen.left))
        return value

    def _loaded(self, wanted: Wanted) -> tuple[Any, str]:
        """The value as every layer will give it, and its text. Raises what the loader raises."""
        began = time.perf_counter()
        text = json.dumps(wanted.loader(), ensure_ascii=False, allow_nan=False)
        self.metrics.loaded(time.perf_counter() - began)
        return json.loads(text), text

    def _stand_in(self, load: Load, failure: Exception) -> Any:
        """The old value where there is one that nobody forgot. Raises `failure`."""
        self.metrics.failures += 1
        entry, now = self._memory.held(load.key), time.monotonic()
        if entry is None or load.spoiled or now >= entry.stale_until:
            raise failure
        log.warning("cache.stale_served", key=load.key, exc_info=failure)
        self.metrics.stale += 1
        rest = max(entry.fresh_until, now + FAILURE_SECONDS)
        self._memory.keep(load, replace(entry, fresh_until=rest, good_until=max(rest, entry.good_until)))
        return entry.value

    def _seen(self, key: str) -> shared.Seen | None:
        """What Redis has, or None when it is away or not to be believed."""
        if not self.news.blind:
            with suppress(RedisError):
                return shared.read(key, since=self.news.believed_since)
        return None

    def _is_there(self, key: str) -> bool:
        seen = self._seen(key)
        return seen is None or seen.text is not None


def _put(key: str, text: str, seconds: float, mark: str) -> bool:
    """Whether the value may be held; without Redis nobody can have told otherwise."""
    try:
        return shared.keep(key, text, seconds=seconds, mark=mark)
    except RedisError:
        return True


def _listen() -> None:
    from apps.core.config.subscriber import ensure_subscribed

    ensure_subscribed()


cache = ReadCache()
