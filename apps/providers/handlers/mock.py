"""A model that needs no network: a plain sample answer in the language of the question, streamed like a real one.

Supports: chat, embeddings, streaming, usage. The model name scripts faults for rehearsals: `mock-busy` (429),
`mock-down` (5xx), `mock-cut` (fails after the first words), `mock-slow` (waits a second per word).
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Sequence

from apps.core.tokens import estimate_tokens
from apps.providers.errors import UpstreamBusy, UpstreamFailed
from apps.providers.types import Candidate, ChatRequest, Delta, Embeddings, Finish, Item, Operation, Usage
from apps.providers.wire import text_of, text_of_all

WORD_SECONDS = 0.02
DIMENSIONS = 64
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


class MockHandler:
    key = "mock"
    label = "Mock"
    requires_secret = False
    operations: frozenset[Operation] = frozenset({"chat", "embedding"})

    async def chat(self, request: ChatRequest, candidate: Candidate, secret: str | None) -> AsyncIterator[Item]:
        if candidate.model == "mock-busy":
            raise UpstreamBusy(endpoint=candidate.endpoint)
        if candidate.model == "mock-down":
            raise UpstreamFailed(endpoint=candidate.endpoint, what="scripted fault")
        pieces = _pieces(_sample(text_of(request.messages[-1])))
        for index, piece in enumerate(pieces):
            if candidate.model == "mock-cut" and index == 3:
                raise UpstreamFailed(endpoint=candidate.endpoint, what="scripted cut")
            await asyncio.sleep(1.0 if candidate.model == "mock-slow" else WORD_SECONDS)
            yield Delta(piece)
        yield Finish("stop")
        yield Usage(estimate_tokens(text_of_all(request.messages)), len(pieces))

    async def embed(self, texts: Sequence[str], candidate: Candidate, secret: str | None) -> Embeddings:
        """Vectors of unit length that are the same for the same text, and mean nothing."""
        return Embeddings([_vector(text) for text in texts], Usage(sum(map(estimate_tokens, texts)), 0))

    async def models(self, base_url: str, secret: str | None, *, seconds: float) -> list[str]:
        return ["mock-chat", "mock-embedding", "mock-busy", "mock-cut", "mock-down", "mock-slow"]


def _vector(text: str) -> list[float]:
    digest = hashlib.shake_256(text.encode()).digest(DIMENSIONS)
    raw = [byte - 127.5 for byte in digest]
    length = sum(value * value for value in raw) ** 0.5
    return [round(value / length, 6) for value in raw]


def _sample(question: str) -> str:
    """The question's own facts, laid out as an answer would be."""
    facts = [line.strip(" -*") for line in question.splitlines() if line.strip()][:8]
    quoted = "\n".join(f"- {fact[:200]}" for fact in facts)
    if _CHINESE.search(question):
        return (
            f"**示例回答**\n\n内置的模拟模型不会真正写作，它收到的要求如下：\n\n{quoted}\n\n"
            "在后台填写模型密钥后，这里就是真实的回答。"
        )
    return (
        "**Sample answer**\n\nThe built-in mock model does not write. This is what a real model would be asked:\n\n"
        f"{quoted}\n\nEnter a provider key in the admin, and the real answer appears here."
    )


def _pieces(text: str) -> list[str]:
    return re.findall(r"[\u4e00-\u9fff]{1,4}|\S+\s*|\s+", text)


HANDLER = MockHandler()
