"""Transactions that lost a race for locks are run again, whole."""

import functools
import random
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import structlog
from django.db import OperationalError, connection

log = structlog.get_logger("core")

P = ParamSpec("P")
T = TypeVar("T")

TRIES = 3
PAUSE_SECONDS = 0.05
# MySQL and MariaDB: deadlock found, lock wait timed out. The server has rolled the transaction back.
CONFLICTS = frozenset({1213, 1205})


def retry_on_conflict(function: Callable[P, T]) -> Callable[P, T]:
    """`function`, tried at most `TRIES` times when the database chose it as the victim of a deadlock.

    `function` must be one whole transaction. Inside a larger one it is not repeated: only the outermost can be.
    """

    @functools.wraps(function)
    def tried(*args: P.args, **kwargs: P.kwargs) -> T:
        for attempt in range(1, TRIES + 1):
            try:
                return function(*args, **kwargs)
            except OperationalError as exc:
                lost = bool(exc.args) and exc.args[0] in CONFLICTS
                if not lost or connection.in_atomic_block or attempt == TRIES:
                    raise
                log.warning("transaction.retried", function=function.__name__, attempt=attempt)
                time.sleep(random.uniform(0, PAUSE_SECONDS * attempt))  # noqa: S311 - jitter
        raise AssertionError("unreachable")

    return tried
