"""Group commit: what happens in a run is gathered for a moment and kept in one transaction.

Entries keep their order, so whoever waits for one of them knows that everything before it is kept, too. Work that can
be done again need not wait; whoever is about to change something outside waits for `commit`.
"""

import asyncio
import contextlib
from typing import Final

from apps.pipelines.engine.ports import Entry, Journal

LAZY_SECONDS: Final = 0.02  # nobody sees that an event is 20 ms old
SOON_SECONDS: Final = 0.002  # what happened outside is not left unwritten, but the next steps may ride along
MOST: Final = 64  # entries; a transaction stays short


class Abandoned(BaseException):
    """The journal refused to write: the run belongs to another worker, or the database is away.

    No `Exception`, so that no step takes it for a failure of its own; its cause says what it was.
    """


class Pen:
    """Writes entries in their order, one transaction at a time. After a refusal every method raises `Abandoned`."""

    def __init__(self, journal: Journal, *, grouped: bool = True) -> None:
        self._journal = journal
        self._grouped = grouped
        self._waiting: list[Entry] = []
        self._added = self._kept = 0
        self._flight: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._refusal: BaseException | None = None
        self.refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def add(self, *entries: Entry, soon: bool = False) -> None:
        """Have `entries` kept within `LAZY_SECONDS`, or `soon`."""
        self.check()
        self._waiting.extend(entries)
        self._added += len(entries)
        if len(self._waiting) >= MOST:
            self._start()
        else:
            self._start_in(SOON_SECONDS if soon else LAZY_SECONDS)

    async def commit(self) -> None:
        """Return when everything that was added until now is kept."""
        wanted = self._added
        while self._kept < wanted:
            self.check()
            await asyncio.wait([self._start()])
        self.check()

    async def each(self) -> None:
        """Where every entry is to have its own transaction: commit."""
        if not self._grouped:
            await self.commit()

    async def close(self) -> None:
        """Let a transaction that is under way end; what waits is not written."""
        self._stop_timer()
        self._waiting.clear()
        if self._flight is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([self._flight])
        self.refused.cancel()

    def check(self) -> None:
        """Raises `Abandoned` when the journal has refused to write."""
        if self._refusal is not None:
            raise Abandoned() from self._refusal

    def _start_in(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        if self._timer is None or self._timer.when() > due:
            self._stop_timer()
            self._timer = loop.call_at(due, self._start)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start(self) -> asyncio.Task[None]:
        """The transaction under way; begins one where there is none."""
        if self._flight is None:
            self._flight = asyncio.create_task(self._fly(), name="journal")
        return self._flight

    async def _fly(self) -> None:
        self._stop_timer()
        batch, self._waiting = self._waiting, []
        try:
            await self._journal.write(batch)
            self._kept += len(batch)
        except BaseException as exc:
            self._refusal = exc
            if not self.refused.done():
                self.refused.set_result(None)
        finally:
            self._flight = None
            if self._waiting and self._refusal is None:
                self._start_in(SOON_SECONDS)
