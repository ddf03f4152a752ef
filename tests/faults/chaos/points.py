"""Death at every failpoint: which process passes there, and what makes it come by."""

import importlib
import signal
import time
from collections.abc import Collection
from typing import Final

from apps.core.failpoints import EXIT_CODE, VARIABLE, names
from tests.faults.chaos.plan import Death
from tests.faults.chaos.processes import WORKERS, Fleet

HIT_SECONDS: Final = 90.0
# Modules with failpoints that nothing else of this program imports.
MODULES: Final = ("apps.tasks.jobs", "apps.tasks.services", "apps.core.outbox.services", "apps.quotas.services")
# By the beginning of the name, the longest first; whatever is not here happens in a worker.
PROCESSES: Final = {
    "outbox.enqueue": "web",
    "outbox.dispatch": "dispatcher",
    "quotas.account": "web",
    "quotas.grant": "web",
    "quotas.hold": "web",
    "tasks.create": "web",
    "tasks.cancel": "web",
    "tasks.answer": "web",
    "tasks.sweep": "dispatcher",
    "tasks.wake": "dispatcher",
}


def all_points() -> list[str]:
    """Every failpoint that a run of a feature can pass."""
    for module in MODULES:
        importlib.import_module(module)
    return [name for name in names() if name.startswith(("tasks.", "outbox.", "quotas.", "pipelines."))]


def process_of(point: str) -> str:
    """The process that passes `point`."""
    return next((name for beginning, name in PROCESSES.items() if point.startswith(beginning)), WORKERS[0])


def die_at(point: str, fleet: Fleet) -> tuple[bool, list[Death]]:
    """Whether the process died at `point`, and every death that this took. It runs again when this returns."""
    victim = process_of(point)
    # The sweeper has something to do only while nobody takes what is due: without any worker.
    away = WORKERS if point.startswith("tasks.sweep") else ()
    deaths = [Death(name, time.time()) for name in (victim, *away)]
    for name in (victim, *away):
        fleet.kill(name)
    fleet.start(victim, **{VARIABLE: point})
    hit = _await_death(point, victim, fleet, away) == EXIT_CODE
    deaths.append(Death(victim, time.time()))
    if not hit:
        fleet.kill(victim)
    for name in (victim, *away):
        fleet.start(name)
    if victim == "web":
        fleet.await_web()
    return hit, deaths


def _await_death(point: str, victim: str, fleet: Fleet, away: Collection[str]) -> int | None:
    """How `victim` ended, or None when it still runs after all this time."""
    began, asked = time.monotonic(), False
    while (code := fleet.exit_code(victim)) is None and time.monotonic() - began < HIT_SECONDS:
        if point.startswith("tasks.hand_back") and not asked and fleet.has_work(victim):
            fleet.signal(victim, signal.SIGTERM)
            asked = True
        fleet.tend(but=(victim, *away))
        time.sleep(0.05)
    return code
