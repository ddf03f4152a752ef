"""Values of steps: as plain JSON, and how much of them there is."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from apps.pipelines.nodes.errors import ValueTooLarge

T = TypeVar("T")

MOST: Final = 1_000_000  # characters and values that one step works on
DEEPEST: Final = 100  # levels of nesting; what is deeper would exhaust the stack of whoever walks it
LONG: Final = 20_000  # what is more is worked on in a thread: on the loop it would hold up every other run


def plain(value: Any) -> Any:
    """`value` made of dicts and lists that the caller may change and JSON can hold; inputs are read-only."""
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


def weight(value: Any, *, most: int = MOST) -> int:
    """How many values and characters `value` has; stops counting beyond `most`. Without recursion."""
    found, level, depth = 0, [value], 0
    while level and found <= most and depth <= DEEPEST:
        found += sum(1 + (len(one) if isinstance(one, str) else 0) for one in level)
        level = [inner for one in level for inner in _inner(one)]
        depth += 1
    return found if depth <= DEEPEST else most + 1


def _inner(value: Any) -> Any:
    if isinstance(value, Mapping):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list | tuple) else ()


def check_weight(value: Any, *, most: int = MOST) -> int:
    """The weight of `value`. Raises `ValueTooLarge`."""
    found = weight(value, most=most)
    if found > most:
        raise ValueTooLarge(most=most)
    return found


async def worked(work: Callable[[], T], *, apart: bool) -> T:
    """What `work` gives; `apart`: from a thread, so that the loop goes on meanwhile. `work` has to end by itself."""
    return await asyncio.to_thread(work) if apart else work()
