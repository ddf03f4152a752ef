"""The admin's page of what models were used for: cost by day, by model, key, user and feature."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
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
from apps.providers.usage.api import LONGEST_DAYS
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
class Asked:
    """The days to show; `days` is one of the spans, 0 for days of one's own."""

    days: int
    since: date
    until: date
    problem: str = ""


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
    """For whoever may read usage; `days` is one of the spans, or `from` and `to` are its first and last day."""
    if not allows(request.user, "usage:read"):
        raise PermissionDenied
    asked = _asked(request.GET)
    span, since, until = asked.days, asked.since, asked.until
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
        "problem": asked.problem,
        "tokens": f"{short(total.input_tokens)} / {short(total.output_tokens)}",
        "every_token": f"{total.input_tokens:,} / {total.output_tokens:,}",
        "chart": json.dumps(_chart(report.lines(rows, "day"), since, until)) if total.calls else "",
        "days": [(line, in_credits(line.cost)) for line in report.lines(rows, "day")] if total.calls else [],
        "tables": [_table(group, title, report.lines(rows, group)) for group, title in TABLES.items()]
        if total.calls
        else [],
    }
    return render(request, "admin/usage/models.html", context)


def _asked(given: Mapping[str, str]) -> Asked:
    """Days of one's own when they are named; where they make no sense, the usual ones and what is wrong."""
    today = timezone.now().date()
    text = given.get("days", "")
    span = int(text) if text.isdigit() and len(text) < 4 and int(text) in SPANS else SPANS[1]
    usual = Asked(span, today - timedelta(days=span - 1), today)
    if not (given.get("from") or given.get("to")):
        return usual
    since, until = _day(given.get("from", "")), _day(given.get("to", ""))
    if since and until and timedelta() <= until - since < timedelta(days=LONGEST_DAYS):
        return Asked(0, since, until)
    return replace(usual, problem=_("Name a first day and a last one, %(days)s days at most.") % {"days": LONGEST_DAYS})


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _table(group: str, title: Any, lines: list[Line]) -> dict[str, Any]:
    return {"group": group, "title": title, "rows": _rows(lines), "more": max(0, len(lines) - TOP)}


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
                "borderRadius": 3,
                "displayYAxis": True,  # as the next, read by the theme's chart
                "maxTicksXLimit": 10,
            }
        ],
    }


def in_credits(micro: int) -> str:
    """Micro-credits as credits: two digits, four where that would be nothing."""
    return f"{micro / MICRO:,.2f}" if abs(micro) >= MICRO / 100 or not micro else f"{micro / MICRO:,.4f}"


def short(count: int) -> str:
    """A large count for a tile: 950, 12.3 k, 15.6 M."""
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**4, "k")):
        if count >= size:
            return f"{count / (1_000 if unit == 'k' else size):.1f} {unit}"
    return f"{count:,}"


def percent(part: int, whole: int) -> str:
    """A share in words for a table."""
    return f"{100 * part / whole:.1f} %" if whole else "—"


urlpatterns = [path("admin/usage/", admin.site.admin_view(usage_view), name="usage")]
