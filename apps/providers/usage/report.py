"""Usage as people ask for it: sums over a span of days, by one of several groups."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db.models import QuerySet, Sum

from apps.accounts.models import ApiKey, User
from apps.providers.usage.models import LATENCY_EDGES, UsageDay
from apps.providers.usage.sums import LATENCIES, SUMS

# What one may group by, and the column behind it.
GROUPS: Final = {
    "day": "day",
    "model": "model",
    "endpoint": "endpoint",
    "feature": "feature",
    "operation": "operation",
    "key": "key_id",
    "user": "user_id",
}
MOST_LINES = 1_000  # the costliest; who wants more narrows the span


@dataclass(frozen=True)
class Line:
    """The sums of one group. `id` is the number of a user or key, `name` what to call it; empty for none."""

    name: str
    id: int | None
    calls: int = 0
    failed: int = 0
    cut: int = 0
    estimated: int = 0
    unpriced: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost: int = 0
    mean_ms: int | None = None
    p50_ms: int | None = None
    p95_ms: int | None = None


FIELDS: Final = tuple(Line.__dataclass_fields__)


def days(since: date, until: date, *, user_id: int | None = None) -> "QuerySet[UsageDay]":
    """The daily sums from `since` to `until`, both included; one user's alone, or everybody's."""
    found = UsageDay.objects.filter(day__gte=since, day__lte=until)
    return found if user_id is None else found.filter(user_id=user_id)


def total(rows: "QuerySet[UsageDay]") -> Line:
    """Everything in one line."""
    return _line("", None, rows.aggregate(**{name: Sum(name) for name in SUMS}))


def lines(rows: "QuerySet[UsageDay]", group: str) -> list[Line]:
    """One line for each of `group`, the costliest first; by day, in order. At most two queries."""
    column = GROUPS[group]
    sums = {f"sum_{name}": Sum(name) for name in SUMS}  # under the columns' own names they would be aggregates of them
    order = [column] if group == "day" else ["-sum_cost", "-sum_calls", column]
    found = list(rows.values(column).annotate(**sums).order_by(*order)[:MOST_LINES])
    names = _names(group, [row[column] for row in found])
    numbered = group in ("key", "user")
    return [
        _line(
            names.get(row[column], str(row[column] or "")),
            row[column] or None if numbered else None,
            {name: row[f"sum_{name}"] for name in SUMS},
        )
        for row in found
    ]


def _names(group: str, values: Sequence[Any]) -> dict[Any, str]:
    if group == "user":
        return dict(User.objects.filter(pk__in=values).values_list("pk", "username"))
    if group == "key":
        return {key.pk: str(key) for key in ApiKey.objects.filter(pk__in=values)}
    return {}


def _line(name: str, number: int | None, sums: dict[str, int | None]) -> Line:
    counts = {key: value or 0 for key, value in sums.items()}
    buckets = [counts[name] for name in LATENCIES]
    return Line(
        name=name,
        id=number,
        mean_ms=round(counts["total_ms"] / counts["calls"]) if counts["calls"] else None,
        p50_ms=percentile(buckets, 0.5),
        p95_ms=percentile(buckets, 0.95),
        failed=counts["errors"],
        **{key: counts[key] for key in FIELDS if key in counts},
    )


def percentile(buckets: Iterable[int], share: float) -> int | None:
    """About the time within which `share` of the calls ended, by a straight line through its bucket.

    Calls slower than the last edge count as twice that edge at most.
    """
    counts = list(buckets)
    wanted, before = share * sum(counts), 0
    edges = (0, *LATENCY_EDGES, 2 * LATENCY_EDGES[-1])
    for index, count in enumerate(counts):
        if count and before + count >= wanted:
            low, high = edges[index], edges[index + 1]
            return round(low + (high - low) * (wanted - before) / count)
        before += count
    return None
