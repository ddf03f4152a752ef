"""Named places where a process can be made to die at once, so that tests see what survives.

A module declares its places when it is imported, and passes through them:

    POINTS = declare("tasks.claim.before_commit", "tasks.claim.after_commit")
    ...
    hit("tasks.claim.before_commit")

`PAIBAN_FAILPOINT=tasks.claim.before_commit:3` in the environment of a process ends it, without any cleaning up, when it
passes there for the third time. Without that variable `hit` compares with None and returns.
"""

import os
import re
import threading
from collections.abc import Mapping
from typing import Final

VARIABLE: Final = "PAIBAN_FAILPOINT"
EXIT_CODE: Final = 9  # what a killed process shows, too: tests tell it from an ordinary failure
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")

_declared: set[str] = set()


class Trap:
    """The end of this process at the `passes`th pass through `name`."""

    def __init__(self, name: str, passes: int = 1) -> None:
        self.name = name
        self._left = passes
        self._lock = threading.Lock()

    def spring(self, name: str) -> None:
        """Count a pass through `name`, and end the process when it was the last."""
        if name != self.name:
            return
        with self._lock:
            self._left -= 1
            if self._left == 0:
                os._exit(EXIT_CODE)


def trap_of(environment: Mapping[str, str]) -> Trap | None:
    """The trap that `PAIBAN_FAILPOINT` sets. Raises `ValueError` when it is not `name` or `name:n`, n from 1."""
    if not (told := environment.get(VARIABLE, "")):
        return None
    name, colon, passes = told.partition(":")
    counted = passes if colon else "1"
    if not _NAME.fullmatch(name) or not counted.isdecimal() or int(counted) < 1:
        raise ValueError(f"{VARIABLE} is {told!r}, not a failpoint's name, or its name, a colon and a number from 1")
    return Trap(name, int(counted))


def declare(*points: str) -> tuple[str, ...]:
    """Make `points` known; names are words in lower case with dots between them, and each is declared once."""
    for name in points:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a failpoint")
        if name in _declared:
            raise ValueError(f"the failpoint {name} is declared twice")
        _declared.add(name)
    return points


def names() -> tuple[str, ...]:
    """All failpoints that were declared so far, sorted; those of modules that nobody imported are missing."""
    return tuple(sorted(_declared))


def hit(name: str) -> None:
    """Pass through `name`: the process ends here when a trap says so."""
    if _trap is not None:
        _trap.spring(name)


# Read once: a process lives or dies by what it was started with, and passing through costs a comparison.
_trap = trap_of(os.environ)
