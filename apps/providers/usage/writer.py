"""From the call to the stream in Redis, without the call waiting for it."""

import structlog
from redis.exceptions import RedisError

from apps.core.batches import Batches
from apps.providers.usage import stream
from apps.providers.usage.records import Numbered, UsageRecord, numbered

log = structlog.get_logger("providers")

PAUSE_SECONDS = 0.02  # what a kill -9 of a process may cost of its records
BATCH = 200
MOST = 100_000  # some hundred bytes each


async def record(entry: UsageRecord) -> None:
    """Have `entry` written; costs no query and no round trip. It is in Redis some 20 ms later.

    While Redis is away it goes straight to the database; while that is away, too, it waits in memory.
    """
    _waiting.add(numbered(entry))


def flush() -> None:
    """Write what waits, now and in this thread."""
    _waiting.flush()


def _deliver(batch: list[Numbered]) -> None:
    try:
        stream.append(batch)
    except RedisError:
        from apps.providers.usage.ledger import write  # models are not loaded yet when this module is

        # What did reach Redis, though its answer did not come back, is told by its number.
        written = write(batch)
        log.warning("usage.written_without_redis", count=written)


_waiting: Batches[Numbered] = Batches("usage", _deliver, pause=PAUSE_SECONDS, size=BATCH, most=MOST)
