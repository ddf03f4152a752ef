"""Values that many steps see and none may change."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Never

_WEIGHT_OF_A_VALUE = 8  # bytes of JSON that a number, a truth value or a separator takes, roughly


def _refuse(self: Any, *args: Any, **kwargs: Any) -> Never:
    raise TypeError("this value belongs to the run and cannot be changed; make a copy")


class FrozenDict(dict[str, Any]):
    """A dict for every reader (JSON, CEL, schemas), and a wall for every writer. A deep copy can be changed."""

    __slots__ = ()
    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __copy__(self) -> dict[str, Any]:
        return dict(self)

    def __deepcopy__(self, memo: Any) -> Any:
        return thawed(self)

    def __reduce__(self) -> Any:
        return dict, (dict(self),)


class FrozenList(list[Any]):
    """A list for every reader, and a wall for every writer. A deep copy can be changed."""

    __slots__ = ()
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = extend = insert = pop = remove = clear = sort = reverse = _refuse

    def __copy__(self) -> list[Any]:
        return list(self)

    def __deepcopy__(self, memo: Any) -> Any:
        return thawed(self)

    def __reduce__(self) -> Any:
        return list, (list(self),)


def frozen(value: Any) -> Any:
    """`value`, which is JSON, so that nobody can change it. What is frozen already is taken as it is.

    Raises `TypeError` for what JSON cannot hold.
    """
    if isinstance(value, FrozenDict | FrozenList):
        return value
    if isinstance(value, Mapping):
        return FrozenDict({str(name): frozen(inner) for name, inner in value.items()})
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return FrozenList([frozen(inner) for inner in value])
    if value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise TypeError(f"{type(value).__name__} is no JSON")


def thawed(value: Any) -> Any:
    """A copy of `value` that can be changed."""
    if isinstance(value, Mapping):
        return {name: thawed(inner) for name, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [thawed(inner) for inner in value]
    return value


def weight(value: Any) -> int:
    """About how many bytes `value` takes as JSON; never less than its texts have characters."""
    total, todo = 0, [value]
    while todo:
        one = todo.pop()
        total += _WEIGHT_OF_A_VALUE
        if isinstance(one, str):
            total += len(one)
        elif isinstance(one, Mapping):
            total += sum(map(len, one))
            todo.extend(one.values())
        elif isinstance(one, Sequence):
            todo.extend(one)
    return total
