"""Values of steps as they are told: in full while they are small, else by what they begin with."""

import hashlib
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

LARGEST_TOLD: Final = 16 * 1024  # bytes of one value in an event
PREVIEW: Final = 500  # characters


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """How long something took, to the millisecond; None while it is not over."""
    return round((end - start).total_seconds(), 3) if start and end else None


def href_of(trial: Any, side: str, step: str = "") -> str:
    """Where one value is read whole: the `input` or `output` of a step, or of the trial itself."""
    return f"/api/v1/admin/trials/{trial}/value?{urlencode({'side': side, **({'step': step} if step else {})})}"


def told(value: Any, href: str = "") -> Any:
    """`value`, or its size, hash and beginning when it is more than an event should carry.

    What is stored as a file already names its file; what is cut here names none. Either says under `href` where the
    whole is read; a field of the value that is stored says so for itself.
    """
    if value is None:
        return value
    if _is_stored(value):
        return {**value, "href": href}
    written = msgspec.json.encode(value)
    if len(written) <= LARGEST_TOLD:
        return _with_links(value, href)
    preview = written[: PREVIEW * 4].decode(errors="ignore")[:PREVIEW]
    sha256 = hashlib.sha256(written).hexdigest()
    return {"$file": "", "bytes": len(written), "sha256": sha256, "preview": preview, "href": href}


def _with_links(value: Any, href: str) -> Any:
    if not isinstance(value, dict) or not any(map(_is_stored, value.values())):
        return value
    links = {name: f"{href}&{urlencode({'field': name})}" for name, inner in value.items() if _is_stored(inner)}
    return {name: {**inner, "href": links[name]} if name in links else inner for name, inner in value.items()}


def _is_stored(value: Any) -> bool:
    return isinstance(value, dict) and "$file" in value and "sha256" in value
