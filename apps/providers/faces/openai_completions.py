"""`POST /v1/completions`: the older wire of plain prompts, also for models that only chat."""

import time
from collections.abc import AsyncGenerator, Mapping
from typing import Any, cast

import msgspec
from django.utils.translation import gettext
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from apps.core.errors import InvalidRequest
from apps.core.lane.body import read_json
from apps.core.lane.streams import EventStream
from apps.core.request_id import get_request_id
from apps.providers import pricing
from apps.providers.catalogue import aevery_model
from apps.providers.faces.callers import caller_of, check_model
from apps.providers.faces.chat_body import NOT_OPTIONS, check_chat, named_model
from apps.providers.faces.openai_chat import (
    DONE,
    LARGEST,
    Whole,
    counts_of,
    ended_by_error,
    trail_headers,
    wants_counts,
)
from apps.providers.gateway import passing
from apps.providers.gateway.asking import Ask
from apps.providers.gateway.calls import Call, call
from apps.providers.gateway.stream import Pieces, first_piece, items_of
from apps.providers.handlers import handlers
from apps.providers.handlers.openai import usage_of
from apps.providers.types import Candidate, ChatRequest, Delta, Finish, Item, Usage, message

_ONLY_HERE = frozenset({"prompt", "suffix", "echo", "best_of", "logprobs"})


async def completions(request: Request) -> Response:
    """The text that follows a prompt. Where no model completes, one that chats is given the prompt as its message."""
    body = await read_json(request, largest=LARGEST)
    prompt = _prompt(body)
    check_chat({**body, "messages": [message("user", prompt)]})
    name, principal, stream = named_model(body), request.state.principal, bool(body.get("stream"))
    check_model(principal, name)
    completes = any(c.model == name and "completion" in c.capabilities for c in await aevery_model())
    ask = Ask(
        "completion" if completes else "chat",
        name,
        caller=await caller_of(principal),
        operation="completion" if completes else "chat",
    )
    opened = await _opened(ask, body, prompt, stream=stream)
    if isinstance(opened.got, passing.Begun):
        passed = passing.forwarded(opened.got, opened.meter, opened.permit, counts_wanted=wants_counts(body))
        return EventStream(ended_by_error(passed), trail_headers(opened))
    if isinstance(opened.got, Whole):
        counts = usage_of(opened.got.answer.get("usage"))
        settle = BackgroundTask(opened.meter.close, opened.permit, counts, text=str(opened.got.answer["choices"]))
        return Response(
            opened.got.body, media_type="application/json", headers=trail_headers(opened), background=settle
        )
    face, items = _Face(opened.candidate.model, counts=wants_counts(body)), items_of(cast("Call[Pieces]", opened))
    if stream:
        return EventStream(ended_by_error(face.chunks(items)), trail_headers(opened))
    return Response(await face.whole(items), media_type="application/json", headers=trail_headers(opened))


async def _opened(ask: Ask, body: Mapping[str, Any], prompt: str, *, stream: bool) -> Call[Any]:
    options = {n: v for n, v in body.items() if n not in NOT_OPTIONS | _ONLY_HERE and v is not None}
    chat = ChatRequest([message("user", prompt)], options, stream=stream, key=get_request_id())

    async def begin(candidate: Candidate, secret: str | None) -> Whole | passing.Begun | Pieces:
        handler = handlers()[candidate.handler_key]
        if ask.operation == "chat":
            return await first_piece(chat, candidate, secret)
        sent = passing.body_for(candidate, body, stream=stream)
        raw = await handler.post(  # type: ignore[attr-defined]  # whoever completes speaks this wire
            "completions", sent, candidate, secret, stream=stream, key=chat.key
        )
        if stream:
            return await passing.begun(raw, candidate, secret)
        return Whole(*await passing.whole(raw, candidate, secret))

    return await call(ask, begin, tokens_in=pricing.tokens_of(chat), limit=chat.max_tokens, stream=stream)


def _prompt(body: Any) -> str:
    prompt = body.get("prompt") if isinstance(body, dict) else None
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if not isinstance(prompt, str) or not prompt:
        words = gettext("This has to be one text.")
        raise InvalidRequest(details={"errors": [{"pointer": "/prompt", "code": "invalid", "message": words}]})
    return prompt


class _Face:
    """Pieces of an answer in the shape of Completions."""

    def __init__(self, model: str, *, counts: bool) -> None:
        self._head = {
            "id": f"cmpl-{get_request_id()}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": model,
        }
        self._counts = counts

    async def chunks(self, items: AsyncGenerator[Item, None]) -> AsyncGenerator[bytes, None]:
        """Server-sent events."""
        try:
            async for item in items:
                match item:
                    case Delta(text):
                        yield self._event([_choice(text)])
                    case Finish(reason):
                        yield self._event([_choice("", reason)])
                    case Usage() if self._counts:
                        yield self._event([], usage=counts_of(item))
            yield DONE
        finally:
            await items.aclose()

    async def whole(self, items: AsyncGenerator[Item, None]) -> bytes:
        """One answer of all pieces."""
        said: list[str] = []
        finish, usage = "stop", Usage(0, 0)
        try:
            async for item in items:
                match item:
                    case Delta(text):
                        said.append(text)
                    case Finish(reason):
                        finish = reason
                    case Usage():
                        usage = item
        finally:
            await items.aclose()
        return msgspec.json.encode(
            {**self._head, "choices": [_choice("".join(said), finish)], "usage": counts_of(usage)}
        )

    def _event(self, choices: list[dict[str, Any]], **more: Any) -> bytes:
        return b"data: %s\n\n" % msgspec.json.encode({**self._head, "choices": choices, **more})


def _choice(text: str, finish: str | None = None) -> dict[str, Any]:
    return {"index": 0, "text": text, "finish_reason": finish, "logprobs": None}
