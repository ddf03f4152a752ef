"""Rows and daily sums, written together and once."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Min, Sum
from django.utils import timezone

from apps.core.transactions import retry_on_conflict
from apps.providers.usage.models import UsageDay, UsageRow
from apps.providers.usage.records import Numbered, UsageRecord
from apps.providers.usage.sums import GROUPED, SUMS, Slot, name_of, summed

__all__ = ["Difference", "purge", "verify_usage", "write"]

log = structlog.get_logger("providers")

TRIES = 3
PURGED_AT_ONCE = 5_000  # rows; a transaction that others wait for stays short
LARGEST = 2**63 - 1


def write(batch: Iterable[Numbered]) -> int:
    """Write what was not written before; how many rows that made.

    Concurrency: two writers of the same record cannot both commit; the one that loses looks again.
    """
    rows = list({number: _row(number, entry) for number, entry in batch}.values())
    for attempt in range(TRIES):
        try:
            return _write(rows)
        except IntegrityError:
            if attempt == TRIES - 1:
                raise
    raise AssertionError("unreachable")


@retry_on_conflict
def _write(rows: list[UsageRow]) -> int:
    with transaction.atomic():
        written = set(UsageRow.objects.filter(number__in=[row.number for row in rows]).values_list("number", flat=True))
        fresh = [row for row in rows if row.number not in written]
        UsageRow.objects.bulk_create(fresh)
        sums = summed(fresh)
        for slot in sorted(sums, key=name_of):  # in one order everywhere: writers wait for each other, never in a ring
            _add(slot, sums[slot])
    return len(fresh)


def _add(slot: Slot, counts: Counter[str]) -> None:
    name, more = name_of(slot), {field: F(field) + count for field, count in counts.items()}
    if UsageDay.objects.filter(slot=name).update(**more):
        return
    day, *rest = slot
    try:
        with transaction.atomic():
            UsageDay.objects.create(slot=name, day=day, **dict(zip(GROUPED, rest, strict=True)), **counts)
    except IntegrityError:
        if not UsageDay.objects.filter(slot=name).update(**more):
            raise


def _row(number: str, entry: UsageRecord) -> UsageRow:
    """What the columns take, whatever an upstream said: a call that was made is written down."""
    return UsageRow(
        number=number,
        at=_moment(entry.at),
        request_id=entry.request_id[:64],
        operation=entry.operation[:16],
        user_id=entry.user_id or 0,
        key_id=entry.key_id or 0,
        feature=entry.feature[:64],
        step=entry.step[:160],
        endpoint=entry.endpoint[:64],
        model=entry.model[:120],
        stream=entry.stream,
        input_tokens=min(entry.input_tokens, LARGEST),
        output_tokens=min(entry.output_tokens, LARGEST),
        cached_tokens=min(entry.cached_tokens, LARGEST),
        estimated=entry.estimated,
        cost=None if entry.cost is None else min(entry.cost, LARGEST),
        first_ms=entry.first_ms,
        total_ms=entry.total_ms,
        attempts=min(entry.attempts, 1000),
        degraded=entry.degraded,
        status=entry.status[:32],
    )


def _moment(at: float) -> datetime:
    try:
        return datetime.fromtimestamp(at, UTC)
    except OSError as exc:  # so some systems say that no calendar has it
        raise ValueError(f"no time: {at}") from exc


def purge() -> int:
    """Delete rows that are older than the setting says; the daily sums stay. Returns how many."""
    before, deleted = timezone.now() - timedelta(days=settings.USAGE_ROW_DAYS), 0
    while old := list(UsageRow.objects.filter(at__lt=before).values_list("pk", flat=True)[:PURGED_AT_ONCE]):
        deleted += UsageRow.objects.filter(pk__in=old).delete()[0]
    if deleted:
        log.info("usage.purged", count=deleted)
    return deleted


@dataclass(frozen=True)
class Difference:
    """A daily sum that does not follow from the rows."""

    slot: Slot
    what: str
    summed: int
    stored: int


def verify_usage() -> list[Difference]:
    """Recompute the sums of every day whose rows are all still there; what differs is returned."""
    first = _first_whole_day()
    if first is None:
        return []
    rows = UsageRow.objects.filter(at__gte=datetime(first.year, first.month, first.day, tzinfo=UTC))
    expected = summed(rows.iterator(chunk_size=2_000))
    stored = {_slot(day): day for day in UsageDay.objects.filter(day__gte=first).iterator()}
    return [
        Difference(slot, what, expected.get(slot, Counter())[what], getattr(stored.get(slot), what, 0))
        for slot in sorted(expected.keys() | stored.keys(), key=name_of)
        for what in SUMS
        if expected.get(slot, Counter())[what] != getattr(stored.get(slot), what, 0)
    ]


def _slot(day: UsageDay) -> Slot:
    return (day.day, *(getattr(day, name) for name in GROUPED))


def _first_whole_day() -> date | None:
    """The first day of which no row can have been deleted."""
    oldest = UsageDay.objects.aggregate(first=Min("day"))["first"]
    kept = (timezone.now() - timedelta(days=settings.USAGE_ROW_DAYS)).date() + timedelta(days=1)
    return max(oldest, kept) if oldest else None


def total_cost(**which: Any) -> int:
    """Micro-credits of the daily sums that `which` filters."""
    return UsageDay.objects.filter(**which).aggregate(total=Sum("cost"))["total"] or 0


def written_among(numbers: list[str]) -> set[str]:
    """Which of these records have their row."""
    return set(UsageRow.objects.filter(number__in=numbers).values_list("number", flat=True))
