"""How a call counts in the sums of its day."""

import hashlib
import json
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC
from typing import Any, Final

from apps.providers.usage.models import BUCKETS, LATENCY_EDGES, UsageRow
from apps.providers.usage.records import FOUND

GROUPED: Final = ("user_id", "key_id", "feature", "endpoint", "model", "operation")
LATENCIES: Final = tuple(f"latency_{n}" for n in range(BUCKETS))
SUMS: Final = (
    "calls", "errors", "cut", "estimated", "unpriced",
    "input_tokens", "output_tokens", "cached_tokens", "cost", "total_ms", *LATENCIES,
)  # fmt: skip

Slot = tuple[Any, ...]  # the day, then what GROUPED names


def slot_of(row: UsageRow) -> Slot:
    """Where `row` counts."""
    return (row.at.astimezone(UTC).date(), *(getattr(row, name) for name in GROUPED))


def name_of(slot: Slot) -> str:
    """The slot's hash."""
    day, *rest = slot
    return hashlib.sha256(json.dumps([day.isoformat(), *rest]).encode()).hexdigest()


def counts_of(row: UsageRow) -> Counter[str]:
    """What `row` adds. A call that was found again takes back what it had added when it seemed lost."""
    if row.status == FOUND:
        return Counter({name: -count for name, count in _counts(row, failed=True).items()})
    return _counts(row, failed=row.status not in ("ok", "cut"))


def _counts(row: UsageRow, *, failed: bool) -> Counter[str]:
    found = Counter(
        calls=1,
        errors=int(failed),
        cut=int(row.status == "cut"),
        estimated=int(row.estimated),
        unpriced=int(row.cost is None),
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cached_tokens=row.cached_tokens,
        cost=row.cost or 0,
        total_ms=round(row.total_ms),
    )
    found[LATENCIES[bisect_left(LATENCY_EDGES, row.total_ms)]] += 1
    return found


def summed(rows: Iterable[UsageRow]) -> dict[Slot, Counter[str]]:
    """The sums of `rows` by slot."""
    found: dict[Slot, Counter[str]] = defaultdict(Counter)
    for row in rows:
        found[slot_of(row)].update(counts_of(row))
    return found
