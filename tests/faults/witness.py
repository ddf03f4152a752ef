"""A process that reads released configuration without pause, and bears witness to everything it was given."""

import os
import threading
import time
import traceback
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

PAUSE_SECONDS = 0.001  # between rounds of reads, so that the others get their turn
POLL_SECONDS = 5.0
NEVER_SECONDS = 3600.0


class Report(NamedTuple):
    """What one process saw. `now` is what it serves: version and content by key."""

    pid: int
    revision: int
    looked: int  # the revision when it last looked at the table
    reads: int
    failures: list[str]
    loaded_again: set[str]
    last_read: dict[str, dict[int, float]]  # by key and version: when the last such read began
    now: dict[str, tuple[int, Any]]


class Update(NamedTuple):
    """A release to be tried: on top of the head's revision `expected`, or of any."""

    key: str
    n: int
    expected: int | None = None


class Outcome(NamedTuple):
    """The version that came of it, or 0 and why there is none."""

    key: str
    n: int
    version: int
    error: str


class Broken(NamedTuple):
    """The answer to a question that could not be answered, and why."""

    traceback: str


class Record:
    """What was read of some keys, and what must never happen: a step back, another content, an error."""

    def __init__(self, scope: str, keys: list[str]) -> None:
        self.scope, self.keys = scope, keys
        self.reads = 0
        self.failures: list[str] = []
        self.loaded_again: set[str] = set()
        self.last_read: dict[str, dict[int, float]] = {key: {} for key in keys}
        self._given: dict[tuple[str, int], Any] = {}
        self._newest: dict[str, int] = {}

    def read(self, reader: Any, key: str) -> None:
        began = time.monotonic()
        try:
            version, payload = reader.get(self.scope, key)
        except Exception as exc:
            self.failures.append(f"{key}: {exc!r}")
            return
        self.reads += 1
        self.last_read[key][version] = began
        self._judge(key, version, payload)

    def _judge(self, key: str, version: int, payload: Any) -> None:
        if version < self._newest.get(key, 0):
            self.failures.append(f"{key}: version {version} after {self._newest[key]}")
        self._newest[key] = version
        known = self._given.setdefault((key, version), payload)
        if known is not payload:
            self.loaded_again.add(key)
            self._given[key, version] = payload
            if known != payload:
                self.failures.append(f"{key}: version {version} has another content")


class Witness:
    """The answers. One thread reads, the product's own thread listens, this one speaks."""

    def __init__(self) -> None:
        from apps.core.config import reader, subscriber

        self._reader, self._subscriber = reader, subscriber
        self._record: Record | None = None
        self._looking = threading.Lock()
        self._looked = 0
        self._look = subscriber.tick
        subscriber.tick = self._noted_look
        threading.Thread(target=self._read, daemon=True).start()

    def _noted_look(self) -> None:
        with self._looking:
            self._look()
            self._looked = self._reader.revision

    def _read(self) -> None:
        while True:
            record = self._record
            for key in record.keys if record else []:
                record.read(self._reader, key)
            time.sleep(PAUSE_SECONDS)

    def begin(self, scope: str, keys: list[str]) -> None:
        """Forget everything and read `keys`, which are released; it is counted among the live processes now."""
        from apps.core.config import processes

        with self._looking:
            self._reader.reset()
            self._looked = 0
            self._subscriber.POLL_SECONDS = POLL_SECONDS
            self._reader.all(scope)
        self._record = Record(scope, keys)
        processes.report(self._reader)

    def rest(self) -> None:
        """Read nothing more."""
        self._record = None

    def still(self) -> None:
        """Do not poll any more, from the next look on."""
        self._subscriber.POLL_SECONDS = NEVER_SECONDS

    def report(self) -> Report:
        """What was read since `begin`, and what is served now."""
        record = self._record
        assert record is not None
        return Report(
            pid=os.getpid(),
            revision=self._reader.revision,
            looked=self._looked,
            reads=record.reads,
            failures=record.failures[:20],
            loaded_again=set(record.loaded_again),
            last_read={key: dict(seen) for key, seen in record.last_read.items()},
            now={key: self._reader.get(record.scope, key) for key in record.keys},
        )

    def race(self, scope: str, updates: list[Update]) -> list[Outcome]:
        """Try all `updates` at once."""
        told: list[Outcome] = []
        start = threading.Barrier(len(updates), timeout=60)

        def work(update: Update) -> None:
            start.wait()
            told.append(_released(scope, update))

        threads = [threading.Thread(target=work, args=(update,)) for update in updates]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return told


def _released(scope: str, update: Update) -> Outcome:
    from django.db import DatabaseError, connection

    from apps.core.errors import ApiError
    from apps.core.publishing.services import release

    try:
        version, error = release(scope, update.key, {"n": update.n}, by=None, expected=update.expected).version, ""
    except ApiError as exc:
        version, error = 0, exc.code
    except DatabaseError as exc:
        version, error = 0, repr(exc)
    finally:
        connection.close()
    return Outcome(update.key, update.n, version, error)


def main(questions: Connection) -> None:
    """Answer each (name, arguments) with what the witness's method of that name says, or with `Broken`."""
    from apps.core.config import subscriber

    witness = Witness()
    subscriber.ensure_subscribed()
    while True:
        name, arguments = questions.recv()
        try:
            answer = getattr(witness, name)(*arguments)
        except Exception:
            answer = Broken(traceback.format_exc())
        questions.send(answer)
