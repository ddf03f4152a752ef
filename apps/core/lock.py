"""One at a time over all processes: `with with_lock("mcp.discover:images"): …`.

A key in Redis with a time limit and a token only its holder knows. It keeps work from being done twice; it is no
fence: a process that is stopped for longer than the limit goes on without knowing. What may never be written twice is
claimed in the database by a conditional update, with or without a lock round it.
"""

import asyncio
import random
import threading
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import structlog
from asgiref.sync import sync_to_async
from django.utils.translation import gettext_lazy as _
from redis.exceptions import RedisError

from apps.core import redis
from apps.core.errors import ApiError, DependencyDown

log = structlog.get_logger("core")

TTL_SECONDS = 5.0
PAUSES = (0.005, 0.05)  # between looks of who waits: short at first, and never in step with the others
# The client repeats a command whose answer was lost: the second time the key is there, and ours.
_TAKE = """if redis.call('set', KEYS[1], ARGV[1], 'nx', 'px', ARGV[2]) then return 1 end
return redis.call('get', KEYS[1]) == ARGV[1] and 1 or 0"""
_RENEW = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end return 0"
# Only its own holder may open it: another one may have it since.
_GIVE_BACK = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"


class LockBusy(ApiError):
    code, reason, status, retryable = "CORE_2050", "E_LOCK_BUSY", 409, True
    message = _("Somebody else is doing this just now. Try again in a moment.")


class LockLost(ApiError):
    code, reason, status, retryable = "CORE_2051", "E_LOCK_LOST", 409, True
    message = _("This took so long that somebody else may have begun it, too. It was stopped; try again.")


def take(address: str, token: str, seconds: float) -> bool:
    """Set the key if nobody has it. Raises `RedisError`."""
    return bool(redis.client().eval(_TAKE, 1, address, token, _milliseconds(seconds)))


def renew(address: str, token: str, seconds: float) -> bool:
    """Keep it for so long from now; False when it is no longer this token's. Raises `RedisError`."""
    return bool(redis.client().eval(_RENEW, 1, address, token, _milliseconds(seconds)))


def give_back(address: str, token: str) -> bool:
    """Open it; False when it was no longer this token's. Raises `RedisError`."""
    return bool(redis.client().eval(_GIVE_BACK, 1, address, token))


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))


class Lock:
    """A lock that is held, or was. `protected` is False when Redis was away and that was allowed."""

    def __init__(self, name: str, ttl: float, *, required: bool = True) -> None:
        if ttl <= 0:
            raise ValueError("a lock without a time limit would outlive its holder")
        self.name = name
        self.protected = False
        self._address, self._token, self._ttl = redis.key(f"lock:{name}"), uuid.uuid4().hex, ttl
        self._required = required
        self._until = 0.0  # monotonic; counted from before the command, so never too late
        self._gone = False
        self._ended = threading.Event()
        self._talking = threading.Lock()  # a renewal that comes after the end would find nothing, and call it lost

    @property
    def lost(self) -> bool:
        """Whether somebody else may have it by now; after the section, whether somebody may have had it meanwhile."""
        overdue = self.protected and not self._ended.is_set() and time.monotonic() > self._until
        return self._gone or overdue

    def check(self) -> None:
        """Raises `LockLost`; for long sections, before they write."""
        if self.lost:
            raise LockLost()

    # --- for the two context managers ---------------------------------------------------------

    def taken(self) -> bool:
        """Try once. Raises `DependencyDown` without Redis, unless the lock is not required."""
        until = time.monotonic() + self._ttl
        try:
            self.protected = take(self._address, self._token, self._ttl)
        except RedisError as exc:
            if self._required:
                raise DependencyDown() from exc
            log.warning("lock.unprotected", lock=self.name)
            return True
        self._until = until
        return self.protected

    def keep(self) -> None:
        """From half its time on, renew it again and again."""
        if self.protected:
            threading.Thread(target=self._renew_until_ended, name=f"lock {self.name}", daemon=True).start()

    def end(self) -> None:
        """Open it; what was lost stays lost."""
        if not self.protected:
            return
        with self._talking:
            self._gone = self.lost
            self._ended.set()
            try:
                self._gone = not give_back(self._address, self._token) or self._gone
            except RedisError:
                log.warning("lock.left_to_lapse", lock=self.name)  # it was ours to the end
        if self._gone:
            log.warning("lock.lost", lock=self.name)

    def _renew_until_ended(self) -> None:
        pause = self._ttl / 2
        while not self._ended.wait(pause) and not self.lost:
            pause = self._renewed()

    def _renewed(self) -> float:
        """Renew it once; returns how long that is good for."""
        with self._talking:
            if self._ended.is_set():
                return 0.0
            until = time.monotonic() + self._ttl
            try:
                self._gone = not renew(self._address, self._token, self._ttl)
            except RedisError:
                return self._ttl / 10  # what is left of its time allows a few more tries
            self._until = until
            return self._ttl / 2


@contextmanager
def with_lock(name: str, *, ttl: float = TTL_SECONDS, wait: float = 0.0, required: bool = True) -> Iterator[Lock]:
    """Hold `lock:{name}` over all processes, however long the section takes; a dead holder's lapses after `ttl`.

    All times are seconds. Raises `LockBusy` when another one has it for longer than `wait`; `LockLost` after a section
    that did not fail and during which another one may have got in, so that a transaction around it is rolled back;
    `DependencyDown` without Redis. With `required=False` the section then runs without protection. It is not
    re-entrant.
    """
    lock = Lock(name, ttl, required=required)
    for pause in _pauses(name, wait):
        if lock.taken():
            break
        time.sleep(pause)
    lock.keep()
    try:
        yield lock
    finally:
        lock.end()
    lock.check()


@asynccontextmanager
async def awith_lock(
    name: str, *, ttl: float = TTL_SECONDS, wait: float = 0.0, required: bool = True
) -> AsyncIterator[Lock]:
    """`with_lock` for coroutines: neither Redis nor the waiting blocks the loop."""
    lock = Lock(name, ttl, required=required)
    for pause in _pauses(name, wait):
        if await sync_to_async(lock.taken, thread_sensitive=False)():
            break
        await asyncio.sleep(pause)
    lock.keep()
    try:
        yield lock
    finally:
        await sync_to_async(lock.end, thread_sensitive=False)()
    lock.check()


def _pauses(name: str, wait: float) -> Iterator[float]:
    """A pause for after each try, the last try at the end of `wait`. Raises `LockBusy` when that failed, too."""
    deadline, longest = time.monotonic() + wait, PAUSES[0]
    while (left := deadline - time.monotonic()) > 0:
        yield min(random.uniform(0, longest), left)  # noqa: S311 - jitter
        longest = min(PAUSES[1], longest * 2)
    yield 0.0
    raise LockBusy(details={"lock": name})
