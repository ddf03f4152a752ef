"""A diff as lines for a terminal."""

from collections.abc import Iterator, Sequence
from typing import Any

from apps.core.commands import visible
from apps.core.publishing.canonical import canonical_json
from apps.core.publishing.diff import Change

MAX_VALUE = 120  # characters of a value; the whole of it stands in the JSON
_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def diff_text(changes: Sequence[Change]) -> list[str]:
    """One line for each change, and below a changed text its lines."""
    return [line for change in changes for line in _lines(change)]


def _lines(change: Change) -> Iterator[str]:
    sign = _SIGNS[change.kind]
    if change.lines:
        yield visible(f"{sign} {change.path}")
        yield from (visible(f"    {line}") for line in change.lines)
    elif change.kind == "changed":
        yield visible(f"{sign} {change.path}: {_short(change.old)} -> {_short(change.new)}")
    else:
        yield visible(f"{sign} {change.path}: {_short(change.new if change.kind == 'added' else change.old)}")


def _short(value: Any) -> str:
    text = canonical_json(value)
    return text if len(text) <= MAX_VALUE else f"{text[: MAX_VALUE - 1]}…"
