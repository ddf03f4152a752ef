"""The one way to read released configuration: process memory -> Redis -> snapshot table.

The index (which version is live) is small and mutable; payloads are immutable and cached by version. An
invalidation therefore moves one pointer and drops nothing else.
"""

import json
import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import structlog
from asgiref.sync import sync_to_async
from django.db import DatabaseError
from redis.exceptions import RedisError

from apps.core import redis
from apps.core.config.invalidation import Invalidation
from apps.core.config.person import Person
from apps.core.errors import DependencyDown, NotFound

log = structlog.get_logger("core")

INDEX_SECONDS = 30  # how long the index is trusted without hearing from the subscriber
PAYLOAD_SECONDS = (240, 360)  # in Redis: 300 s with jitter, so that keys do not lapse together
LRU_SIZE = 512

Payload = dict[str, Any]


class NotReleased(NotFound):
    code, reason = "CORE_2013", "E_NOT_RELEASED"


class ConfigReader:
    """Reads released payloads. Thread-safe; one per process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._heads: dict[tuple[str, str], int] = {}
        self._payloads: OrderedDict[tuple[str, str, int], Payload] = OrderedDict()
        self._listeners: set[Callable[[int], None]] = set()
        self._loaded_at = 0.0
        self._gap = False  # a message was missed: the index may be wrong about another key
        self.revision = 0

    # --- reading ------------------------------------------------------------------------------

    def get(self, scope: str, key: str) -> tuple[int, Payload]:
        """The live version and its payload, to be treated as read-only. Raises `NotReleased`."""
        self._ensure_index()
        version = self._heads.get((scope, key))
        if version is None:
            raise NotReleased()
        return version, self._payload(scope, key, version)

    def version(self, scope: str, key: str, version: int) -> Payload:
        """The payload of one version, live or not: what a task that started with it goes on with."""
        return self._payload(scope, key, version)

    def all(self, scope: str) -> dict[str, tuple[int, Payload]]:
        """Every live payload of `scope` by key."""
        self._ensure_index()
        live = [(key, version) for (s, key), version in list(self._heads.items()) if s == scope]
        return {key: (version, self._payload(scope, key, version)) for key, version in sorted(live)}

    def warm(self, scope: str) -> bool:
        """Whether `all(scope)` would be answered from this process's memory alone."""
        if not self._fresh():
            return False
        return all((s, k, v) in self._payloads for (s, k), v in list(self._heads.items()) if s == scope)

    def served(self, scope: str, person: Person) -> dict[str, tuple[int, Payload]]:
        """Every payload of `scope` by key, in the version that `person` gets."""
        return self.all(scope)

    def candidates_for(self, scope: str, person: Person) -> frozenset[str]:
        """The keys of `scope` of which `person` gets the candidate."""
        return frozenset()

    def scope_revision(self, scope: str) -> int:
        """The newest revision of anything in `scope`."""
        return self.revision

    async def aall(self, scope: str) -> dict[str, tuple[int, Payload]]:
        """`all` for async callers: a thread is used only when memory cannot answer."""
        if self.warm(scope):
            return self.all(scope)
        return await sync_to_async(self.all)(scope)

    # --- staying current ----------------------------------------------------------------------

    def apply(self, message: Invalidation) -> None:
        """Move one pointer. Older news than what is known is ignored."""
        with self._lock:
            known = self._heads.get((message.scope, message.key), 0)
            if message.version > known:
                self._heads[message.scope, message.key] = message.version
            self._gap = self._gap or message.revision > self.revision + 1
            self._advance(message.revision)

    def resync(self) -> None:
        """Load the whole index from the snapshot table. Raises `DatabaseError` when it cannot."""
        from apps.core.publishing.models import Head, Revision

        # The revision first: a head that moves in between is then seen again by the next poll.
        revision = Revision.objects.values_list("value", flat=True).first() or 0
        heads = {(scope, key): v for scope, key, v in Head.objects.values_list("scope", "key", "version")}
        with self._lock:
            self._heads = {k: max(v, self._heads.get(k, 0)) for k, v in heads.items()}
            # What was heard of during the load may not be in it.
            self._loaded_at, self._gap = time.monotonic(), self.revision > revision
            self._advance(revision)

    def listen(self, callback: Callable[[int], None]) -> Callable[[], None]:
        """Call `callback(revision)` whenever it grows (from any thread); returns what stops that."""
        self._listeners.add(callback)
        return lambda: self._listeners.discard(callback)

    def reset(self) -> None:
        """Forget everything, as a new process would."""
        with self._lock:
            self._heads, self._loaded_at, self._gap, self.revision = {}, 0.0, False, 0
            self._payloads.clear()

    def _advance(self, revision: int) -> None:
        if revision <= self.revision:
            return
        self.revision = revision
        for callback in list(self._listeners):
            callback(revision)

    def _fresh(self) -> bool:
        age = time.monotonic() - self._loaded_at
        return self._loaded_at > 0 and not self._gap and age < INDEX_SECONDS

    def _ensure_index(self) -> None:
        from apps.core.config.subscriber import ensure_subscribed

        ensure_subscribed()
        if self._fresh():
            return
        try:
            self.resync()
        except DatabaseError as exc:
            if not self._loaded_at:
                raise DependencyDown() from exc
            log.warning("config.index_stale", ageS=round(time.monotonic() - self._loaded_at))

    def _payload(self, scope: str, key: str, version: int) -> Payload:
        address = (scope, key, version)
        with self._lock:
            if address in self._payloads:
                self._payloads.move_to_end(address)
                return self._payloads[address]
        body = _from_redis(address) or _from_table(address)
        payload: Payload = json.loads(body)
        with self._lock:
            self._payloads[address] = payload
            while len(self._payloads) > LRU_SIZE:
                self._payloads.popitem(last=False)
        return payload


def _redis_key(address: tuple[str, str, int]) -> str:
    return redis.key("cfg:" + ":".join(map(str, address)))


def _from_redis(address: tuple[str, str, int]) -> str | None:
    try:
        found: Any = redis.client().get(_redis_key(address))
    except RedisError:
        log.warning("config.redis_unreachable", scope=address[0], key=address[1])
        return None
    return str(found) if found else None


def _from_table(address: tuple[str, str, int]) -> str:
    from apps.core.publishing.models import Snapshot

    scope, key, version = address
    body = Snapshot.objects.filter(scope=scope, key=key, version=version).values_list("body", flat=True).first()
    if body is None:
        raise NotReleased()
    try:
        redis.client().set(_redis_key(address), body, ex=random.randint(*PAYLOAD_SECONDS))  # noqa: S311 - jitter
    except RedisError:
        log.warning("config.redis_unreachable", scope=scope, key=key)
    return body


reader = ConfigReader()
