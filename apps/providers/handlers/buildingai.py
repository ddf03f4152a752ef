"""An agent that a BuildingAI server has published, as a sidecar.

Wire format (BuildingAI 26.1): POST {base_url}/chat-messages with the published agent's API key as bearer; the answer
is a "UI message stream", server-sent events of `data: {"type": ...}` closed by `data: [DONE]`. Errors are
`{"code", "message", "data"}`, of which the code says what happened. The base URL ends in `/v1`.

| | |
| --- | --- |
| chat, plain and streamed | yes; the agent's stream is put together for a plain answer, since only it tells of errors |
| embeddings | no |
| model | the key decides which agent answers; the catalogue's name is only a name |
| tools, JSON mode | no: the agent has tools of its own, and they run there |
| images in | data URLs (PNG, JPEG, WebP, GIF; 10 MB), links are fetched by the sidecar |
| usage | what the agent reports, its own prompt and tools among it; estimated where it reports too late |
| reasoning text, tools' results | not part of the answer |
| ignored | `temperature`, `top_p`, limits of tokens, `stop`, `seed`, `options.HINTS`: the agent has its own |
| refused | what asks for another kind of answer, and what is not listed |

Conversations are not kept there (`saveConversation: false`): the caller sends the whole chat each time.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Final

from django.utils.translation import gettext

from apps.providers import upstream
from apps.providers.errors import UpstreamFailed
from apps.providers.failures import failure_of, shaped, words_in
from apps.providers.handlers.openai import count
from apps.providers.options import HINTS, given, json_of
from apps.providers.reading import pieces
from apps.providers.types import Candidate, ChatRequest, Delta, Embeddings, Item, Message, Operation, Usage
from apps.providers.wire import Image, Link, Text, invalid, not_supported, parts_of

BASE_URL = "http://localhost:4090/v1"
KNOWN: Final = HINTS | {
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "seed",
    "response_format",
}
LINGER_SECONDS: Final = 10.0  # counts follow the end of the answer once the agent has thought of further questions
SUCCESS: Final = 20000
_STATUS: Final = {  # by the first three digits of the envelope's code
    402: 401,
    403: 404,
    404: 404,
    407: 429,
    408: 408,
}
_FINISHES: Final = {"length": "length", "content-filter": "content_filter"}


class BuildingAIHandler:
    """Supports: chat, streaming, images in, usage."""

    key = "buildingai"
    label = "BuildingAI"
    requires_secret = True
    operations: frozenset[Operation] = frozenset({"chat"})

    async def chat(self, request: ChatRequest, candidate: Candidate, secret: str | None) -> AsyncIterator[Item]:
        url = upstream.url_of(candidate.base_url, "chat-messages", default=BASE_URL)
        body, headers = _body(request, candidate), _headers(secret)
        async with upstream.asked(url, body, headers, candidate, secret, stream=request.stream) as response:
            if response.content_type == "application/json":
                raise _failure(await upstream.read_json(response, candidate), candidate)
            async for item in pieces(response, candidate, _Reading(candidate)):
                yield item

    async def embed(self, texts: Sequence[str], candidate: Candidate, secret: str | None) -> Embeddings:
        raise not_supported(candidate, "embeddings")

    async def models(self, base_url: str, secret: str | None, *, seconds: float) -> list[str]:
        """None: the server does not tell. That the key is good is known when this returns."""
        url = upstream.url_of(base_url, "conversations?page=1&pageSize=1", default=BASE_URL)
        found = await upstream.get_json(url, _headers(secret), secret, seconds=seconds)
        if found.get("code", SUCCESS) != SUCCESS:
            raise _failure(found, _probe(url))
        return []


def _probe(url: str) -> Candidate:
    return Candidate(url.split("/")[2], 0, "buildingai", url, "", timeout_seconds=1, max_retries=0)


def _headers(secret: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"} if secret else {}


def _body(request: ChatRequest, candidate: Candidate) -> dict[str, Any]:
    options = given(request, candidate, KNOWN)
    if json_of(options, candidate) is not None:
        raise not_supported(candidate, "response_format")
    messages = [_message(message, candidate, index) for index, message in enumerate(request.messages)]
    told = [message for message in messages if message["parts"]]
    if not told:
        raise invalid("/messages", gettext("There has to be a message that is not empty."))
    return {"responseMode": "streaming", "saveConversation": False, "messages": told}


def _message(message: Message, candidate: Candidate, index: int) -> dict[str, Any]:
    role, pointer = message.get("role"), f"/messages/{index}"
    if role not in {"system", "developer", "user", "assistant"} or message.get("tool_calls"):
        raise not_supported(candidate, "tools", pointer)
    parts = [_part(part) for part in parts_of(message, candidate, pointer)]
    return {"id": f"m{index}", "role": "system" if role == "developer" else role, "parts": parts}


def _part(part: Text | Image | Link) -> dict[str, Any]:
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case Image(media_type, data):
            return {"type": "file", "mediaType": media_type, "url": f"data:{media_type};base64,{data}"}
        case Link(url):
            return {"type": "file", "mediaType": "image/*", "url": url}


def _failure(found: dict[str, Any], candidate: Candidate) -> Exception:
    """What an envelope that came instead of a stream means."""
    code = count(found.get("code")) or 0
    status = _STATUS.get(code // 100, 400 if 40000 <= code < 50000 else 500)
    words = words_in(found.get("message"), f"code {code}" if code else "malformed answer")
    return failure_of(status, words, candidate)


class _Reading:
    """A UI message stream, see `reading.Reading`."""

    def __init__(self, candidate: Candidate) -> None:
        self.finish, self.done, self.linger = "", False, LINGER_SECONDS
        self.usage = Usage(None, None)
        self._candidate = candidate

    def take(self, _name: str, data: bytes) -> Iterable[Item]:
        if data == b"[DONE]":
            self.done = True
            return ()
        event = upstream.decoded(data, self._candidate)
        with shaped(self._candidate):
            return self._read(event)

    def _read(self, event: dict[str, Any]) -> Iterable[Item]:
        match event["type"]:
            case "text-delta" if event["delta"]:
                if not isinstance(event["delta"], str):
                    raise TypeError
                return [Delta(event["delta"])]
            case "finish":
                self.finish = _FINISHES.get(event.get("finishReason") or "", "stop")
            case "data-usage":
                self.usage = _usage(event["data"])
            case "error" | "abort":
                words = words_in(event.get("errorText") or event.get("error"), "the agent gave up")
                raise UpstreamFailed(endpoint=self._candidate.endpoint, what=words)
        return ()


def _usage(counts: dict[str, Any]) -> Usage:
    details = counts.get("inputTokenDetails")
    cached = details.get("cacheReadTokens") if isinstance(details, dict) else counts.get("cachedInputTokens")
    return Usage(count(counts.get("inputTokens")), count(counts.get("outputTokens")), count(cached) or 0)


HANDLER = BuildingAIHandler()
