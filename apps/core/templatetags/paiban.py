"""Template filters of the CMS screens."""

import json
from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils.translation import gettext as _

from apps.core.moments import moment
from apps.core.notices import Notice, notices
from apps.core.status.degradation import Degradation, degradations

register = template.Library()


@register.simple_tag(takes_context=True)
def admin_notices(context: template.Context) -> list[Notice]:
    """What every page of the admin has to say now."""
    request = context.get("request")
    return notices(request) if request is not None and request.user.is_authenticated else []


@register.simple_tag
def degraded() -> list[Degradation]:
    """What is degraded just now, for the banner."""
    return degradations()


register.filter("moment", moment)


@register.filter
def at_second(seconds: float) -> datetime:
    """A stamp in seconds since 1970 as a time."""
    return datetime.fromtimestamp(seconds, UTC)


@register.filter
def as_text(value: Any) -> str:
    """A released value for a person: plain text as it is, the rest as indented JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


@register.filter
def as_duration(milliseconds: float | None, nothing: str = "—") -> str:
    """How long something took, for a person: `320 ms`, `4.2 s`, `3 min 5 s`."""
    if milliseconds is None:
        return nothing
    if milliseconds < 1_000:
        return _("%(count)s ms") % {"count": round(milliseconds)}
    if milliseconds < 60_000:
        return _("%(count)s s") % {"count": f"{milliseconds / 1_000:.1f}"}
    minutes, seconds = divmod(round(milliseconds / 1_000), 60)
    return _("%(minutes)s min %(seconds)s s") % {"minutes": minutes, "seconds": seconds}
