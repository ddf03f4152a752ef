"""`POST /v1/chat/completions`: bytes of upstreams that speak this wire, and the same wire made of others' pieces."""

import time
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from apps.core.errors import ApiError
from apps.core.lane.body import read_json
from apps.core.lane.streams import EventStream, unless_gone
from apps.core.request_id import get_request_id
from apps.providers import pricing
from apps.providers.faces.callers import caller_of, check_model
from apps.providers.faces.chat_body import check_chat, named_model, request_of
from apps.providers.faces.openai_errors import error_object
from apps.providers.gateway import passing, virtual
from apps.providers.gateway.asking import Ask
from apps.providers.gateway.calls import Call, call
from apps.providers.gateway.chat import add_tool_call
from apps.providers.gateway.stream import Pieces, first_piece, items_of
from apps.providers.gateway.virtual import Told, VirtualAnswer
from apps.providers.handlers import handlers
from apps.providers.handlers.openai import usage_of
from apps.providers.types import Candidate, Delta, Finish, Item, ToolCallDelta, Usage

LARGEST = 24 * 1024 * 1024  # bytes; a chat may carry images
HUNG_UP = 499  # nobody reads it; the log does
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Whole:
    """A plain answer of an upstream that speaks this wire."""

    body: bytes
    answer: dict[str, Any]


async def chat_completions(request: Request) -> Response:
    """An answer or a stream of them, in OpenAI's shape."""
    body = check_chat(await read_json(request, largest=LARGEST))
    model, principal = named_model(body), request.state.principal
    stream = bool(body.get("stream"))
    if models := virtual.answering(model):
        answer = await models.ask(model, body, principal, request.headers)
        return await _virtual(answer, request, Face(answer.model, wants_counts(body)), stream=stream)
    check_model(principal, model)
    return await _answered(body, Ask("chat", model, caller=await caller_of(principal)), stream=stream)


async def _virtual(answer: VirtualAnswer, request: Request, face: "Face", *, stream: bool) -> Response:
    """The answer of an app above. It may take long, so nobody waits for it once the caller has hung up."""
    headers = dict(answer.headers)
    if stream:
        return EventStream(ended_by_error(face.chunks(answer.items)), headers)
    whole = await unless_gone(request.receive, face.whole(answer.items, paiban=dict(answer.about)))
    if whole is None:
        return Response(status_code=HUNG_UP)
    return Response(whole, media_type="application/json", headers=headers)


async def _answered(body: Mapping[str, Any], ask: Ask, *, stream: bool) -> Response:
    chat = request_of(body, stream=stream, key=get_request_id())

    async def begin(candidate: Candidate, secret: str | None) -> Whole | passing.Begun | Pieces:
        post = getattr(handlers()[candidate.handler_key], "post", None)
        if post is None:
            return await first_piece(chat, candidate, secret)
        sent = passing.body_for(candidate, body, stream=stream)
        raw = await post("chat/completions", sent, candidate, secret, stream=stream, key=chat.key)
        if stream:
            return await passing.begun(raw, candidate, secret)
        return Whole(*await passing.whole(raw, candidate, secret))

    opened = await call(ask, begin, tokens_in=pricing.tokens_of(chat), limit=chat.max_tokens, stream=stream)
    if isinstance(opened.got, Whole):
        return _handed_on(opened, opened.got)
    if isinstance(opened.got, passing.Begun):
        passed = passing.forwarded(opened.got, opened.meter, opened.permit, counts_wanted=wants_counts(body))
        return EventStream(ended_by_error(passed), trail_headers(opened))
    face, items = Face(opened.candidate.model, wants_counts(body)), items_of(cast("Call[Pieces]", opened))
    if stream:
        return EventStream(ended_by_error(face.chunks(items)), trail_headers(opened))
    whole = await face.whole(items, paiban=trail_body(opened))
    return Response(whole, media_type="application/json", headers=trail_headers(opened))


def _handed_on(opened: Call[Any], whole: Whole) -> Response:
    """The upstream's own bytes, with who answered added at their end; settled once they are sent."""
    text = "" if whole.answer.get("usage") else _text_of(whole.answer)
    settle = BackgroundTask(opened.meter.close, opened.permit, usage_of(whole.answer.get("usage")), text=text)
    told = b'%s,"paiban":%s}' % (whole.body.rstrip()[:-1], msgspec.json.encode(trail_body(opened)))
    return Response(told, media_type="application/json", headers=trail_headers(opened), background=settle)


