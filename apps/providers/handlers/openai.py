"""OpenAI's API and every server compatible with it.

Wire format: POST {base_url}/chat/completions with `stream_options.include_usage`; server-sent events of `data: {json}`
closed by `data: [DONE]`; POST {base_url}/embeddings; GET {base_url}/models.

| | |
| --- | --- |
| chat, plain and streamed | yes |
| completions, embeddings | yes |
| tools, JSON mode, JSON Schema | yes, as the server has them |
| images in | data URLs (PNG, JPEG, WebP, GIF; 10 MB), links are passed on |
| usage, cached tokens | yes, also as DeepSeek and Moonshot name them; estimated where a server does not count |
| reasoning text | not part of the answer; its tokens are counted |
| limit of tokens | `max_completion_tokens` for OpenAI, Azure and reasoning models, `max_tokens` for all others |
| other options | passed on; `n` above 1, `logprobs`, sound and `functions` are refused |
"""

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import msgspec

from apps.core.http_wire import Answer
from apps.providers import upstream
from apps.providers.errors import UpstreamFailed, UpstreamRefused
from apps.providers.failures import shaped, words_in
from apps.providers.options import refuse_many
from apps.providers.reading import LINGER_SECONDS, pieces
from apps.providers.types import (
    Candidate,
    ChatRequest,
    Delta,
    Embeddings,
    Finish,
    Item,
    Operation,
    Raw,
    ToolCallDelta,
    Usage,
)
from apps.providers.wire import check_images

BASE_URL = "https://api.openai.com/v1"
_REASONING = re.compile(r"(o\d|gpt-[5-9])")  # model names that refuse `max_tokens`
_FINISHES = {
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
}
_COUNTS = "stream_options"


class OpenAIHandler:
    """Supports: chat, completions, embeddings, streaming, tools, JSON mode, images in, usage, cached tokens."""

    key = "openai"
    label = "OpenAI-compatible"
    requires_secret = True
    operations: frozenset[Operation] = frozenset({"chat", "completion", "embedding"})

    def __init__(self) -> None:
        self._uncounted: set[str] = set()  # base URLs of servers that refuse to be asked for their counts

    async def chat(self, request: ChatRequest, candidate: Candidate, secret: str | None) -> AsyncIterator[Item]:
        refuse_many(request, candidate)
        check_images(request.messages, candidate)
        body = upstream.encoded(_body(request, candidate))
        response = await self._sent("chat/completions", body, candidate, secret, stream=request.stream, key=request.key)
        async with upstream.held(response, candidate, secret):
            if request.stream and response.content_type != "application/json":
                async for item in pieces(response, candidate, _Reading(candidate)):
                    yield item
                return  # a server that cannot stream answers in one piece
            for item in _whole(await upstream.read_json(response, candidate), candidate):
                yield item

    async def _sent(
        self, path: str, body: bytes, candidate: Candidate, secret: str | None, *, stream: bool, key: str
    ) -> Answer:
        """The response; a server that does not know `stream_options` is asked without, now and from now on."""
        url, headers = _url(candidate, path), _headers(secret, key)
        if stream and candidate.base_url in self._uncounted:
            body = _without_counts(body)
        try:
            return await upstream.send(url, body, headers, candidate, secret, stream=stream)
        except UpstreamRefused as exc:
            known = not stream or candidate.base_url in self._uncounted
            if known or _COUNTS not in str(exc.params.get("what")):
                raise
        self._uncounted.add(candidate.base_url)
        return await upstream.send(url, _without_counts(body), headers, candidate, secret, stream=stream)

    async def embed(self, texts: Sequence[str], candidate: Candidate, secret: str | None) -> Embeddings:
        url = _url(candidate, "embeddings")
        body = {"model": candidate.model, "input": list(texts), "encoding_format": "float"}
        async with upstream.asked(url, body, _headers(secret, ""), candidate, secret) as response:
            found = await upstream.read_json(response, candidate)
        _refuse_error(found, candidate)
        with shaped(candidate):
            rows = sorted(found["data"], key=lambda row: row["index"])
            vectors = [[float(value) for value in row["embedding"]] for row in rows]
        if len(vectors) != len(texts):
            raise UpstreamFailed(endpoint=candidate.endpoint, what="not one vector for each text")
        return Embeddings(vectors, usage_of(found.get("usage")))

    async def models(self, base_url: str, secret: str | None, *, seconds: float) -> list[str]:
        url = upstream.url_of(base_url, "models", default=BASE_URL)
        rows = (await upstream.get_json(url, _headers(secret, ""), secret, seconds=seconds)).get("data")
        found = rows if isinstance(rows, list) else []
        return [str(row["id"]) for row in found if isinstance(row, dict) and "id" in row]

    async def post(
        self, path: str, body: bytes, candidate: Candidate, secret: str | None, *, stream: bool, key: str
    ) -> Raw:
        """The upstream's answer as it is. Failures while it is read are told apart by whoever reads."""
        response = await self._sent(path, body, candidate, secret, stream=stream, key=key)
        return Raw(response, response.content_type, response.close)


