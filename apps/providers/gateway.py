"""Ask a model: choose a route, fail over while nothing was said, tell who answered."""

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from asgiref.sync import sync_to_async

from apps.core.errors import ApiError
from apps.providers.catalogue import candidates
from apps.providers.handlers import handlers
from apps.providers.services import read_secret
from apps.providers.types import Answer, Candidate, ChatRequest, Delta, Usage

log = structlog.get_logger("providers")

OnDelta = Callable[[str], Awaitable[None]]


async def chat(request: ChatRequest, *, capability: str, model: str = "", on_delta: OnDelta) -> Answer:
    """The whole answer; its pieces reach `on_delta` as they come.

    Raises `NoRoute`, or the last upstream's error when all candidates failed. After the first piece there is no
    failing over: another model would begin a different answer.
    """
    attempts: list[dict[str, Any]] = []
    failure: ApiError | None = None
    for candidate in await sync_to_async(candidates)(capability, model=model):
        for _try in range(candidate.max_retries + 1):
            said: list[str] = []
            try:
                usage = await _ask(request, candidate, said, on_delta)
            except ApiError as exc:
                failure = exc
                attempts.append({"endpoint": candidate.endpoint, "model": candidate.model, "error": exc.code})
                log.warning("chat.attempt_failed", endpoint=candidate.endpoint, code=exc.code, said=bool(said))
                if said:
                    raise
                if not exc.retryable:
                    break
                continue
            return Answer(
                text="".join(said),
                model_used=candidate.model,
                endpoint=candidate.endpoint,
                mock=candidate.handler_key == "mock",
                usage=usage,
                attempts=tuple(attempts),
            )
    assert failure is not None  # noqa: S101 - candidates() never answers an empty list
    raise failure


async def _ask(request: ChatRequest, candidate: Candidate, said: list[str], on_delta: OnDelta) -> Usage:
    handler = handlers()[candidate.handler_key]
    secret = await sync_to_async(read_secret)(candidate.endpoint_id) if handler.requires_secret else None
    usage = Usage(None, None)
    async for item in handler.chat(request, candidate, secret):
        if isinstance(item, Delta):
            said.append(item.text)
            await on_delta(item.text)
        else:
            usage = item
    return usage
