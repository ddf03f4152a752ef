"""A chat as a stream of pieces, whoever answers it."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

import structlog

from apps.core.errors import ApiError
from apps.providers import pricing
from apps.providers.errors import UpstreamFailed
from apps.providers.gateway.asking import Ask, Trail
from apps.providers.gateway.calls import Call, call
from apps.providers.handlers import handlers
from apps.providers.types import Candidate, ChatRequest, Delta, Item, ToolCallDelta, Usage

log = structlog.get_logger("providers")


@dataclass(frozen=True, slots=True)
class Pieces:
    """The first piece of an answer, and the others as they come."""

    first: Item
    rest: AsyncIterator[Item]


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer that has begun. Iterate `items` to their end, or close them with `aclose`: that settles the call."""

    call: Call[Pieces]
    items: AsyncGenerator[Item, None]


async def stream(request: ChatRequest, ask: Ask) -> Streamed:
    """The answer, once its first piece is there; until then other routes are tried.

    Its items end with `Finish` and `Usage`, the latter complete: what the upstream left out is estimated. A failure
    after the first piece is raised while iterating; what was produced is settled all the same. Raises as `call` does.
    """
    trail = Trail()

    async def begin(candidate: Candidate, secret: str | None) -> Pieces:
        lowered = ask.degrade.lowered(request) if trail.degraded and ask.degrade else request
        return await first_piece(lowered, candidate, secret)

    opened = await call(
        ask,
        begin,
        tokens_in=pricing.tokens_of(request),
        limit=request.max_tokens,
        stream=request.stream,
        trail=trail,
    )
    return Streamed(opened, items_of(opened))


async def first_piece(request: ChatRequest, candidate: Candidate, secret: str | None) -> Pieces:
    """The answer of `candidate` as soon as something of it is there."""
    items = handlers()[candidate.handler_key].chat(request, candidate, secret)
    try:
        return Pieces(await anext(items), items)
    except StopAsyncIteration as exc:
        raise UpstreamFailed(endpoint=candidate.endpoint, what="an empty answer") from exc


async def items_of(opened: Call[Pieces]) -> AsyncGenerator[Item, None]:
    """Every piece; the counts last and complete. However it ends, the call is settled."""
    said: list[str] = []
    usage, error, whole = Usage(None, None), None, False
    item: Item | None = opened.got.first
    try:
        while item is not None:
            if isinstance(item, Usage):
                usage = item
            else:
                _remember(item, said)
                yield item
            item = await anext(opened.got.rest, None)
        whole = True
    except ApiError as exc:
        error = exc
        log.warning("chat.stream_failed", endpoint=opened.candidate.endpoint, code=exc.code)
        raise
    finally:
        cut = not whole and error is None
        counted = await opened.meter.close(opened.permit, usage, text="".join(said), error=error, cut=cut)
        if not whole:
            await opened.got.rest.aclose()  # type: ignore[attr-defined]  # handlers are async generators
    yield counted


def _remember(item: Item, said: list[str]) -> None:
    """What has to be paid for should the upstream not say."""
    if isinstance(item, Delta):
        said.append(item.text)
    elif isinstance(item, ToolCallDelta):
        said.append(item.name + item.arguments)