def _text_of(answer: Mapping[str, Any]) -> str:
    return str([choice.get("message", choice.get("text")) for choice in answer["choices"] if isinstance(choice, dict)])


def wants_counts(body: Mapping[str, Any]) -> bool:
    options = body.get("stream_options")
    return isinstance(options, dict) and bool(options.get("include_usage"))


def trail_headers(opened: Call[Any]) -> dict[str, str]:
    """Who answered, and whether somebody else had to be asked before."""
    tried = len(opened.trail.attempts)
    return {
        "X-Paiban-Model": opened.candidate.model,
        "X-Paiban-Endpoint": opened.candidate.endpoint,
        "X-Paiban-Attempts": str(tried + 1),
        "X-Paiban-Fallback": "true" if tried or opened.trail.degraded else "false",
    }


def trail_body(opened: Call[Any]) -> dict[str, Any]:
    """The same for the body, with what went wrong."""
    return {
        "model_used": opened.candidate.model,
        "endpoint": opened.candidate.endpoint,
        "attempts": opened.trail.attempts,
        "degraded": opened.trail.degraded,
        "mock": opened.mock,
    }


async def ended_by_error(chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """`chunks`; a failure on the way is told in a last frame, and no `[DONE]` follows."""
    try:
        async for chunk in chunks:
            yield chunk
    except ApiError as exc:
        yield b"data: %s\n\n" % msgspec.json.encode(error_object(exc))
    finally:
        await chunks.aclose()


class Face:
    """Pieces of an answer in the shape of Chat Completions."""

    def __init__(self, model: str, counts_wanted: bool) -> None:
        self._head = {"id": f"chatcmpl-{get_request_id()}", "created": int(time.time()), "model": model}
        self._counts_wanted = counts_wanted

    async def chunks(self, items: AsyncGenerator[Item | Told, None]) -> AsyncGenerator[bytes, None]:
        """Server-sent events; the counts only where they were asked for."""
        try:
            yield self._chunk([_choice({"role": "assistant", "content": ""})])
            async for item in items:
                match item:
                    case Delta(text):
                        yield self._chunk([_choice({"content": text})])
                    case ToolCallDelta():
                        yield self._chunk([_choice({"tool_calls": [_piece_of_call(item)]})])
                    case Told(event):
                        yield self._chunk([_choice({})], paiban=event)
                    case Finish(reason):
                        yield self._chunk([_choice({}, reason)])
                    case Usage() if self._counts_wanted:
                        yield self._chunk([], usage=counts_of(item))
            yield DONE
        finally:
            await items.aclose()

    async def whole(self, items: AsyncGenerator[Item | Told, None], **more: Any) -> bytes:
        """One answer of all pieces; of what was told, the last."""
        said: list[str] = []
        calls: dict[int, dict[str, Any]] = {}
        finish, usage = "stop", Usage(0, 0)
        try:
            async for item in items:
                match item:
                    case Delta(text):
                        said.append(text)
                    case ToolCallDelta():
                        add_tool_call(calls, item)
                    case Told(event):
                        more["paiban"] = {**more.get("paiban", {}), "event": event}
                    case Finish(reason):
                        finish = reason
                    case Usage():
                        usage = item
        finally:
            await items.aclose()
        message: dict[str, Any] = {"role": "assistant", "content": "".join(said) if said or not calls else None}
        if calls:
            message["tool_calls"] = [calls[index] for index in sorted(calls)]
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
        answer = {**self._head, "object": "chat.completion", "choices": [choice], "usage": counts_of(usage)}
        return msgspec.json.encode({**answer, **more})

    def _chunk(self, choices: list[dict[str, Any]], **more: Any) -> bytes:
        event = {**self._head, "object": "chat.completion.chunk", "choices": choices, **more}
        return b"data: %s\n\n" % msgspec.json.encode(event)


def _choice(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}


def _piece_of_call(piece: ToolCallDelta) -> dict[str, Any]:
    function: dict[str, Any] = {"arguments": piece.arguments}
    found: dict[str, Any] = {"index": piece.index, "function": function}
    if piece.id or piece.name:
        found |= {"id": piece.id, "type": "function"}
        function["name"] = piece.name
    return found


def counts_of(usage: Usage) -> dict[str, Any]:
    """Token counts as OpenAI names them."""
    tokens_in, tokens_out = usage.input_tokens or 0, usage.output_tokens or 0
    return {
        "prompt_tokens": tokens_in,
        "completion_tokens": tokens_out,
        "total_tokens": tokens_in + tokens_out,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }
