"""Things that any thread or loop hands over, and one thread of this process delivers, many at a time."""

import atexit
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar, Generic, TypeVar

import structlog
from django.db import close_old_connections

log = structlog.get_logger("core")

T = TypeVar("T")
RETRY_SECONDS = 1.0  # after a delivery that failed; doubled with each more
LONGEST_RETRY_SECONDS = 30.0


class Batches(Generic[T]):
    """At most `most` things wait; the oldest are dropped above that, and the log says how many.

    `deliver` gets up to `size` of them in order, `pause` seconds after the first, and again until it succeeds: it has
    to bear being given the same things twice. What waits when the process ends in good order is delivered then.
    """

    threaded: ClassVar[bool] = True  # tests switch it off and call `flush`

    def __init__(self, name: str, deliver: Callable[[list[T]], None], *, pause: float, size: int, most: int) -> None:
        self.name, self._deliver, self._pause = name, deliver, pause
        self._size, self._most = size, most
        self._lock = threading.Lock()  # around a delivery
        self._forget()
        _all.add(self)

    def _forget(self) -> None:
        self._waiting: deque[T] = deque()
        self._dropped = 0
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, thing: T) -> None:
        """Have `thing` delivered soon. Never blocks."""
        self._waiting.append(thing)
        if len(self._waiting) > self._most:
            with suppress(IndexError):
                self._waiting.popleft()
                self._dropped += 1
        if not self._wake.is_set():
            self._wake.set()
        if self._thread is None and self.threaded:
            self._start()

    def flush(self) -> None:
        """Deliver everything now, in this thread. Raises what the delivery raises; the rest goes on waiting."""
        while self._waiting:
            with self._lock:
                self._deliver_some()

    def clear(self) -> None:
        """Drop what waits."""
        self._waiting.clear()

    def after_fork(self) -> None:
        """In the child: what waits is the parent's to deliver, and so is the lock it may have held."""
        self._lock = threading.Lock()
        self._forget()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"batches-{self.name}", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        retry = RETRY_SECONDS
        while True:
            self._wake.wait()
            threading.Event().wait(self._pause)
            self._wake.clear()
            try:
                self.flush()
                retry = RETRY_SECONDS
            except Exception:
                log.exception("batches.delivery_failed", batches=self.name, waiting=len(self._waiting))
                threading.Event().wait(retry)
                retry = min(2 * retry, LONGEST_RETRY_SECONDS)
                self._wake.set()
            finally:
                close_old_connections()

    def _deliver_some(self) -> None:
        taken: list[T] = []
        with suppress(IndexError):
            while len(taken) < self._size:
                taken.append(self._waiting.popleft())
        if self._dropped:
            log.error("batches.dropped", batches=self.name, count=self._dropped)
            self._dropped = 0
        try:
            self._deliver(taken)
        except BaseException:
            self._waiting.extendleft(reversed(taken))
            raise


_all: "weakref.WeakSet[Batches[Any]]" = weakref.WeakSet()


def clear_all() -> None:
    """Drop whatever waits anywhere; for tests."""
    for batches in _all:
        batches.clear()


def _after_fork() -> None:
    for batches in _all:
        batches.after_fork()


@atexit.register
def _deliver_the_rest() -> None:
    for batches in list(_all) if Batches.threaded else []:
        try:
            batches.flush()
        except Exception:
            log.exception("batches.lost_at_exit", batches=batches.name, count=len(batches))


os.register_at_fork(after_in_child=_after_fork)
