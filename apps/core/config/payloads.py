"""Payloads by version: process memory, else Redis, else the snapshot table, else the local backup.

A payload is used only when its bytes have the hash that the head or the row names, and its kind can read it.
"""

import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import structlog
from django.db import DatabaseError
from redis.exceptions import RedisError

from apps.core import redis
from apps.core.config import backup
from apps.core.config.invalidation import payload_seconds, redis_key
from apps.core.config.metrics import ConfigMetrics
from apps.core.errors import DependencyDown, NotFound
from apps.core.single_flight import SingleFlight, mutex

log = structlog.get_logger("core")

LRU_SIZE = 512
NULL_SECONDS = 30.0  # how long an unknown or refused version is not asked for again
BULK = 3  # so many missing payloads are cheaper together
MAX_NULLS = 10_000
MAX_BODY = 8 * 1024 * 1024

Payload = dict[str, Any]
Address = tuple[str, str, int]


class NotReleased(NotFound):
    code, reason = "CORE_2013", "E_NOT_RELEASED"


class SnapshotRefused(DependencyDown):
    """A stored payload that is damaged, or that this version of the product cannot read."""

    code, reason = "CORE_5004", "E_SNAPSHOT_REFUSED"


class Payloads:
    """The payloads this process holds. Thread-safe; reading one that is held takes no lock."""

    def __init__(self, metrics: ConfigMetrics) -> None:
        self._held: OrderedDict[Address, Payload] = OrderedDict()
        self._nulls: dict[Address, tuple[float, type[NotFound | DependencyDown], str]] = {}
        self._flights: SingleFlight[Payload] = SingleFlight()
        self._metrics = metrics

    def held(self, address: Address) -> Payload | None:
        """From memory, or None."""
        try:
            self._held.move_to_end(address)
            return self._held[address]
        except KeyError:
            return None

    def get(self, address: Address, sha256: str = "") -> Payload:
        """The payload; `sha256` as its head names it ("" for an old version: the row's own counts).

        Raises `NotReleased`, `SnapshotRefused`, or `DependencyDown` when no layer can answer.
        """
        found = self.held(address)
        if found is not None:
            self._metrics.memory += 1
            return found
        self._raise_if_null(address)
        return self._flights.run(address, lambda: self._fetched(address, sha256))

    def load_many(self, wanted: Mapping[Address, str]) -> None:
        """Bring what is missing into memory in two round trips; what cannot be had that way is left to `get`."""
        missing = {address: sha256 for address, sha256 in wanted.items() if self.held(address) is None}
        if len(missing) < BULK:
            return
        self._flights.run(tuple(sorted(missing)), lambda: self._loaded_many(missing))

    def _loaded_many(self, missing: Mapping[Address, str]) -> Payload:
        for layer in (many_from_redis, many_from_table):
            left = [address for address in missing if self.held(address) is None]
            bodies = layer(left) if left else {}
            for address, body in bodies.items():
                if _digest(body) == missing[address]:
                    with suppress(SnapshotRefused):
                        self._kept(address, body, "redis" if layer is many_from_redis else "table")
        return {}

    def take(self, address: Address, body: str) -> None:
        """Hold a body that was just released, without a read."""
        try:
            self._kept(address, body, "memory")
        except SnapshotRefused:
            return  # told; a reader falls back

    def take_from_redis(self, address: Address, sha256: str) -> None:
        """Hold what lies in Redis, if it is what the head names."""
        if self.held(address) is None and (body := from_redis(address)) and _digest(body) == sha256:
            self.take(address, body)

    def clear(self) -> None:
        """Forget everything."""
        self._held.clear()
        self._nulls.clear()

    @property
    def refused(self) -> dict[str, str]:
        """What is refused just now, and why."""
        now = time.monotonic()
        return {
            f"{scope}/{key} v{version}": why
            for (scope, key, version), (until, kind, why) in list(self._nulls.items())
            if kind is SnapshotRefused and until > now
        }

    # --- layers -------------------------------------------------------------------------------

    def _fetched(self, address: Address, sha256: str) -> Payload:
        """From the first layer that has it, kept for the next reader."""
        if sha256 and (body := from_redis(address)) is not None and _digest(body) == sha256:
            return self._kept(address, body, "redis")
        return self._from_below(address, sha256)

    def _from_below(self, address: Address, sha256: str) -> Payload:
        name = ":".join(map(str, address))
        with mutex(name, ready=lambda: from_redis(address) is not None):
            if sha256 and (body := from_redis(address)) is not None and _digest(body) == sha256:
                return self._kept(address, body, "redis")
            try:
                stored = from_table(address)
            except DatabaseError as exc:
                return self._from_backup(address, sha256, DependencyDown(), cause=exc)
            if stored is None:
                self._null(address, NotReleased, "")
                raise NotReleased()
            if (why := _damage(stored, sha256)) is not None:
                refusal = self._refusal(address, why)
                return self._from_backup(address, sha256 or stored[1], refusal)
            payload = self._kept(address, stored[0], "table")
            to_redis(address, stored[0])
            return payload

    def _from_backup(
        self, address: Address, sha256: str, otherwise: Exception, *, cause: Exception | None = None
    ) -> Payload:
        body = backup.body_of(sha256) if sha256 else None
        if body is None:
            raise otherwise from cause
        return self._kept(address, body, "backup")

    def _kept(self, address: Address, body: str, layer: str) -> Payload:
        try:
            payload = readable(address[0], body)
        except ValueError as exc:
            raise self._refusal(address, str(exc)) from exc
        self._metrics.loads[layer] += 1
        self._held[address] = payload
        while len(self._held) > LRU_SIZE:
            self._held.popitem(last=False)
        return payload

    # --- what is not there, and what is no good ----------------------------------------------

    def _raise_if_null(self, address: Address) -> None:
        null = self._nulls.get(address)
        if null and null[0] > time.monotonic():
            raise null[1]()

    def _null(self, address: Address, kind: type[NotFound | DependencyDown], why: str) -> None:
        if len(self._nulls) >= MAX_NULLS:
            self._nulls.clear()
        self._nulls[address] = (time.monotonic() + NULL_SECONDS, kind, why)

    def _refusal(self, address: Address, why: str) -> SnapshotRefused:
        """The alarm: what was served before goes on being served."""
        scope, key, version = address
        self._metrics.refused += 1
        self._null(address, SnapshotRefused, why[:300])
        log.error("config.snapshot_refused", scope=scope, key=key, version=version, reason=why[:300])
        return SnapshotRefused()


