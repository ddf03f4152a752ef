"""Values of steps as they are told: in full while they are small, else by what they begin with."""

import hashlib
from datetime import datetime
from typing import Any, Final

import msgspec

LARGEST_TOLD: Final = 16 * 1024  # bytes of one value in an event
PREVIEW: Final = 500  # characters


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """How long something took, to the millisecond; None while it is not over."""
    return round((end - start).total_seconds(), 3) if start and end else None


def told(value: Any) -> Any:
    """`value`, or its size, hash and beginning when it is more than an event should carry.

    What is stored as a file already is told as it stands: it names its file. What is cut here names none.
    """
    if value is None or _is_stored(value):
        return value
    written = msgspec.json.encode(value)
    if len(written) <= LARGEST_TOLD:
        return value
    preview = written[: PREVIEW * 4].decode(errors="ignore")[:PREVIEW]
    return {"$file": "", "bytes": len(written), "sha256": hashlib.sha256(written).hexdigest(), "preview": preview}


def _is_stored(value: Any) -> bool:
    return isinstance(value, dict) and "$file" in value
