"""Things that name other things: the longest chain from one of them, and whether it runs in a circle."""

from collections.abc import Callable, Iterable

Following = Callable[[str], Iterable[str]]
Chain = tuple[str, ...]


def longest_chain(start: str, following: Following) -> Chain:
    """The names from `start` to the farthest one; a circle wins, and begins and ends with the same name."""
    return _from(start, (), following, {})


def is_circle(chain: Chain) -> bool:
    """Whether `chain` came back to where it began."""
    return len(chain) > 1 and chain[0] == chain[-1]


def _from(name: str, above: Chain, following: Following, known: dict[str, Chain]) -> Chain:
    """Each name is followed once: a circle is found on the first way to it, or there is none."""
    if name in above:
        return (*above[above.index(name) :], name)
    if name not in known:
        tails: list[Chain] = []
        for other in following(name):
            tail = _from(other, (*above, name), following, known)
            if is_circle(tail):
                return tail
            tails.append(tail)
        known[name] = (name, *max(tails, key=len, default=()))
    return known[name]
