"""A chat as a stream of pieces, whoever answers it."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any

import structlog

from apps.core.errors import ApiError
from apps.providers import pricing
from apps.providers.admission import Permit
from apps.providers.errors import UpstreamFailed
from apps.providers.gateway import meter as meters
from apps.providers.gateway.asking import Ask, Trail
from apps.providers.gateway.route import begun, wanted
from apps.providers.handlers import handlers
from apps.providers.types import Candidate, ChatRequest, Delta, Finish, Item, ToolCallDelta, Usage

log = structlog.get_logger("providers")


@dataclass(slots=True)
class Streamed:
    """An answer that has begun. Iterate `items` to its end, or close it with `aclose`: that settles the call."""

    candidate: Candidate
    trail: Trail
    meter: meters.Meter
    items: AsyncIterator[Item]
    aclose: Any

    @property
    def mock(self) -> bool:
        """Whether no real model answers."""
        return self.candidate.handler_key == "mock"


async def stream(request: ChatRequest, ask: Ask) -> Streamed:
    """The answer, once its first piece is there; until then other routes are tried.

    Its items end with `Finish` and `Usage`, the latter complete: what the upstream left out is estimated. A failure
    after the first piece is raised while iterating; what was produced is settled all the same.

    Raises `NoRoute`, the last upstream's error, `BudgetExhausted`, `PriceUnknown`.
    """
    trail = Trail()
    found = await wanted(ask, trail)
    tokens_in = pricing.tokens_of(request)
    meter = await meters.opened(ask, found, trail, tokens_in=tokens_in, limit=request.max_tokens, stream=request.stream)

    async def begin(candidate: Candidate, secret: str | None) -> tuple[Item, AsyncIterator[Item]]:
        asked = ask.degrade.lowered(request) if trail.degraded and ask.degrade else request
        items = handlers()[candidate.handler_key].chat(asked, candidate, secret)
        try:
            return await anext(items), items
        except StopAsyncIteration as exc:
            raise UpstreamFailed(endpoint=candidate.endpoint, what="an empty answer") from exc

    try:
        (first, rest), permit = await begun(ask, found, trail, begin, tokens=tokens_in)
    except BaseException as exc:
        await meter.close(None, None, error=exc if isinstance(exc, ApiError) else None)
        raise
    meter.began()
    items = _items(first, rest, meter, permit)
    return Streamed(permit.candidate, trail, meter, items, items.aclose)


async def _items(
    first: Item, rest: AsyncIterator[Item], meter: meters.Meter, permit: Permit
) -> AsyncGenerator[Item, None]:
    """Every piece; the counts last and complete. However it ends, the call is settled."""
    said: list[str] = []
    usage, error, whole = Usage(None, None), None, False
    item: Item | None = first
    try:
        while item is not None:
            if isinstance(item, Usage):
                usage = item
            else:
                _remember(item, said)
                yield item
            item = await anext(rest, None)
        whole = True
    except ApiError as exc:
        error = exc
        log.warning("chat.stream_failed", endpoint=permit.candidate.endpoint, code=exc.code)
        raise
    finally:
        counted = await meter.close(permit, usage, text="".join(said), error=error, cut=not whole and error is None)
        if not whole:
            await rest.aclose()  # type: ignore[attr-defined]  # handlers are async generators
    yield counted


def _remember(item: Item, said: list[str]) -> None:
    """What has to be paid for should the upstream not say."""
    if isinstance(item, Delta):
        said.append(item.text)
    elif isinstance(item, ToolCallDelta):
        said.append(item.name + item.arguments)
    elif isinstance(item, Finish):
        pass
