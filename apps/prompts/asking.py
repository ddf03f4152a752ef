"""Ask a model about filled prompts, several at a time, and within one limit for all of them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final

from apps.core import aio
from apps.core.errors import ApiError
from apps.prompts.errors import CasesTimeOver
from apps.prompts.pricing import cost_of
from apps.prompts.services.filling import FilledPrompt
from apps.providers.gateway import chat
from apps.providers.types import Answer, ChatRequest, Message

AT_ONCE: Final = 4
RUN_SECONDS: Final = 50.0  # of all questions together; a proxy that waits a minute still gets the answer


@dataclass(frozen=True)
class Asked:
    """What came of one question: an answer, or the error in its place."""

    latency_ms: int
    answer: Answer | None = None
    error: ApiError | None = None

    @property
    def cost_micro(self) -> int | None:
        return cost_of(self.answer) if self.answer else None


def ask_all(questions: Sequence[FilledPrompt], *, model: str, defaults: Mapping[str, Any]) -> list[Asked]:
    """Each question asked of `model`, in their order. Raises nothing: what went wrong stands where the answer would."""
    return aio.run(_all(questions, model, defaults))


async def _all(questions: Sequence[FilledPrompt], model: str, defaults: Mapping[str, Any]) -> list[Asked]:
    places = asyncio.Semaphore(AT_ONCE)
    began = perf_counter()

    async def one(question: FilledPrompt) -> Asked:
        async with places:
            return await _ask(question, model, defaults, seconds=RUN_SECONDS - (perf_counter() - began))

    return list(await asyncio.gather(*(one(question) for question in questions)))


async def _ask(question: FilledPrompt, model: str, defaults: Mapping[str, Any], *, seconds: float) -> Asked:
    if seconds <= 0:
        return Asked(0, error=CasesTimeOver(seconds=round(RUN_SECONDS)))

    async def unheard(text: str) -> None:
        """Nobody listens to the pieces; the whole answer is judged."""

    started = perf_counter()

    def since() -> int:
        return round((perf_counter() - started) * 1000)

    try:
        async with asyncio.timeout(seconds):
            answer = await chat(_request(question, defaults), capability="chat", model=model, on_delta=unheard)
    except TimeoutError:
        return Asked(since(), error=CasesTimeOver(seconds=round(RUN_SECONDS)))
    except ApiError as exc:
        return Asked(since(), error=exc)
    return Asked(since(), answer=answer)


def _request(question: FilledPrompt, defaults: Mapping[str, Any]) -> ChatRequest:
    system = [Message("system", question.system)] if question.system else []
    return ChatRequest(
        messages=(*system, Message("user", question.body)),
        temperature=defaults.get("temperature"),
        max_tokens=defaults.get("max_tokens"),
    )
