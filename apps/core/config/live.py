"""Which index this process serves, and how it stays current."""

import threading
import time
from collections.abc import Callable

import structlog
from django.db import DatabaseError

from apps.core.config import backup
from apps.core.config.index import Index, heads_in_table
from apps.core.config.invalidation import Invalidation
from apps.core.config.metrics import ConfigMetrics
from apps.core.errors import DependencyDown
from apps.core.single_flight import SingleFlight

log = structlog.get_logger("core")

RETRY_SECONDS = 1.0  # between tries of readers to repair what is stale


class LiveIndex:
    """The newest index that is known, and since when. Thread-safe."""

    def __init__(self) -> None:
        self.metrics = ConfigMetrics()
        self._lock = threading.RLock()
        self._index = Index()
        self._listeners: set[Callable[[int], None]] = set()
        self._confirmed_at = 0.0  # monotonic
        self._tried_at = 0.0
        self._loading: SingleFlight[None] = SingleFlight()

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

    def listen(self, callback: Callable[[int], None]) -> Callable[[], None]:
        """Call `callback(revision)` whenever it grows (from any thread); returns what stops that."""
        self._listeners.add(callback)
        return lambda: self._listeners.discard(callback)

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
