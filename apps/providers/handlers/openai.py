"""OpenAI's Chat Completions and every server compatible with it (streaming, usage in the last chunk).

Wire format: POST {base_url}/chat/completions, `stream: true`, `stream_options.include_usage`; server-sent events
with `data: {json}` lines, closed by `data: [DONE]`.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

from apps.core.http import session
from apps.providers.errors import UpstreamBusy, UpstreamFailed, UpstreamRefused, UpstreamTimeout
from apps.providers.types import Candidate, ChatRequest, Delta, Usage

FIRST_BYTE_SECONDS = 30
MAX_LINE = 1024 * 1024  # a line longer than this is no token


class OpenAIHandler:
    """Supports: chat, streaming, usage. Errors: 429 busy, 5xx and broken streams failed, other 4xx refused."""

    key = "openai"
    requires_secret = True

    async def chat(
        self, request: ChatRequest, candidate: Candidate, secret: str | None
    ) -> AsyncIterator[Delta | Usage]:
        url = f"{candidate.base_url.rstrip('/')}/chat/completions"
        headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": request.key}
        timeout = aiohttp.ClientTimeout(
            total=candidate.timeout_seconds,
            sock_connect=2,
            sock_read=min(FIRST_BYTE_SECONDS, candidate.timeout_seconds),
        )
        try:
            async with session().post(
                url, json=_body(request, candidate), headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                await _raise_for_status(response, candidate)
                async for item in _read_stream(response, candidate):
                    yield item
        except (UpstreamFailed, UpstreamRefused) as exc:
            # Some servers repeat the key they were given.
            raise type(exc)(endpoint=candidate.endpoint, what=_without(secret, str(exc.params["what"]))) from None
        except TimeoutError as exc:
            raise UpstreamTimeout(endpoint=candidate.endpoint) from exc
        except aiohttp.ClientError as exc:
            raise UpstreamFailed(endpoint=candidate.endpoint, what=type(exc).__name__) from exc


def _without(secret: str | None, text: str) -> str:
    return text.replace(secret, "…") if secret else text


def _body(request: ChatRequest, candidate: Candidate) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": candidate.model,
        "messages": [{"role": m.role, "content": m.content} for m in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.max_tokens is not None:
        body["max_tokens"] = request.max_tokens
    return body


async def _raise_for_status(response: aiohttp.ClientResponse, candidate: Candidate) -> None:
    if response.status == 200:
        return
    raw = (await response.content.read(4096)).decode("utf-8", "replace")
    try:
        what = str(json.loads(raw)["error"]["message"])[:300]
    except (ValueError, KeyError, TypeError):
        what = f"HTTP {response.status}"
    if response.status == 429:
        raise UpstreamBusy(endpoint=candidate.endpoint)
    if response.status >= 500:
        raise UpstreamFailed(endpoint=candidate.endpoint, what=what)
    raise UpstreamRefused(endpoint=candidate.endpoint, what=what)


async def _read_stream(response: aiohttp.ClientResponse, candidate: Candidate) -> AsyncIterator[Delta | Usage]:
    usage, finished = Usage(None, None), False
    buffer = b""
    async for chunk in response.content.iter_any():
        buffer += chunk
        if len(buffer) > MAX_LINE:
            raise UpstreamFailed(endpoint=candidate.endpoint, what="a line without end")
        *lines, buffer = buffer.split(b"\n")
        for line in lines:
            data = line.strip().removeprefix(b"data:").strip()
            if not line.startswith(b"data:"):
                continue
            if data == b"[DONE]":
                yield usage
                return  # some servers keep the line open
            text, usage, ended = _parse(data, usage, candidate)
            finished = finished or ended
            if text:
                yield Delta(text)
    if not finished:
        raise UpstreamFailed(endpoint=candidate.endpoint, what="the stream was cut")
    yield usage


def _parse(data: bytes, usage: Usage, candidate: Candidate) -> tuple[str, Usage, bool]:
    try:
        event = json.loads(data)
        if event.get("error"):
            raise UpstreamFailed(endpoint=candidate.endpoint, what=str(event["error"].get("message", ""))[:300])
        if counts := event.get("usage"):
            usage = Usage(counts.get("prompt_tokens"), counts.get("completion_tokens"))
        choice = (event.get("choices") or [{}])[0]
        text = (choice.get("delta") or {}).get("content") or ""
        if not isinstance(text, str):
            raise UpstreamFailed(endpoint=candidate.endpoint, what="malformed answer")
        return text, usage, bool(choice.get("finish_reason"))
    except (ValueError, LookupError, AttributeError, TypeError) as exc:
        raise UpstreamFailed(endpoint=candidate.endpoint, what="malformed answer") from exc


HANDLER = OpenAIHandler()