def _url(candidate: Candidate, path: str) -> str:
    return upstream.url_of(candidate.base_url, path, default=BASE_URL)


def _headers(secret: str | None, key: str) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    return {**headers, "Idempotency-Key": key} if key else headers


def _without_counts(body: bytes) -> bytes:
    found = msgspec.json.decode(body)
    return msgspec.json.encode({name: value for name, value in found.items() if name != _COUNTS})


def _body(request: ChatRequest, candidate: Candidate) -> dict[str, Any]:
    body: dict[str, Any] = {**request.options, "model": candidate.model, "messages": list(request.messages)}
    body.pop(_COUNTS, None)
    body = limited(body, candidate)
    if request.stream:
        body |= {"stream": True, _COUNTS: {"include_usage": True}}
    return body


def limited(body: Mapping[str, Any], candidate: Candidate) -> dict[str, Any]:
    """`body` with its limit of tokens under the name that `candidate`'s server knows."""
    found = {n: v for n, v in body.items() if v is not None or n not in {"max_tokens", "max_completion_tokens"}}
    limits = [found.pop(name) for name in ("max_completion_tokens", "max_tokens") if name in found]
    if limits:
        found["max_completion_tokens" if _is_newer(candidate.base_url, candidate.model) else "max_tokens"] = limits[0]
    return found


@lru_cache(maxsize=1024)
def _is_newer(base_url: str, model: str) -> bool:
    host = urlsplit(base_url or BASE_URL).hostname or ""
    own = host == "api.openai.com" or host.endswith(".openai.azure.com")
    return own or _REASONING.match(model.rpartition("/")[2]) is not None


def usage_of(counts: Any) -> Usage:
    """The token counts of an answer; what is no number is unknown."""
    if not isinstance(counts, dict):
        return Usage(None, None)
    details = counts.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    for name in ("cached_tokens", "prompt_cache_hit_tokens"):  # Moonshot, DeepSeek
        cached = counts.get(name) if cached is None else cached
    return Usage(count(counts.get("prompt_tokens")), count(counts.get("completion_tokens")), count(cached) or 0)


def count(value: Any) -> int | None:
    """`value` if it counts something."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _whole(answer: dict[str, Any], candidate: Candidate) -> Iterable[Item]:
    """The pieces of an answer that came in one, which is complete whether or not it says why it ended."""
    _refuse_error(answer, candidate)
    with shaped(candidate):
        choice = answer["choices"][0]
        items = _said(choice["message"])
        called = any(isinstance(item, ToolCallDelta) for item in items)
        reason = choice.get("finish_reason") or ("tool_calls" if called else "stop")
        return [*items, Finish(_finish(reason)), usage_of(answer.get("usage"))]


class _Reading:
    """A stream of chunks, see `reading.Reading`."""

    def __init__(self, candidate: Candidate) -> None:
        self.finish, self.done, self.linger = "", False, LINGER_SECONDS
        self.usage = Usage(None, None)
        self._candidate, self._called = candidate, False

    def take(self, _name: str, data: bytes) -> Iterable[Item]:
        if data == b"[DONE]":  # some servers end so without having said why
            self.done = True
            self.finish = self.finish or ("tool_calls" if self._called else "stop")
            return ()
        event = upstream.decoded(data, self._candidate)
        _refuse_error(event, self._candidate)
        with shaped(self._candidate):
            return self._read(event)

    def _read(self, event: dict[str, Any]) -> list[Item]:
        if counts := event.get("usage"):
            self.usage = usage_of(counts)
        choice = (event.get("choices") or [{}])[0]
        items = _said(choice.get("delta") or {})
        self._called = self._called or any(isinstance(item, ToolCallDelta) for item in items)
        if reason := choice.get("finish_reason"):
            self.finish = _finish(reason)
        return items


def _refuse_error(event: dict[str, Any], candidate: Candidate) -> None:
    if error := event.get("error"):
        raise UpstreamFailed(endpoint=candidate.endpoint, what=words_in(error))


def _said(message: dict[str, Any]) -> list[Item]:
    """What a message or a piece of one says; a refusal is what the model says instead of an answer."""
    items: list[Item] = []
    if text := message.get("content") or message.get("refusal"):
        items.append(Delta(_joined(text)))
    items += [_tool_call(index, call) for index, call in enumerate(message.get("tool_calls") or [])]
    return items


def _joined(content: Any) -> str:
    """The text of `content`, which some servers write as a list of parts."""
    if isinstance(content, list):
        return "".join(_text(part["text"]) for part in content if part.get("type") == "text")
    return _text(content)


def _finish(reason: Any) -> str:
    return _FINISHES.get(_text(reason).lower(), "stop")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _tool_call(index: int, call: dict[str, Any]) -> ToolCallDelta:
    function = call.get("function") or {}
    return ToolCallDelta(
        index=int(call.get("index", index)),
        id=_text(call.get("id") or ""),
        name=_text(function.get("name") or ""),
        arguments=_text(function.get("arguments") or ""),
    )


HANDLER = OpenAIHandler()
