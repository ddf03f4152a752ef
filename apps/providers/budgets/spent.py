"""What a budget has spent, where Redis does not know: from the daily sums and the records on their way to them."""

import uuid

from apps.core import redis
from apps.core.single_flight import SingleFlight
from apps.providers.budgets import scripts
from apps.providers.budgets.caps import KEPT_SECONDS, Place
from apps.providers.usage import stream
from apps.providers.usage.ledger import total_cost, written_among
from apps.providers.usage.records import FOUND, UsageRecord

TRIES = 5

_flights: SingleFlight[None] = SingleFlight()


def seed(where: Place) -> None:
    """Fill `where` in, unless somebody else just did. Raises `RedisError` or `DatabaseError`."""
    _flights.run(where.key, lambda: _seed(where))


def _seed(where: Place) -> None:
    given = [uuid.uuid4().hex, spent_so_far(where), KEPT_SECONDS[where.period]]
    scripts.SEED.run(redis.client(), [redis.key(where.key)], given)


def spent_so_far(where: Place) -> int:
    """Micro-credits, counting every record that has left its process.

    Records move from the stream to the sums meanwhile: it looks until the sums stood still, and after some tries takes
    what may count a few of them twice, never what leaves one out.
    """
    total, after = 0, total_cost(**where.which)
    for _attempt in range(TRIES):
        before = after
        waiting = {number: entry for number, entry in stream.unwritten() if _counts_at(where, entry)}
        written = written_among(list(waiting))
        after = total_cost(**where.which)
        total = after + sum(_cost(entry) for number, entry in waiting.items() if number not in written)
        if before == after:
            break
    return max(total, 0)


def _counts_at(where: Place, entry: UsageRecord) -> bool:
    kind, _colon, number = where.holder.partition(":")
    holder = entry.user_id if kind == "user" else entry.key_id
    return holder == int(number) and where.holds(entry.at)


def _cost(entry: UsageRecord) -> int:
    return -(entry.cost or 0) if entry.status == FOUND else entry.cost or 0
