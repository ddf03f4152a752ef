"""A structural diff of two payloads, readable by a person and as JSON."""

import difflib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from apps.core.publishing.canonical import canonical_json

Kind = Literal["added", "removed", "changed"]
_IDENTITY = ("id", "key", "node", "name")


@dataclass(frozen=True)
class Change:
    """One difference. `path` is a JSON pointer in which list items that carry an id are named by it."""

    path: str
    kind: Kind
    old: Any = None
    new: Any = None
    lines: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def diff(old: Any, new: Any) -> list[Change]:
    """Every difference between `old` and `new`, in document order."""
    return list(_walk(old, new, ""))


def _walk(old: Any, new: Any, path: str) -> Iterator[Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _walk_fields(old, new, path)
    elif isinstance(old, list) and isinstance(new, list) and (keyed := _keyed(old, new)):
        yield from _walk_fields(*keyed, path)
        yield from _order(*keyed, path)
    elif canonical_json(old) != canonical_json(new):  # in Python 1 == True == 1.0
        yield Change(path or "/", "changed", old, new, _text_lines(old, new))


def _walk_fields(old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[Change]:
    for name in [*old, *(name for name in new if name not in old)]:
        here = f"{path}/{str(name).replace('~', '~0').replace('/', '~1')}"
        if name not in new:
            yield Change(here, "removed", old[name], None)
        elif name not in old:
            yield Change(here, "added", None, new[name])
        else:
            yield from _walk(old[name], new[name], here)


def _order(old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[Change]:
    """One change when the items that both hold stand in another order."""
    before, after = [name for name in old if name in new], [name for name in new if name in old]
    if before != after:
        yield Change(path or "/", "changed", before, after)


def _keyed(old: list[Any], new: list[Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Both lists as dicts by their items' identity, so that an insertion is not a change of all that follows."""
    for field in _IDENTITY:
        if all(isinstance(item, dict) and field in item for item in [*old, *new]):
            first, second = ({str(item[field]): item for item in items} for items in (old, new))
            if len(first) == len(old) and len(second) == len(new):
                return first, second
    return None


def _text_lines(old: Any, new: Any) -> tuple[str, ...]:
    if not (isinstance(old, str) and isinstance(new, str)) or "\n" not in old + new:
        return ()
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=2)
    return tuple(lines)[2:]
