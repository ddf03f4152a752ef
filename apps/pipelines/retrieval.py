"""The seam to knowledge: who can look things up registers here, and pipelines ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from apps.pipelines.nodes.errors import RetrieverMissing
from apps.providers.gateway import Caller


@dataclass(frozen=True)
class Found:
    """One passage: its text, how well it fits (0 to 1), where it comes from, and what else is known of it."""

    text: str
    score: float
    source: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


class Retriever(Protocol):
    """Looks things up in knowledge bases. Reading only: asking twice changes nothing."""

    async def retrieve(
        self, base: str, query: str, *, top_k: int, filters: Mapping[str, Any], caller: Caller
    ) -> Sequence[Found]:
        """The passages of `base` that fit `query` best, the best first, `top_k` at the most.

        Only what `caller` may read. Raises `ApiError`, for a base that does not exist, too.
        """


_registered: list[Retriever] = []


def register(retriever: Retriever) -> None:
    """Have `retriever` answer from now on; apps do this in `AppConfig.ready()`."""
    _registered[:] = [retriever]


def is_there() -> bool:
    """Whether anything can be looked up in this installation."""
    return bool(_registered)


def forget() -> None:
    """Nothing can be looked up any more."""
    _registered.clear()


def retriever(base: str) -> Retriever:
    """Who looks things up. Raises `RetrieverMissing`."""
    if not _registered:
        raise RetrieverMissing(base=base)
    return _registered[0]
