"""The event log of a task: appended in the transaction of what it reports, read by number."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F

from apps.core.aio import in_thread
from apps.core.events.bell import ring, tower, wait
from apps.tasks.models import TERMINAL, Event, Task, TaskQuerySet

LOOK_SECONDS = 2.0  # bells may be lost, so readers also look by themselves
BATCH = 200
ENDINGS = frozenset(status.value for status in TERMINAL)


@dataclass(frozen=True)
class Frame:
    """An event as every channel sends it."""

    seq: int
    type: str
    task: str
    at: str
    data: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return {"seq": self.seq, "type": self.type, "task": self.task, "at": self.at, "data": self.data}

    @property
    def is_ending(self) -> bool:
        return self.type in ENDINGS


def append(task: Task, rows: TaskQuerySet, kind: str, data: dict[str, Any], **changes: object) -> bool:
    """Append one event and write `changes` to the task, if `rows` (the task under a condition) still matches.

    Call it inside a transaction. False when the condition no longer holds; nothing is written then.
    """
    if not advance(task, rows, **changes):
        return False
    log(task, kind, data)
    return True


def advance(task: Task, rows: TaskQuerySet, **changes: object) -> bool:
    """Take the next number and lock the task's row, if `rows` still matches; the first write of a transaction.

    Rows that refer to the task come after it: the other order makes two writers wait for each other on MySQL.
    """
    return bool(rows.filter(pk=task.pk).update(event_seq=F("event_seq") + 1, **changes))


def log(task: Task, kind: str, data: dict[str, Any]) -> None:
    """Write the row for the number that was just taken, and ring after commit."""
    seq = Task.objects.values_list("event_seq", flat=True).get(pk=task.pk)
    Event.objects.create(task=task, seq=seq, type=kind, data=data, ending=1 if kind in ENDINGS else None)
    task_topic, user_topic = topic(task.pk), f"user:{task.user_id}"

    def bells() -> None:
        ring(task_topic)
        ring(user_topic)

    transaction.on_commit(bells)


def topic(task_id: Any) -> str:
    """The bell of one task."""
    return f"task:{task_id}"


def read_after(task_id: Any, seq: int) -> list[Frame]:
    """At most `BATCH` events after `seq`, in order. One query."""
    rows = Event.objects.filter(task_id=task_id, seq__gt=seq).order_by("seq")[:BATCH]
    return [Frame(row.seq, row.type, str(task_id), row.at.isoformat(), row.data) for row in rows]


async def follow(task_id: Any, *, after: int) -> AsyncIterator[Frame | None]:
    """Every event after `after`, in order, none twice, until the task ends; None now and then while nothing happens."""
    last = after
    async with tower().waiting_for(topic(task_id)) as bell:  # before the backlog, so that nothing falls in between
        while True:
            frames = await in_thread(read_after)(task_id, last)
            for frame in frames:
                last = frame.seq
                yield frame
                if frame.is_ending:
                    return
            if not frames:
                yield None
                await wait(bell, seconds=LOOK_SECONDS)
