"""One call of a run to the outside, as whoever answers in its place sees it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from apps.pipelines.nodes.context import Json, OutsideKind


@dataclass(frozen=True)
class Call:
    """One call outside, as it is about to be made."""

    path: str
    no: int
    kind: OutsideKind
    address: str
    request: Json
    repeatable: bool
    key: str


Do = Callable[[str], Awaitable[Json]]
Through = Callable[[Call, Do], Awaitable[Json]]


async def directly(call: Call, do: Do) -> Json:
    """Make the call."""
    return await do(call.key)
