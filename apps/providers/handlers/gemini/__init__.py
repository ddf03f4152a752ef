"""Google's Gemini API.

Wire format: POST {base_url}/models/{model}:generateContent, `:streamGenerateContent?alt=sse`, `:batchEmbedContents`;
GET {base_url}/models. The key goes in `x-goog-api-key`, never in the address.

| | |
| --- | --- |
| chat, plain and streamed | yes |
| embeddings | yes, a hundred texts at a time; the vendor does not count their tokens |
| system and developer messages | put together as `systemInstruction` |
| tools, forced tools | yes; ids of calls are made up where the vendor gives none |
| JSON mode, JSON Schema | `responseMimeType` and `responseJsonSchema` |
| images in | data URLs and links (PNG, JPEG, WebP; 10 MB); links are fetched here, by the guarded client |
| usage, cached tokens | yes; thoughts are output |
| reasoning text | not part of the answer; its signatures are not kept over turns |
| ignored | the hints of `options.HINTS` |
| refused | `parallel_tool_calls: false`, `logit_bias`, `logprobs`, `n` above 1, sound, files, GIF, what is not listed |
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import quote

from apps.providers import upstream
from apps.providers.errors import UpstreamFailed
from apps.providers.failures import shaped
from apps.providers.handlers.gemini.answer import Reading, refuse_error
from apps.providers.handlers.gemini.request import body_of
from apps.providers.reading import pieces
from apps.providers.types import Candidate, ChatRequest, Embeddings, Finish, Item, Operation, Usage

BASE_URL = "https://generativelanguage.googleapis.com/v1beta"
MOST_TEXTS = 100  # in one request
_USES = frozenset({"generateContent", "embedContent"})


class GeminiHandler:
    """Supports: chat, embeddings, streaming, tools, JSON mode, images in, usage, cached tokens."""

    key = "gemini"
    label = "Google Gemini"
    requires_secret = True
    operations: frozenset[Operation] = frozenset({"chat", "embedding"})

    async def chat(self, request: ChatRequest, candidate: Candidate, secret: str | None) -> AsyncIterator[Item]:
        body = await body_of(request, candidate)
        url = _url(candidate, "streamGenerateContent?alt=sse" if request.stream else "generateContent")
        headers, reading = _headers(secret), Reading(candidate)
        async with upstream.asked(url, body, headers, candidate, secret, stream=request.stream) as response:
            if request.stream:
                async for item in pieces(response, candidate, reading):
                    yield item
                return
            for item in reading.read(await upstream.read_json(response, candidate)):
                yield item
        if not reading.finish:
            raise UpstreamFailed(endpoint=candidate.endpoint, what="malformed answer")
        yield Finish(reading.finish)
        yield reading.usage

    async def embed(self, texts: Sequence[str], candidate: Candidate, secret: str | None) -> Embeddings:
        vectors: list[list[float]] = []
        for start in range(0, len(texts), MOST_TEXTS):
            vectors += await self._embed(texts[start : start + MOST_TEXTS], candidate, secret)
        return Embeddings(vectors, Usage(None, 0))

    async def _embed(self, texts: Sequence[str], candidate: Candidate, secret: str | None) -> list[list[float]]:
        model = f"models/{_name(candidate)}"
        body = {"requests": [{"model": model, "content": {"parts": [{"text": text}]}} for text in texts]}
        url = _url(candidate, "batchEmbedContents")
        async with upstream.asked(url, body, _headers(secret), candidate, secret) as response:
            found = await upstream.read_json(response, candidate)
        refuse_error(found, candidate)
        with shaped(candidate):
            vectors = [[float(value) for value in row["values"]] for row in found["embeddings"]]
        if len(vectors) != len(texts):
            raise UpstreamFailed(endpoint=candidate.endpoint, what="not one vector for each text")
        return vectors

    async def models(self, base_url: str, secret: str | None, *, seconds: float) -> list[str]:
        url = upstream.url_of(base_url, "models?pageSize=1000", default=BASE_URL)
        rows = (await upstream.get_json(url, _headers(secret), secret, seconds=seconds)).get("models")
        found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        return [str(row["name"]).removeprefix("models/") for row in found if "name" in row and _is_usable(row)]


def _is_usable(row: dict[str, Any]) -> bool:
    methods = row.get("supportedGenerationMethods")
    return not isinstance(methods, list) or any(method in _USES for method in methods)


def _name(candidate: Candidate) -> str:
    return candidate.model.removeprefix("models/")


def _url(candidate: Candidate, method: str) -> str:
    path = f"models/{quote(_name(candidate), safe='')}:{method}"
    return upstream.url_of(candidate.base_url, path, default=BASE_URL)


def _headers(secret: str | None) -> dict[str, str]:
    return {"x-goog-api-key": secret} if secret else {}


HANDLER = GeminiHandler()
