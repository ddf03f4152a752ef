"""A model that needs no network: a plain sample answer in the language of the question, streamed like a real one.

Supports: chat, streaming, usage. The model name scripts faults for rehearsals: `mock-busy` (429), `mock-down` (5xx),
`mock-cut` (fails after the first words), `mock-slow` (waits a second per word).
"""

import asyncio
import re
from collections.abc import AsyncIterator

from apps.providers.errors import UpstreamBusy, UpstreamFailed
from apps.providers.types import Candidate, ChatRequest, Delta, Usage

WORD_SECONDS = 0.02
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


class MockHandler:
    key = "mock"
    requires_secret = False

    async def chat(
        self, request: ChatRequest, candidate: Candidate, secret: str | None
    ) -> AsyncIterator[Delta | Usage]:
        if candidate.model == "mock-busy":
            raise UpstreamBusy(endpoint=candidate.endpoint)
        if candidate.model == "mock-down":
            raise UpstreamFailed(endpoint=candidate.endpoint, what="scripted fault")
        question = request.messages[-1].content
        pieces = _pieces(_sample(question))
        for index, piece in enumerate(pieces):
            if candidate.model == "mock-cut" and index == 3:
                raise UpstreamFailed(endpoint=candidate.endpoint, what="scripted cut")
            await asyncio.sleep(1.0 if candidate.model == "mock-slow" else WORD_SECONDS)
            yield Delta(piece)
        yield Usage(sum(len(m.content) for m in request.messages) // 4 + 1, len(pieces))


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
