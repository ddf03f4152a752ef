"""A cap, and the period it holds for. Periods begin and end in UTC."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

DAY = 24 * 3600
KEPT_SECONDS = {"total": 40 * DAY, "day": 3 * DAY, "month": 40 * DAY}  # in Redis; the database knows for longer


@dataclass(frozen=True, slots=True)
class Budget:
    """One cap: `holder` is `key:<id>` or `user:<id>`, `cap` in micro-credits per `period`."""

    holder: str
    cap: int
    period: str  # "total", "day" or "month"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a budget's spending is counted: one holder in one period."""

    holder: str
    period: str
    stamp: str  # "total", "20261122" or "202611"

    @property
    def key(self) -> str:
        """Its name in Redis, without the installation's prefix."""
        return f"budget:{self.holder}:{self.stamp}"

    @property
    def which(self) -> dict[str, Any]:
        """The daily sums that belong here, as a filter."""
        kind, _colon, number = self.holder.partition(":")
        found: dict[str, Any] = {f"{kind}_id": int(number)}
        if self.period == "day":
            found["day"] = datetime.strptime(self.stamp, "%Y%m%d").date()  # noqa: DTZ007 - a date has no zone
        elif self.period == "month":
            first = datetime.strptime(self.stamp, "%Y%m").date()  # noqa: DTZ007
            found |= {"day__gte": first, "day__lt": (first + timedelta(days=32)).replace(day=1)}
        return found

    def holds(self, at: float) -> bool:
        """Whether a call at `at` (Unix time) counts here."""
        return stamp(self.period, datetime.fromtimestamp(at, UTC)) == self.stamp


def place(budget: Budget, when: datetime | None = None) -> Place:
    """Where `budget` counts at `when`, or now."""
    return Place(budget.holder, budget.period, stamp(budget.period, when or timezone.now()))


def stamp(period: str, when: datetime) -> str:
    """The name of the period that `when` lies in."""
    if period == "total":
        return "total"
    return when.astimezone(UTC).strftime("%Y%m%d" if period == "day" else "%Y%m")


def ends(period: str, when: datetime | None = None) -> datetime | None:
    """When the period of `when`, or of now, is over; None when it never is."""
    today = (when or timezone.now()).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "day":
        return today + timedelta(days=1)
    if period == "month":
        return (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    return None
