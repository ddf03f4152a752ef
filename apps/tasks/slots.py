"""The slots of a worker process: how many runs it works on at once, on one loop.

A message of the broker is only a bell. Whoever hears it takes what is due in fair order, as much as there is room for,
and looks again whenever a run ends; so no thread stands waiting for a run, and no user's many runs stand before others.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Final

import structlog
from django.conf import settings
from django.db import DatabaseError

from apps.core.aio import in_thread
from apps.core.events.bell import tower, wait
from apps.core.per_loop import PerLoop
from apps.tasks import runner
from apps.tasks.services import claim_task
from apps.tasks.shares import FREED, next_tasks

log = structlog.get_logger("tasks")

MISSES: Final = 5  # looks of which others took everything
LISTEN_SECONDS: Final = 60.0


@dataclass
class Slots:
    """The slots for live runs, or those for trials."""

    live: bool
    working: set["asyncio.Task[None]"] = field(default_factory=set)
    looking: bool = False
    again: bool = False

    @property
    def free(self) -> int:
        """How many more runs may begin here."""
        slots: int = settings.TASK_SLOTS if self.live else settings.TRIAL_SLOTS
        return slots - len(self.working)

    async def fill(self) -> int:
        """Take what is due until the slots are full or nothing is left; returns how many were taken."""
        if self.looking:
            self.again = True
            return 0
        self.looking = True
        taken = 0
        misses = 0
        try:
            while True:
                self.again = False
                wanted, got = await self._take()
                taken += got
                misses += got < wanted  # others were faster; what stands behind that may be still to be had
                if not got and not self.again and (not wanted or misses >= MISSES):
                    return taken
        except DatabaseError:
            log.exception("slots.database_failed")  # the sweeper rings again
            return taken
        finally:
            self.looking = False

    async def _take(self) -> tuple[int, int]:
        """How many were wanted, and how many of them were to be had."""
        if self.free <= 0 or runner.is_stopping():
            return 0, 0
        taken = 0
        wanted = await in_thread(next_tasks)(self.free, live=self.live)
        for task_id in wanted:
            if runner.is_stopping():
                break
            task = await in_thread(claim_task)(task_id, owner=runner.OWNER)
            if task is not None:
                work = asyncio.create_task(runner.work_on(task, owner=runner.OWNER), name=f"task-{task.pk}")
                self.working.add(work)
                work.add_done_callback(self._ended)
                taken += 1
        return len(wanted), taken

    def _ended(self, work: "asyncio.Task[None]") -> None:
        self.working.discard(work)
        if not work.cancelled() and (crash := work.exception()) is not None:
            log.error("slots.crashed", exc_info=crash)
        if not runner.is_stopping():
            _soon(self)


_looks: set["asyncio.Task[int]"] = set()  # a loop keeps only weak references to its tasks


def _soon(slots: Slots) -> "asyncio.Task[int]":
    look = asyncio.get_running_loop().create_task(slots.fill())
    _looks.add(look)
    look.add_done_callback(_looks.discard)
    return look


@PerLoop
def _slots() -> tuple[Slots, Slots]:
    return Slots(live=True), Slots(live=False)


async def fill() -> int:
    """Take what is due, runs and trials; returns how many were taken."""
    return sum(await asyncio.gather(*map(_soon, _slots())))


async def listen() -> None:
    """Look whenever a place is told to be free, until the process stops. What was not heard, the sweeper tells."""
    while not runner.is_stopping():
        async with tower().waiting_for(FREED) as bell:
            await fill()
            await wait(bell, seconds=LISTEN_SECONDS)


async def idle() -> None:
    """Return when nothing is worked on here, and nobody looks for more."""
    while working := [work for slots in _slots() for work in slots.working] + list(_looks):
        await asyncio.wait(working)
