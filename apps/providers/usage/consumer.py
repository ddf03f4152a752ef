"""From the stream in Redis to the database, by the dispatcher's clock."""

import structlog
from django.db import DataError
from redis.exceptions import RedisError

from apps.providers.usage import stream
from apps.providers.usage.ledger import write

log = structlog.get_logger("providers")

UNWRITABLE = (DataError, ValueError, OverflowError)  # now and for ever, whoever tries
ROUNDS = 25  # in one go, so that a backlog does not keep the dispatcher from its other work


def write_pending() -> int:
    """Write what has come in; how many rows. Does nothing while Redis is away.

    A dispatcher that dies between the commit and the acknowledgement costs nothing: the next one reads the entry again
    and finds its rows there. Raises `DatabaseError` when the database is away.
    """
    written = 0
    try:
        for _round in range(ROUNDS):
            entries = stream.take()
            if not entries:
                break
            written += _written(entries)
            stream.done(entries)
    except RedisError:
        log.warning("usage.stream_unreachable")
    return written


def _written(entries: list[stream.Entry]) -> int:
    """All of `entries` in one transaction, or each by itself when one of them stands in the way."""
    try:
        return write(record for entry in entries for record in entry.batch or ()) + _refused(entries)
    except UNWRITABLE:
        return sum(map(_written_alone, entries))


def _refused(entries: list[stream.Entry]) -> int:
    for entry in entries:
        if entry.batch is None:
            stream.refuse(entry)
    return 0


def _written_alone(entry: stream.Entry) -> int:
    try:
        return write(entry.batch or ()) + _refused([entry])
    except UNWRITABLE:
        stream.refuse(entry)
        return 0
