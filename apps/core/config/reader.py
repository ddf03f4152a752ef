"""The one way to read released configuration.

The index (what is live) is one small immutable object that is swapped whole; payloads are immutable and held by
version. An invalidation moves one head and drops nothing else. What is served is kept current by the subscriber's
thread; a reader waits only when the process knows nothing yet, or knows that it missed something.
"""

import threading
import time
from collections.abc import Callable, Iterable

import structlog
from asgiref.sync import sync_to_async
from django.db import DatabaseError

from apps.core.config import backup
from apps.core.config.heads import HeadState
from apps.core.config.index import Index, Key, heads_in_table
from apps.core.config.invalidation import Invalidation
from apps.core.config.metrics import ConfigMetrics
from apps.core.config.payloads import NotReleased, Payload, Payloads, SnapshotRefused, from_table, readable
from apps.core.config.person import NOBODY, Person
from apps.core.errors import ApiError, DependencyDown
from apps.core.single_flight import SingleFlight

log = structlog.get_logger("core")

INDEX_SECONDS = 30.0  # unconfirmed for so long, the index is stale: served, and looked after
RETRY_SECONDS = 1.0  # between tries of readers to repair what is stale


class ConfigReader:
    """Reads released payloads. Thread-safe; one per process."""

    def __init__(self) -> None:
        self.metrics = ConfigMetrics()
        self._lock = threading.RLock()
        self._index = Index()
        self._payloads = Payloads(self.metrics)
        self._good: dict[Key, int] = {}  # the version last served of each thing
        self._listeners: set[Callable[[int], None]] = set()
        self._confirmed_at = 0.0  # monotonic
        self._tried_at = 0.0
        self._loading: SingleFlight[None] = SingleFlight()

    # --- reading ------------------------------------------------------------------------------

    def get(self, scope: str, key: str, person: Person = NOBODY) -> tuple[int, Payload]:
        """The version that `person` gets and its payload, to be treated as read-only.

        Raises `NotReleased`; `DependencyDown` when nothing is known and nothing can be asked.
        """
        index = self._index
        if not index.settled:
            index = self._current()
        head = index.heads.get((scope, key))
        if head is not None and head.candidate is None:  # nearly always
            payload = self._payloads.held((scope, key, head.version))
            if payload is not None:
                self.metrics.memory += 1
                return head.version, payload
        found = head and self._served(scope, key, head, person)
        if not found:
            raise NotReleased()
        return found

    def version(self, scope: str, key: str, version: int) -> Payload:
        """The payload of one version, live or not: what a task that started with it goes on with."""
        return self._payloads.get((scope, key, version), self._hash_of(scope, key, version))

    def all(self, scope: str) -> dict[str, tuple[int, Payload]]:
        """Every stable payload of `scope` by key."""
        return self.served(scope, NOBODY)

    def served(self, scope: str, person: Person) -> dict[str, tuple[int, Payload]]:
        """Every payload of `scope` by key, in the version that `person` gets; what cannot be read is left out."""
        found = {}
        heads = self._current().by_scope.get(scope, {})
        self._payloads.load_many({(scope, k, v): h.hash_of(v) for k, h in heads.items() for v in h.versions})
        for key, head in heads.items():
            try:
                entry = self._served(scope, key, head, person)
            except SnapshotRefused:
                continue  # the alarm was raised; the others go on
            if entry:
                found[key] = entry
        return found

    def candidates_for(self, scope: str, person: Person) -> frozenset[str]:
        """The keys of `scope` of which `person` gets the candidate."""
        heads = self._current().by_scope.get(scope, {}).items()
        return frozenset(k for k, head in heads if head.candidate and head.candidate.is_for(scope, k, person))

    def heads(self, scope: str) -> dict[str, HeadState]:
        """What is live in `scope`, without payloads."""
        return dict(self._current().by_scope.get(scope, {}))

    def scope_revision(self, scope: str) -> int:
        """The newest revision of anything in `scope`; 0 for nothing."""
        return self._current().revisions.get(scope, 0)

    def warm(self, scope: str) -> bool:
        """Whether `served(scope, …)` would be answered from this process's memory alone."""
        index = self._index
        if not index.known or (index.gap and self._may_try()):
            return False
        return all(
            self._payloads.held((scope, key, version)) is not None
            for key, head in index.by_scope.get(scope, {}).items()
            for version in head.versions
        )

    async def aserved(self, scope: str, person: Person = NOBODY) -> dict[str, tuple[int, Payload]]:
        """`served` for async callers: a thread is used only when memory cannot answer."""
        if self.warm(scope):
            return self.served(scope, person)
        return await sync_to_async(self.served)(scope, person)

    async def aall(self, scope: str) -> dict[str, tuple[int, Payload]]:
        """`all` for async callers."""
        return await self.aserved(scope)

    # --- how current it is --------------------------------------------------------------------

    @property
    def revision(self) -> int:
        """Of everything that is known."""
        return self._index.revision

    def age(self) -> float:
        """Seconds since what is served was last confirmed to be current."""
        return time.monotonic() - self._confirmed_at if self._index.known else 0.0

    @property
    def has_gap(self) -> bool:
        """Whether a message was missed that may have moved another head."""
        return self._index.gap

    @property
    def source(self) -> str:
        """Where the index came from: `table`, `backup` or `nothing`."""
        return self._index.source

    @property
    def refused(self) -> dict[str, str]:
        """Released versions that cannot be served, and why."""
        return self._payloads.refused

    # --- staying current ----------------------------------------------------------------------

    def apply(self, *messages: Invalidation) -> None:
        """Move the heads that were heard of. Older news than what is known is ignored."""
        with self._lock:
            old, heads = self._index, dict(self._index.heads)
            revision, gap = old.revision, old.gap
            for message in sorted(messages, key=lambda m: m.revision):
                known = heads.get((message.scope, message.key))
                if known is None or message.revision > known.revision:
                    heads[message.scope, message.key] = message.state
                gap = gap or message.revision > revision + 1
                revision = max(revision, message.revision)
            if heads != old.heads or revision != old.revision:
                self._swap(Index(heads, revision, old.source, gap))

    def fetch_ahead(self, messages: Iterable[Invalidation]) -> None:
        """Take from Redis what this process serves anyway, so that no request has to. Asks no database."""
        for message in messages:
            if (message.scope, message.key) in self._good:
                for version in message.state.versions:
                    self._payloads.take_from_redis(
                        (message.scope, message.key, version), message.state.hash_of(version)
                    )

    def resync(self, *, trust_table: bool = False) -> None:
        """Load the whole index from the table. Raises `DatabaseError` when it cannot.

        What was heard of during the load, and may not be in it, is kept; not so with `trust_table`, for a table that
        went back because it was restored.
        """
        heads, revision = heads_in_table()
        self.metrics.resyncs += 1
        with self._lock:
            old = Index() if trust_table else self._index
            heard = {a: head for a, head in old.heads.items() if head.revision > revision}
            self._confirmed_at = time.monotonic()
            self._swap(Index({**heads, **heard}, max(revision, old.revision), "table", old.revision > revision))

    def confirm(self) -> None:
        """What is served is still current: the table was asked."""
        self._confirmed_at = time.monotonic()

    def resync_from_backup(self) -> bool:
        """Take the local backup's index where the table cannot be asked; False when there is none."""
        kept = backup.read()
        if kept is None:
            return False
        with self._lock:
            if not self._index.known:
                self._confirmed_at = time.monotonic() - max(0.0, time.time() - kept.confirmed_at)
                self._swap(Index(kept.heads, kept.revision, "backup"))
        log.warning("config.served_from_backup", revision=kept.revision, ageS=round(self.age()))
        return True

    def back_up(self) -> bool:
        """Mirror what is live to the local backup."""
        index = self._index
        if index.source != "table" or index.gap:
            return False
        return backup.write(dict(index.heads), index.revision, body=_good_body)

    def hold(self, scope: str, key: str, version: int, body: str) -> None:
        """Keep a payload that this process has just released, if it serves the former one."""
        if (scope, key) in self._good:
            self._payloads.take((scope, key, version), body)

    def listen(self, callback: Callable[[int], None]) -> Callable[[], None]:
        """Call `callback(revision)` whenever it grows (from any thread); returns what stops that."""
        self._listeners.add(callback)
        return lambda: self._listeners.discard(callback)

    def reset(self) -> None:
        """Forget everything, as a new process would."""
        with self._lock:
            self._index, self._confirmed_at, self._tried_at = Index(), 0.0, 0.0
            self._good.clear()
            self._payloads.clear()

    def forget_parent(self) -> None:
        """After a fork: the child has no subscriber, and perhaps locks that nobody will open."""
        self.__init__()  # type: ignore[misc]

    # --- inside -------------------------------------------------------------------------------

    def _swap(self, index: Index) -> None:
        grown = index.revision > self._index.revision
        self._index = index
        if grown:
            for callback in list(self._listeners):
                callback(index.revision)

    def _current(self) -> Index:
        index = self._index
        if index.settled or (index.known and not self._may_try()):
            return index
        from apps.core.config.subscriber import ensure_subscribed

        ensure_subscribed()
        self._loading.run("index", self._load)
        return self._index

    def _may_try(self) -> bool:
        return time.monotonic() - self._tried_at > RETRY_SECONDS

    def _load(self) -> None:
        try:
            self.resync()
        except DatabaseError as exc:
            self._tried_at = time.monotonic()
            if not self._index.known and not self.resync_from_backup():
                raise DependencyDown() from exc
            log.warning("config.index_stale", ageS=round(self.age()))

    def _served(self, scope: str, key: str, head: HeadState, person: Person) -> tuple[int, Payload] | None:
        """The candidate where it is meant for `person` and can be read, else the stable version."""
        candidate = head.candidate
        if candidate is not None and candidate.is_for(scope, key, person):
            try:
                return candidate.version, self._payloads.get((scope, key, candidate.version), candidate.sha256)
            except (SnapshotRefused, NotReleased):
                pass  # the stable version is better than none
        if not head.version:
            return None
        try:
            payload = self._payloads.get((scope, key, head.version), head.sha256)
        except (DependencyDown, NotReleased) as exc:
            return self._last_good(scope, key, exc)
        self._good[scope, key] = head.version
        return head.version, payload

    def _last_good(self, scope: str, key: str, failure: ApiError) -> tuple[int, Payload]:
        """What this process served before, or what the machine's backup kept. Raises `failure`."""
        version, sha256 = self._good.get((scope, key), 0), ""
        if not version and (kept := backup.read()) and (state := kept.heads.get((scope, key))):
            version, sha256 = state.version, state.sha256
        if not version:
            raise failure
        return version, self._payloads.get((scope, key, version), sha256)

    def _hash_of(self, scope: str, key: str, version: int) -> str:
        """The hash as the index names it, or "" for a version that is not live."""
        head = self._index.heads.get((scope, key))
        return head.hash_of(version) if head else ""


def _good_body(scope: str, key: str, version: int) -> str | None:
    """The body for the backup, from the table; None when it cannot be had or cannot be read."""
    stored = from_table((scope, key, version))
    try:
        return stored[0] if stored and readable(scope, stored[0]) is not None else None
    except ValueError:
        return None


reader = ConfigReader()
