"""Names that a key's scopes may list: known to the apps that own the things, offered where a key is made."""

from collections.abc import Callable, Sequence
from typing import Literal

Kind = Literal["features", "models"]
_known: dict[Kind, Callable[[], Sequence[str]]] = {}


def use_known(kind: Kind, names: Callable[[], Sequence[str]]) -> None:
    """Set who knows the names of `kind`; the app that owns them does, at start."""
    _known[kind] = names


def known(kind: Kind) -> list[str]:
    """What there is to choose from, in order; nothing where nobody knows. One query at the most."""
    return list(_known[kind]()) if kind in _known else []
