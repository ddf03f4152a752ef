"""Which prompts a prompt brings in, read from the texts without running them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from apps.core.errors import ApiError
from apps.prompts.includes import MAX_DEPTH
from apps.prompts.templates import includes_of

_TAGS = ("render", "include")


class Texts(Protocol):
    """What a reference stands for: a draft, or a version."""

    system: str
    body: str


LookUp = Callable[[Iterable[str]], Mapping[str, Texts]]


def with_included(references: Iterable[str], texts: Mapping[str, Texts]) -> frozenset[str]:
    """`references` and all that their texts bring in, however deep. Of an included prompt only the body counts."""
    given = frozenset(references)
    seen: set[str] = set()
    todo = list(given)
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        if text := texts.get(name):
            todo += [*named_in(text.body), *(named_in(text.system) if name in given else ())]
    return frozenset(seen)


def all_reached(references: Iterable[str], look_up: LookUp) -> dict[str, Texts]:
    """What `references` and all that is brought in stand for: one look-up for each level, and no more than may be."""
    found: dict[str, Texts] = {}
    wanted = set(references)
    for _level in range(MAX_DEPTH + 2):
        if not wanted:
            break
        level = look_up(wanted)
        found |= level
        wanted = {name for text in level.values() for name in named_in(text.system) | named_in(text.body)} - set(found)
    return found


def named_in(source: str) -> frozenset[str]:
    """The prompts that `render` and `include` tags name; none of a text that cannot be parsed."""
    if not any(tag in source for tag in _TAGS):
        return frozenset()
    try:
        return frozenset(include.key for include in includes_of(source))
    except ApiError:
        return frozenset()
