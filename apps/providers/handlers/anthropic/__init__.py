"""Anthropic's Messages API.

Wire format: POST {base_url}/messages with `x-api-key` and `anthropic-version`; named server-sent events from
`message_start` to `message_stop`; GET {base_url}/models.

| | |
| --- | --- |
| chat, plain and streamed | yes |
| embeddings | no |
| system and developer messages | put together as `system`, wherever they stood |
| tools, forced tools, one at a time | yes |
| JSON mode, JSON Schema | as a tool that has to be called; not together with tools |
| images in | data URLs (PNG, JPEG, WebP, GIF; 10 MB), links are fetched by the vendor |
| usage, cached tokens | yes; tokens read from and written to the cache are input |
| reasoning text | not part of the answer; its tokens are counted |
| limit of tokens | always sent: the caller's, the catalogue's longest answer, or 4096 |
| temperature | at most 1: what is above is sent as 1; `top_p` only without it |
| ignored | `seed`, and the hints of `options.HINTS` but `user` |
| refused | penalties, `logit_bias`, `logprobs`, `n` above 1, sound, files, what is not listed |
"""

from collections.abc import AsyncIterator, Sequence

from apps.providers import upstream
from apps.providers.handlers.anthropic.answer import Reading, whole
from apps.providers.handlers.anthropic.request import body_of
from apps.providers.reading import pieces
from apps.providers.types import Candidate, ChatRequest, Embeddings, Item, Operation
from apps.providers.wire import not_supported

BASE_URL = "https://api.anthropic.com/v1"
VERSION = "2023-06-01"


class AnthropicHandler:
    """Supports: chat, streaming, tools, JSON mode, images in, usage, cached tokens."""

    key = "anthropic"
    label = "Anthropic"
    requires_secret = True
    operations: frozenset[Operation] = frozenset({"chat"})

    async def chat(self, request: ChatRequest, candidate: Candidate, secret: str | None) -> AsyncIterator[Item]:
        url = upstream.url_of(candidate.base_url, "messages", default=BASE_URL)
        body, as_text = body_of(request, candidate)
        headers = _headers(secret)
        async with upstream.asked(url, body, headers, candidate, secret, stream=request.stream) as response:
            if request.stream:
                async for item in pieces(response, candidate, Reading(candidate, as_text)):
                    yield item
                return
            for item in whole(await upstream.read_json(response, candidate), candidate, as_text):
                yield item

    async def embed(self, texts: Sequence[str], candidate: Candidate, secret: str | None) -> Embeddings:
        raise not_supported(candidate, "embeddings")

    async def models(self, base_url: str, secret: str | None, *, seconds: float) -> list[str]:
        url = upstream.url_of(base_url, "models?limit=1000", default=BASE_URL)
        rows = (await upstream.get_json(url, _headers(secret), secret, seconds=seconds)).get("data")
        found = rows if isinstance(rows, list) else []
        return [str(row["id"]) for row in found if isinstance(row, dict) and "id" in row]


def _headers(secret: str | None) -> dict[str, str]:
    headers = {"anthropic-version": VERSION}
    return {**headers, "x-api-key": secret} if secret else headers


HANDLER = AnthropicHandler()
