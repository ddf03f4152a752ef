"""OpenAI's API and every server compatible with it.

Wire format: POST {base_url}/chat/completions with `stream_options.include_usage`; server-sent events of `data: {json}`
closed by `data: [DONE]`; POST {base_url}/embeddings; GET {base_url}/models.
"""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp

from apps.providers import upstream
from apps.providers.errors import UpstreamFailed
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


class OpenAIHandler:
    """Supports: chat, completions, embeddings, streaming, tools, JSON mode, images in, usage, cached tokens."""

    key = "openai"
    label = "OpenAI-compatible"
    requires_secret = True
    operations: frozenset[Operation] = frozenset({"chat", "completion", "embedding"})

    async def chat(self, request: ChatRequest, candidate: Candidate, secret: str | None) -> AsyncIterator[Item]:
        url = _url(candidate, "chat/completions")
        body, headers = _body(request, candidate), _headers(secret, request.key)
        async with upstream.asked(url, body, headers, candidate, secret, stream=request.stream) as response:
            if request.stream:
                async for item in _streamed(response, candidate):
                    yield item
                return
            for item in _whole(await upstream.read_json(response, candidate), candidate):
                yield item

    async def embed(self, texts: Sequence[str], candidate: Candidate, secret: str | None) -> Embeddings:
        url = _url(candidate, "embeddings")
        body = {"model": candidate.model, "input": list(texts), "encoding_format": "float"}
        async with upstream.asked(url, body, _headers(secret, ""), candidate, secret) as response:
            found = await upstream.read_json(response, candidate)
        try:
            rows = sorted(found["data"], key=lambda row: row["index"])
            vectors = [[float(value) for value in row["embedding"]] for row in rows]
        except (LookupError, TypeError, ValueError, AttributeError) as exc:
            raise UpstreamFailed(endpoint=candidate.endpoint, what="malformed answer") from exc
        if len(vectors) != len(texts):
            raise UpstreamFailed(endpoint=candidate.endpoint, what="not one vector for each text")
        return Embeddings(vectors, usage_of(found.get("usage")))

    async def models(self, base_url: str, secret: str | None, *, seconds: float) -> list[str]:
        found = await upstream.get_json(f"{base_url.rstrip('/')}/models", _headers(secret, ""), secret, seconds=seconds)
        rows = found.get("data")
        return (
            [str(row["id"]) for row in rows if isinstance(row, dict) and "id" in row] if isinstance(rows, list) else []
        )

    async def post(
        self, path: str, body: bytes, candidate: Candidate, secret: str | None, *, stream: bool, key: str
    ) -> Raw:
        """The upstream's answer as it is. Failures while it is read are told apart by whoever reads."""
        headers = _headers(secret, key)
        response = await upstream.send(_url(candidate, path), body, headers, candidate, secret, stream=stream)
        return Raw(response.content.iter_any(), response.content_type, response.close)


def _url(candidate: Candidate, path: str) -> str:
    return f"{candidate.base_url.rstrip('/')}/{path}"


def _headers(secret: str | None, key: str) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    return {**headers, "Idempotency-Key": key} if key else headers


def _body(request: ChatRequest, candidate: Candidate) -> dict[str, Any]:
    body: dict[str, Any] = {**request.options, "model": candidate.model, "messages": list(request.messages)}
    body.pop("stream_options", None)
    if request.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return body


def usage_of(counts: Any) -> Usage:
    """The token counts of an answer; what is no number is unknown."""
    if not isinstance(counts, dict):
        return Usage(None, None)
    details = counts.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    return Usage(_count(counts.get("prompt_tokens")), _count(counts.get("completion_tokens")), _count(cached) or 0)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _whole(answer: dict[str, Any], candidate: Candidate) -> list[Item]:
    """The pieces of an answer that came in one."""
    items, _usage, ended = _read(answer, candidate, part="message")
    if not ended:
        raise UpstreamFailed(endpoint=candidate.endpoint, what="malformed answer")
    return [*items, usage_of(answer.get("usage"))]


async def _streamed(response: aiohttp.ClientResponse, candidate: Candidate) -> AsyncIterator[Item]:
    usage, finished = Usage(None, None), False
    async for _name, data in upstream.events(response, candidate):
        if data == b"[DONE]":
            finished = True
            break  # some servers keep the line open
        try:
            event = json.loads(data)
        except (ValueError, RecursionError) as exc:
            raise UpstreamFailed(endpoint=candidate.endpoint, what="malformed answer") from exc
        items, counted, ended = _read(event, candidate, part="delta")
        usage, finished = counted or usage, finished or ended
        for item in items:
            yield item
    if not finished:
        raise UpstreamFailed(endpoint=candidate.endpoint, what="the stream was cut")
    yield usage


def _read(event: Any, candidate: Candidate, *, part: str) -> tuple[list[Item], Usage | None, bool]:
    """What one event or one whole answer holds: pieces, token counts, whether the answer ended."""
    try:
        if error := event.get("error"):
            words = error.get("message", "") if isinstance(error, dict) else error
            raise UpstreamFailed(endpoint=candidate.endpoint, what=str(words)[:300])
        usage = usage_of(event["usage"]) if event.get("usage") else None
        choice = (event.get("choices") or [{}])[0]
        said = choice.get(part) or {}
        items: list[Item] = []
        if text := said.get("content"):
            items.append(Delta(_text(text)))
        items += [_tool_call(index, call) for index, call in enumerate(said.get("tool_calls") or [])]
        if reason := choice.get("finish_reason"):
            items.append(Finish(_text(reason)))
        return items, usage, bool(reason)
    except (LookupError, AttributeError, TypeError) as exc:
        raise UpstreamFailed(endpoint=candidate.endpoint, what="malformed answer") from exc


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
