"""Ask a model about filled prompts, several at a time, and tell of each answer as it comes."""

import asyncio
import queue
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Final

from apps.core import aio
from apps.core.errors import ApiError
from apps.prompts.errors import CasesTimeOver
from apps.prompts.services.filling import FilledPrompt
from apps.providers.gateway import Ask, chat
from apps.providers.types import Answer, ChatRequest, message

AT_ONCE: Final = 4
CASE_SECONDS: Final = 120.0  # of one question with all attempts; a model that thinks for longer is of no use here

Questions = Mapping[int, FilledPrompt]


@dataclass(frozen=True)
class Asked:
    """What came of one question: an answer, or the error in its place."""

    latency_ms: int
    answer: Answer | None = None
    error: ApiError | None = None

    @property
    def cost_micro(self) -> int | None:
        return self.answer.cost_micro if self.answer else None


@dataclass
class Asking:
    """Questions on their way: `next` hands out what was answered, each with its number."""

    _answers: "queue.SimpleQueue[tuple[int, Asked]]" = field(default_factory=queue.SimpleQueue)
    _work: "Future[None] | None" = None

    def next(self, *, seconds: float) -> tuple[int, Asked] | None:
        """The next answer, or None when none came within `seconds`. Raises what broke the asking itself."""
        try:
            return self._answers.get(timeout=seconds)
        except queue.Empty:
            if self._work is not None and self._work.done():
                self._work.result()
            return None


@contextmanager
def asking(questions: Questions, *, model: str, defaults: Mapping[str, Any]) -> Iterator[Asking]:
    """Each question asked of `model`, in the process's loop; what is not answered when the block ends is let go."""
    found = Asking()
    told = found._answers.put
    work = asyncio.run_coroutine_threadsafe(_all(questions, model, defaults, told), aio.background_loop())
    found._work = work
    try:
        yield found
    finally:
        work.cancel()


async def _all(
    questions: Questions, model: str, defaults: Mapping[str, Any], told: Callable[[tuple[int, Asked]], None]
) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def one(number: int, question: FilledPrompt) -> None:
        async with places:
            told((number, await _ask(question, model, defaults)))

    await asyncio.gather(*(one(number, question) for number, question in questions.items()))


async def _ask(question: FilledPrompt, model: str, defaults: Mapping[str, Any]) -> Asked:
    started = perf_counter()

    def since() -> int:
        return round((perf_counter() - started) * 1000)

    try:
        async with asyncio.timeout(CASE_SECONDS):
            answer = await chat(_request(question, defaults), Ask("chat", model))
    except TimeoutError:
        return Asked(since(), error=CasesTimeOver(seconds=round(CASE_SECONDS)))
    except ApiError as exc:
        return Asked(since(), error=exc)
    return Asked(since(), answer=answer)


def _request(question: FilledPrompt, defaults: Mapping[str, Any]) -> ChatRequest:
    system = [message("system", question.system)] if question.system else []
    options = {name: defaults[name] for name in ("temperature", "max_tokens") if defaults.get(name) is not None}
    return ChatRequest([*system, message("user", question.body)], options)
