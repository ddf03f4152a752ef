"""Who needs files for longer than they would be kept: registered by the apps, asked before a file is dropped."""

from collections.abc import Callable, Collection

Held = Callable[[Collection[str]], Collection[str]]

_holders: dict[str, Held] = {}


def register(name: str, held: Held) -> None:
    """Add a holder; apps do this in `AppConfig.ready()`. `held` says which of the ids it is given it needs."""
    _holders[name] = held


def held_of(ids: Collection[str]) -> set[str]:
    """Those of the files `ids` that somebody needs."""
    return {one for held in _holders.values() for one in held(ids)} if ids else set()
