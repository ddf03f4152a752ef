"""The one way to read released configuration.

The index (what is live) is one small immutable object that is swapped whole; payloads are immutable and held by
version. An invalidation moves one head and drops nothing else. What is served is kept current by the subscriber's
thread; a reader waits only when the process knows nothing yet, or knows that it missed something.
"""

from collections.abc import Iterable

from asgiref.sync import sync_to_async

from apps.core.config import backup
from apps.core.config.heads import HeadState
from apps.core.config.index import Index, Key
from apps.core.config.invalidation import Invalidation
from apps.core.config.live import LiveIndex
from apps.core.config.payloads import NotReleased, Payload, Payloads, SnapshotRefused, from_table, readable
from apps.core.config.person import NOBODY, Person
from apps.core.errors import ApiError, DependencyDown


class ConfigReader(LiveIndex):
    """Reads released payloads. Thread-safe; one per process."""

    def __init__(self) -> None:
        super().__init__()
        self._payloads = Payloads(self.metrics)
        self._good: dict[Key, int] = {}  # the version last served of each thing

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

    @property
    def refused(self) -> dict[str, str]:
        """Released versions that cannot be served, and why."""
        return self._payloads.refused

    # --- payloads beside the index ------------------------------------------------------------

    def fetch_ahead(self, messages: Iterable[Invalidation]) -> None:
        """Take from Redis what this process serves anyway, so that no request has to. Asks no database."""
        for message in messages:
            if (message.scope, message.key) in self._good:
                for version in message.state.versions:
                    self._payloads.take_from_redis(
                        (message.scope, message.key, version), message.state.hash_of(version)
                    )

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
