"""Keeps the leases of all tasks that this process works on.

A thread does it: a loop that computes for long would let leases lapse while the work goes on. One statement renews all.
"""

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from apps.tasks.models import Status, Task

log = structlog.get_logger("tasks")


@dataclass(frozen=True)
class Held:
    """A claim, and what to do when it turns out to be another's."""

    task: Task
    owner: str
    lost: Callable[[], object]


class Heartbeat:
    """The leases of one process."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, int], Held] = {}
        self._lock = threading.Lock()
        self._some = threading.Event()
        self._thread: threading.Thread | None = None

    def hold(self, task: Task, *, owner: str, lost: Callable[[], object]) -> None:
        """Renew the task's lease from now on; call `lost`, from the thread, when it is no longer this claim's."""
        with self._lock:
            self._held[str(task.pk), task.fencing_token] = Held(task, owner, lost)
            self._some.set()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
                self._thread.start()

    def drop(self, task: Task) -> None:
        """Let the lease be."""
        with self._lock:
            self._held.pop((str(task.pk), task.fencing_token), None)
            if not self._held:
                self._some.clear()

    def beat(self) -> None:
        """Renew all leases once. Raises `DatabaseError`."""
        with self._lock:
            held = dict(self._held)
        owners: defaultdict[str, list[str]] = defaultdict(list)
        for one in held.values():
            owners[one.owner].append(str(one.task.pk))
        until = timezone.now() + timedelta(seconds=settings.TASK_LEASE_SECONDS)
        for owner, ids in owners.items():
            running = Task.objects.filter(pk__in=ids, status=Status.RUNNING, lease_owner=owner)
            running.filter(lease_until__lt=until).update(lease_until=until)
        ours = Task.objects.filter(pk__in=[one.task.pk for one in held.values()], status=Status.RUNNING)
        alive = {(str(pk), token) for pk, token in ours.values_list("pk", "fencing_token")}
        for key, one in held.items():
            if key not in alive:
                one.lost()

    def _run(self) -> None:
        while True:
            self._some.wait()
            PAUSE.wait(settings.TASK_RENEW_SECONDS)
            if not self._some.is_set():
                continue
            close_old_connections()
            try:
                self.beat()
            except DatabaseError:
                log.warning("heartbeat.database_failed")  # nothing can be written under the lease either
            except Exception:
                log.exception("heartbeat.crashed")
            finally:
                close_old_connections()


PAUSE: Final = threading.Event()  # never set; its wait is the pause between two beats
heartbeat: Final = Heartbeat()
