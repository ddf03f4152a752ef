"""A model that needs no network: a plain sample answer in the language of the question, streamed like a real one.

Model names are `mock-…`; what follows a `+` is a script, and so is the query of the endpoint's base URL
(`https://mock.invalid/?first=0.5&words=20`), over which the name's own script wins.

| step | what happens |
| --- | --- |
| `fail`, `fail=N` | every call, or the first N of each process, fail before the first word |
| `status=CODE` | as what they fail: any HTTP status from 400 on, or `timeout` (503 where nothing is said) |
| `retry=SECONDS` | the wait that a failure asks for |
| `first=SECONDS` | before the first word |
| `words=N` | words per second; 0 for no pause (50 where nothing is said) |
| `cut=N` | the stream is cut after N words |
| `stall=N` | silence after N words, until the endpoint's timeout |
| `malformed=N` | what follows N words is no JSON |
| `nousage` | the answer is not counted |
| `cached=N` | N tokens of the input were cached |
| `echo` | the answer is the question |
| `long=N` | the answer has N words |
| `json` | the answer is a JSON object |
| `tool`, `tool=NAME` | the first tool, or the one of that name, is called, until there is a result |
| `filter` | the answer ends as filtered |

Short names: `mock-busy` is `+fail+status=429`, `mock-down` is `+fail`, `mock-cut` is `+cut=3`, `mock-slow` is
`+words=1`, `mock-flaky` is `+fail=1`.

| | |
| --- | --- |
| chat, plain and streamed; embeddings | yes; vectors are the same for the same text, and mean nothing |
| tools | called where `tool_choice` insists, or a step does; arguments fit the schema |
| JSON mode, JSON Schema | an object that fits the schema |
| images in | checked, and counted in the answer |
| usage | estimated like a real one |
| limit of tokens | one word each |
| other options | ignored; `n` above 1, `logprobs`, sound and `functions` are refused |
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence

from apps.core.tokens import estimate_tokens
from apps.providers.errors import UpstreamFailed, UpstreamTimeout
from apps.providers.failures import failure_of
from apps.providers.handlers.mock import samples
from apps.providers.handlers.mock.script import NAMES, Script, script_of
from apps.providers.options import refuse_many
from apps.providers.types import (
    Candidate,
    ChatRequest,
    Embeddings,
    Finish,
    Item,
    Operation,
    Usage,
)
from apps.providers.wire import check_images, text_of_all

DIMENSIONS = 64


class MockHandler:
    """Supports: chat, embeddings, streaming, tools, JSON mode, images in, usage, scripted faults."""

    key = "mock"
    label = "Mock"
    requires_secret = False
    operations: frozenset[Operation] = frozenset({"chat", "embedding"})

    def __init__(self) -> None:
        self._calls: dict[tuple[str, str], int] = {}  # of endpoint and model that count their failures

    def forget(self) -> None:
        """Begin every script anew."""
        self._calls.clear()

    async def chat(self, request: ChatRequest, candidate: Candidate, secret: str | None) -> AsyncIterator[Item]:
        refuse_many(request, candidate)
        check_images(request.messages, candidate)
        script = script_of(candidate)
        await asyncio.sleep(script.first)
        await self._fail(script, candidate)
        answer = samples.answer_of(request, candidate, script)
        pieces, finish = answer.pieces, answer.finish
        if request.max_tokens is not None and len(pieces) > request.max_tokens and not answer.is_call:
            pieces, finish = pieces[: request.max_tokens], "length"
        for number, piece in enumerate(pieces):
            await _play(script, number, candidate)
            yield piece
        await _play(script, len(pieces), candidate, paced=False)
        yield Finish("content_filter" if script.filter else finish)
        tokens_in = estimate_tokens(text_of_all(request.messages))
        yield Usage(None, None) if script.nousage else Usage(tokens_in, len(pieces), min(script.cached, tokens_in))

    async def _fail(self, script: Script, candidate: Candidate) -> None:
        """Raises what the script says, as long as it says so."""
        if script.fail == 0:
            return
        if script.fail > 0:
            known = (candidate.endpoint, candidate.model)
            self._calls[known] = number = self._calls.get(known, 0) + 1
            if number > script.fail:
                return
        if script.status == 0:
            raise UpstreamTimeout(endpoint=candidate.endpoint)
        details = {"retryAfter": script.retry} if script.retry else None
        raise failure_of(script.status, "scripted fault", candidate, details=details)

    async def embed(self, texts: Sequence[str], candidate: Candidate, secret: str | None) -> Embeddings:
        """Vectors of unit length that are the same for the same text, and mean nothing."""
        script = script_of(candidate)
        await asyncio.sleep(script.first)
        await self._fail(script, candidate)
        counted = None if script.nousage else sum(map(estimate_tokens, texts))
        return Embeddings([_vector(text) for text in texts], Usage(counted, 0))

    async def models(self, base_url: str, secret: str | None, *, seconds: float) -> list[str]:
        return list(NAMES)  # those that mean something; any other name answers, too


async def _play(script: Script, number: int, candidate: Candidate, *, paced: bool = True) -> None:
    """What happens before the piece of this number."""
    if number == script.cut:
        raise UpstreamFailed(endpoint=candidate.endpoint, what="scripted cut")
    if number == script.malformed:
        raise UpstreamFailed(endpoint=candidate.endpoint, what="malformed answer")
    if number == script.stall:
        await asyncio.sleep(candidate.timeout_seconds)
        raise UpstreamTimeout(endpoint=candidate.endpoint)
    if paced and script.words:
        await asyncio.sleep(1 / script.words)


def _vector(text: str) -> list[float]:
    digest = hashlib.shake_256(text.encode("utf-8", "surrogatepass")).digest(DIMENSIONS)
    raw = [byte - 127.5 for byte in digest]
    length = sum(value * value for value in raw) ** 0.5
    return [round(value / length, 6) for value in raw]


HANDLER = MockHandler()
