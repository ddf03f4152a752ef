"""Work that comes due by the clock: registered by the apps, carried out by the dispatcher, in the database alone."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from django.db import DatabaseError

log = structlog.get_logger("core")


@dataclass
class Timer:
    """`work` runs about every `seconds`. Several dispatchers may run it at once: it claims what it does."""

    name: str
    seconds: float
    work: Callable[[], object]
    due: float = 0.0


timers: dict[str, Timer] = {}


def register(name: str, *, seconds: float, work: Callable[[], object]) -> None:
    """Add a timer; apps do this in `AppConfig.ready()`."""
    timers[name] = Timer(name, seconds, work)


def run_due() -> None:
    """Run every timer whose time has come. One that crashes is logged, and the others go on.

    Raises `DatabaseError` when the database is away: nothing else will work either.
    """
    for timer in timers.values():
        if time.monotonic() < timer.due:
            continue
        timer.due = time.monotonic() + timer.seconds
        try:
            timer.work()
        except DatabaseError:
            raise
        except Exception:
            log.exception("timer.crashed", timer=timer.name)
