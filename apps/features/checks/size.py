"""A release fits into memory, many times."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.utils.translation import gettext as _

from apps.core.publishing.canonical import canonical_json
from apps.core.publishing.registry import Problem

MAX_BYTES: Final = 2_000_000  # every process keeps many releases in memory
MAX_DEPTH: Final = 100  # Python gives up at a thousand calls, of which each level may take several


def small_enough(payload: dict[str, Any]) -> Iterator[Problem]:
    """No more canonical bytes than a release may have, and nothing nested so deep that walking it fails."""
    if _is_too_deep(payload):
        words = _("Something in it is nested more than %(max)s deep.") % {"max": MAX_DEPTH}
        yield Problem("E_TOO_DEEP", "/", words)
        return
    size = len(canonical_json(payload).encode())
    if size > MAX_BYTES:
        words = _("With everything it needs the feature is %(size)s bytes large; %(max)s are the most.")
        yield Problem("E_TOO_LARGE", "/", words % {"size": size, "max": MAX_BYTES})


def _is_too_deep(value: Any) -> bool:
    """Level by level, so that no depth can hurt."""
    level = [value]
    for _step in range(MAX_DEPTH):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return False
    return True


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
