"""A point in time for the pages of the CMS: in UTC as it is sent, in the reader's own zone once it is seen."""

from datetime import UTC, datetime
from typing import Final, Literal

from django.utils.html import format_html
from django.utils.safestring import SafeString

Shape = Literal["", "seconds", "clock", "exact"]
_SHAPES: Final[dict[Shape, str]] = {
    "": "%Y-%m-%d %H:%M",
    "seconds": "%Y-%m-%d %H:%M:%S",
    "clock": "%H:%M:%S",
    "exact": "%H:%M:%S.%f",
}


def moment(at: datetime | None, shape: Shape = "") -> SafeString:
    """A `<time>` that `admin.js` renews in the reader's zone and language; a dash for no time at all."""
    if at is None:
        return format_html("{}", "—")
    shown = at.astimezone(UTC).strftime(_SHAPES[shape])
    shown = shown[:-3] if shape == "exact" else shown
    return format_html('<time datetime="{}" data-local="{}">{} UTC</time>', at.isoformat(), shape, shown)
