"""Ask a model: choose a route, fail over while nothing was said, tell who answered."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from asgiref.sync import sync_to_async

from apps.core.errors import ApiError
from apps.providers.catalogue import candidates
from apps.providers.degrade import DegradePolicy
from apps.providers.errors import NoRoute
from apps.providers.handlers import handlers
from apps.providers.services import read_secret
from apps.providers.types import Answer, Candidate, ChatRequest, Delta, Usage

log = structlog.get_logger("providers")

OnDelta = Callable[[str], Awaitable[None]]


@dataclass
class _Tried:
    """What was attempted, and the last failure of each candidate."""

    attempts: list[dict[str, Any]] = field(default_factory=list)
    failures: list[ApiError] = field(default_factory=list)

    def knows(self, candidate: Candidate) -> bool:
        return (candidate.endpoint, candidate.model) in {(a["endpoint"], a["model"]) for a in self.attempts}


async def chat(
    request: ChatRequest,
    *,
    capability: str,
    model: str = "",
    degrade: DegradePolicy | None = None,
    on_delta: OnDelta,
) -> Answer:
    """The whole answer; its pieces reach `on_delta` as they come.

    Raises `NoRoute`, or the last upstream's error when all candidates failed. After the first piece there is no
    failing over: another model would begin a different answer. When every candidate failed in a way that `degrade`
    covers, its model is asked on any endpoint that offers it, and the answer says that it is `degraded`.
    """
    tried = _Tried()
    try:
        wanted = await sync_to_async(candidates)(capability, model=model)
    except NoRoute as exc:
        tried.failures.append(exc)
        wanted = []
    answer = await _first_answer(request, wanted, tried, on_delta)
    if answer is None and degrade is not None and degrade.covers(tried.failures):
        answer = await _degraded_answer(request, capability, degrade, tried, on_delta)
    if answer is None:
        raise tried.failures[-1]
    return answer


async def _first_answer(
    request: ChatRequest, wanted: Sequence[Candidate], tried: _Tried, on_delta: OnDelta, *, degraded: bool = False
) -> Answer | None:
    """The first candidate's answer; None when all failed. Raises when one failed after its first word."""
    for candidate in wanted:
        said: list[str] = []
        usage = await _attempts(request, candidate, said, tried, on_delta)
        if usage is not None:
            return Answer(
                text="".join(said),
                model_used=candidate.model,
                endpoint=candidate.endpoint,
                mock=candidate.handler_key == "mock",
                usage=usage,
                attempts=tuple(tried.attempts),
                degraded=degraded,
            )
    return None


async def _attempts(
    request: ChatRequest, candidate: Candidate, said: list[str], tried: _Tried, on_delta: OnDelta
) -> Usage | None:
    """The usage once `candidate` has answered; None, and its last failure kept, when it did not."""
    failure: ApiError | None = None
    for _try in range(candidate.max_retries + 1):
        try:
            return await _ask(request, candidate, said, on_delta)
        except ApiError as exc:
            failure = exc
            tried.attempts.append({"endpoint": candidate.endpoint, "model": candidate.model, "error": exc.code})
            log.warning("chat.attempt_failed", endpoint=candidate.endpoint, code=exc.code, said=bool(said))
            if said:
                raise
            if not exc.retryable:
                break
    if failure is not None:
        tried.failures.append(failure)
    return None


async def _degraded_answer(
    request: ChatRequest, capability: str, degrade: DegradePolicy, tried: _Tried, on_delta: OnDelta
) -> Answer | None:
    """The fallback model's answer; None when nobody new offers it, or all who do fail as well."""
    try:
        offering = await sync_to_async(candidates)(capability, model=degrade.fallback_model)
    except NoRoute:
        return None
    fresh = [candidate for candidate in offering if not tried.knows(candidate)]
    log.warning("chat.degraded", model=degrade.fallback_model, candidates=len(fresh))
    return await _first_answer(degrade.lowered(request), fresh, tried, on_delta, degraded=True)


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
