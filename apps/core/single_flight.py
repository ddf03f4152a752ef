"""Many want the same thing at once; one fetches it, the others get what it fetched.

In the process by a lock per key; across processes by a Redis mutex with a time limit, whose holder's death costs the
others at most that long. After Go's `golang.org/x/sync/singleflight`.
"""

import threading
import time
import uuid
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

from redis.exceptions import RedisError

from apps.core import redis
from apps.core.lock import give_back, take

T = TypeVar("T")
MUTEX_SECONDS = 3.0
POLL_SECONDS = 0.01


class SingleFlight(Generic[T]):
    """One call per key at a time; those that come meanwhile share its result, or its exception."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[Hashable, _Flight[T]] = {}

    def run(self, key: Hashable, work: Callable[[], T]) -> T:
        """`work()`, or the result of whoever was already at it."""
        with self._lock:
            flight = self._flights.get(key)
            leads = flight is None
            if flight is None:
                flight = self._flights[key] = _Flight()
        if not leads:
            return flight.wait()
        try:
            return flight.land(work)
        finally:
            with self._lock:
                if self._flights.get(key) is flight:
                    del self._flights[key]

    def forget(self, *keys: Hashable) -> None:
        """Whoever comes from now on does not share the calls that are under way."""
        with self._lock:
            for key in keys:
                self._flights.pop(key, None)

    def forget_all(self) -> None:
        """Likewise for every key."""
        with self._lock:
            self._flights.clear()


class _Flight(Generic[T]):
    def __init__(self) -> None:
        self._done = threading.Event()
        self._result: T
        self._error: BaseException | None = None

    def land(self, work: Callable[[], T]) -> T:
        try:
            self._result = work()
        except BaseException as exc:
            self._error = exc
            raise
        finally:
            self._done.set()
        return self._result

    def wait(self) -> T:
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._result


@contextmanager
def mutex(name: str, *, ready: Callable[[], bool]) -> Iterator[None]:
    """Hold `mutex:{name}` over all processes, or wait until `ready()` or until the time limit and go on without it.

    It keeps a crowd from one origin; it is no promise of exclusion. Without Redis nobody waits.
    """
    token, address = uuid.uuid4().hex, redis.key(f"mutex:{name}")
    held = _acquired(address, token, ready)
    try:
        yield
    finally:
        if held:
            _released(address, token)


def _acquired(address: str, token: str, ready: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + MUTEX_SECONDS
    try:
        while not take(address, token, MUTEX_SECONDS):
            if ready() or time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
    except RedisError:
        return False
    return True


def _released(address: str, token: str) -> None:
    with suppress(RedisError):  # it lapses by itself
        give_back(address, token)
