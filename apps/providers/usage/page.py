"""The admin's page of what models were used for: cost by day, by model, key, user and feature."""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.permissions import allows, needs
from apps.providers.usage import report
from apps.providers.usage.report import Line

MICRO = 1_000_000
SPANS = (7, 30, 90)  # days
TOP = 10
TABLES = {
    "model": gettext_lazy("By model"),
    "feature": gettext_lazy("By feature"),
    "key": gettext_lazy("By API key"),
    "user": gettext_lazy("By user"),
}


@dataclass(frozen=True)
class Row:
    """A line of a table: its words, and how long its bar is."""

    line: Line
    name: str
    share: int  # percent of the largest

    @property
    def credits(self) -> str:
        return in_credits(self.line.cost)

    @property
    def failed(self) -> str:
        return percent(self.line.failed, self.line.calls)


@needs("usage:read")
def usage_view(request: HttpRequest) -> HttpResponse:
    """For whoever may read usage; `days` is one of the spans."""
    if not allows(request.user, "usage:read"):
        raise PermissionDenied
    span = _span(request.GET.get("days", ""))
    until = timezone.now().date()
    since = until - timedelta(days=span - 1)
    rows = report.days(since, until)
    total = report.total(rows)
    context = {
        **admin.site.each_context(request),
        "title": _("Use of models"),
        "span": span,
        "spans": SPANS,
        "since": since,
        "until": until,
        "total": total,
        "credits": in_credits(total.cost),
        "failed": percent(total.failed, total.calls),
        "tokens": f"{total.input_tokens:,} / {total.output_tokens:,}",
        "chart": json.dumps(_chart(report.lines(rows, "day"), since, until)) if total.calls else "",
        "days": [(line, in_credits(line.cost)) for line in report.lines(rows, "day")] if total.calls else [],
        "tables": [(group, title, _rows(report.lines(rows, group))) for group, title in TABLES.items()]
        if total.calls
        else [],
    }
    return render(request, "admin/usage/models.html", context)


def _span(text: str) -> int:
    return int(text) if text.isdigit() and len(text) < 4 and int(text) in SPANS else SPANS[1]


def _rows(lines: list[Line]) -> list[Row]:
    """The costliest; where nothing cost anything, the bars show calls."""
    top = lines[:TOP]
    measure = "cost" if any(line.cost for line in top) else "calls"
    largest = max((getattr(line, measure) for line in top), default=0) or 1
    return [Row(line, line.name or _("(none)"), round(100 * max(getattr(line, measure), 0) / largest)) for line in top]


def _chart(lines: list[Line], since: date, until: date) -> dict[str, Any]:
    """Credits by day, also for the days on which nothing was asked."""
    cost = {line.name: line.cost / MICRO for line in lines}
    every = [since + timedelta(days=n) for n in range((until - since).days + 1)]
    return {
        "labels": [date_format(day, "MONTH_DAY_FORMAT") for day in every],
        "datasets": [
            {
                "label": _("credits"),
                "data": [round(cost.get(day.isoformat(), 0), 4) for day in every],
                "backgroundColor": "var(--color-primary-600)",
                "maxBarThickness": 28,
            }
        ],
    }


def in_credits(micro: int) -> str:
    """Micro-credits as credits: two digits, four where that would be nothing."""
    return f"{micro / MICRO:,.2f}" if abs(micro) >= MICRO / 100 or not micro else f"{micro / MICRO:,.4f}"


def percent(part: int, whole: int) -> str:
    """A share in words for a table."""
    return f"{100 * part / whole:.1f} %" if whole else "—"


urlpatterns = [path("admin/usage/", admin.site.admin_view(usage_view), name="usage")]