def _damage(stored: tuple[str, str], sha256: str) -> str | None:
    """Why a row is not to be used, or None."""
    body, named = stored
    if len(body) > MAX_BODY:
        return f"{len(body)} characters, more than {MAX_BODY}"
    if _digest(body) != named:
        return "its content does not have its hash"
    return "its hash is not the one that was released" if sha256 not in ("", named) else None


def readable(scope: str, body: str) -> Payload:
    """The payload of `body`, brought up to what today's code reads. Raises `ValueError` with the reason."""
    from apps.core.publishing.registry import kind_of

    if len(body) > MAX_BODY:
        raise ValueError(f"{len(body)} characters, more than {MAX_BODY}")
    payload = json.loads(body)
    if not isinstance(payload, dict):
        raise ValueError("not an object")  # noqa: TRY004 - callers handle one error
    kind = kind_of(scope)
    return kind.load(payload) if kind else payload


def from_redis(address: Address) -> str | None:
    """The body in Redis, or None."""
    try:
        found: Any = redis.client().get(redis_key(*address))
    except RedisError:
        log.warning("config.redis_unreachable", scope=address[0], key=address[1])
        return None
    return str(found) if found else None


def many_from_redis(addresses: Sequence[Address]) -> dict[Address, str]:
    """The bodies that Redis has."""
    try:
        found: Any = redis.client().mget([redis_key(*address) for address in addresses])
    except RedisError:
        return {}
    return {address: str(body) for address, body in zip(addresses, found, strict=True) if body}


def many_from_table(addresses: Sequence[Address]) -> dict[Address, str]:
    """The bodies that the table has, put into Redis for others; none when the table cannot be asked."""
    from apps.core.publishing.models import Snapshot

    wanted = set(addresses)
    scopes, keys, versions = ({address[n] for address in wanted} for n in range(3))
    rows = Snapshot.objects.filter(scope__in=scopes, key__in=keys, version__in=versions)
    try:
        named = ((s.scope, s.key, s.version, s.body) for s in rows.only("scope", "key", "version", "body"))
        found = {(scope, key, version): body for scope, key, version, body in named if (scope, key, version) in wanted}
    except DatabaseError:
        return {}
    with suppress(RedisError), redis.client().pipeline(transaction=False) as pipe:
        for address, body in found.items():
            if len(body) > MAX_BODY:
                continue
            pipe.set(redis_key(*address), body, ex=payload_seconds())
        pipe.execute()
    return found


def to_redis(address: Address, body: str) -> None:
    """Let others find it there."""
    try:
        redis.client().set(redis_key(*address), body, ex=payload_seconds())
    except RedisError:
        log.warning("config.redis_unreachable", scope=address[0], key=address[1])


def from_table(address: Address) -> tuple[str, str] | None:
    """Body and hash of the row, or None. Raises `DatabaseError`."""
    from apps.core.publishing.models import Snapshot

    scope, key, version = address
    rows = Snapshot.objects.filter(scope=scope, key=key, version=version)
    return rows.values_list("body", "sha256").first()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
