"""`/api/v1/ai/*`: one protocol for every model, plain or as server-sent events.

Events, in this order: `start`, then `delta` and `tool_call` as they come, `usage`, `done`. An error is always the
last event, `error`, whenever it happens. Each has a number as its id; a stream cannot be resumed, since the answer
would have to be paid for again: whoever loses it asks anew, with the request id to find it in the records.
"""

from collections.abc import AsyncGenerator
from typing import Any

import msgspec
from django.utils.translation import gettext
from starlette.requests import Request
from starlette.responses import Response

from apps.core.errors import ApiError, InvalidRequest, error_body
from apps.core.lane.body import read_json
from apps.core.lane.streams import EventStream
from apps.core.request_id import get_request_id
from apps.core.tokens import estimate_tokens
from apps.providers.faces.callers import caller_of, check_model
from apps.providers.faces.chat_body import check_chat, request_of
from apps.providers.faces.openai import texts_of
from apps.providers.faces.openai_chat import LARGEST, trail_body, trail_headers
from apps.providers.gateway import Ask, Streamed, stream
from apps.providers.gateway.calls import call
from apps.providers.gateway.chat import add_tool_call
from apps.providers.handlers import handlers
from apps.providers.strategies import STRATEGIES
from apps.providers.types import Candidate, Delta, Embeddings, Finish, ToolCallDelta, Usage, message


async def chat(request: Request) -> Response:
    """`POST /api/v1/ai/chat`."""
    body = check_chat(await read_json(request, largest=LARGEST))
    return await _answered(request, body)


async def completions(request: Request) -> Response:
    """`POST /api/v1/ai/completions`: a prompt and perhaps a system text, answered in the same envelope."""
    body = await read_json(request, largest=LARGEST)
    if not isinstance(body, dict) or not isinstance(body.get("prompt"), str) or not body["prompt"]:
        raise _invalid("/prompt", gettext("This has to be a text."))
    system = body.get("system") or ""
    if not isinstance(system, str):
        raise _invalid("/system", gettext("This has to be a text."))
    messages = [message("system", system)] if system else []
    rest = {name: value for name, value in body.items() if name not in {"prompt", "system", "messages"}}
    return await _answered(request, check_chat({**rest, "messages": [*messages, message("user", body["prompt"])]}))


async def embeddings(request: Request) -> Response:
    """`POST /api/v1/ai/embeddings`."""
    body = await read_json(request, largest=LARGEST)
    texts = texts_of(body)
    ask = await _ask(request, body, "embedding")

    async def begin(candidate: Candidate, secret: str | None) -> Embeddings:
        return await handlers()[candidate.handler_key].embed(texts, candidate, secret)

    tokens_in = sum(map(estimate_tokens, texts))
    opened = await call(ask, begin, tokens_in=tokens_in, limit=1, stream=False)
    counted = opened.got.usage
    usage = Usage(tokens_in if counted.input_tokens is None else counted.input_tokens, 0)
    await opened.meter.close(opened.permit, usage)
    told = {
        "requestId": get_request_id(),
        "vectors": opened.got.vectors,
        **trail_body(opened),
        "usage": _counts(usage, opened.meter.cost, estimated=counted.input_tokens is None),
    }
    return Response(msgspec.json.encode(told), media_type="application/json", headers=trail_headers(opened))


async def _ask(request: Request, body: Any, capability: str) -> Ask:
    model, strategy = body.get("model") or "", body.get("strategy") or "priority"
    if not isinstance(model, str):
        raise _invalid("/model", gettext("This has to be a text."))
    if strategy not in STRATEGIES:
        words = gettext("Choose one of: %(names)s.") % {"names": ", ".join(STRATEGIES)}
        raise _invalid("/strategy", words)
    check_model(request.state.principal, model)
    operation: Any = "embedding" if capability == "embedding" else "chat"
    caller = await caller_of(request.state.principal)
    return Ask(capability, model, strategy=strategy, caller=caller, operation=operation)


async def _answered(request: Request, body: dict[str, Any]) -> Response:
    capability = body.get("capability") or "chat"
    if not isinstance(capability, str):
        raise _invalid("/capability", gettext("This has to be a text."))
    wants_stream = bool(body.get("stream"))
    chat_request = request_of(body, stream=wants_stream, key=get_request_id())
    streamed = await stream(chat_request, await _ask(request, body, capability))
    if wants_stream:
        return EventStream(_frames(streamed), trail_headers(streamed.call))
    told = await _whole(streamed)
    return Response(msgspec.json.encode(told), media_type="application/json", headers=trail_headers(streamed.call))


async def _whole(streamed: Streamed) -> dict[str, Any]:
    said: list[str] = []
    calls: dict[int, dict[str, Any]] = {}
    finish, usage = "stop", Usage(0, 0)
    try:
        async for item in streamed.items:
            match item:
                case Delta(text):
                    said.append(text)
                case ToolCallDelta():
                    add_tool_call(calls, item)
                case Finish(reason):
                    finish = reason
                case Usage():
                    usage = item
    finally:
        await streamed.items.aclose()
    return {
        "requestId": get_request_id(),
        "text": "".join(said),
        "tool_calls": [calls[index] for index in sorted(calls)],
        "finish_reason": finish,
        **trail_body(streamed.call),
        "usage": _counts(usage, streamed.call.meter.cost, estimated=streamed.call.meter.estimated),
    }


async def _frames(streamed: Streamed) -> AsyncGenerator[bytes, None]:
    """The answer's events; see the module's words for their order."""
    frames = Frames()
    finish, opened = "stop", streamed.call
    try:
        trail = trail_body(opened)
        yield frames.one("start", {"requestId": get_request_id(), "model": trail["model_used"], **_who(trail)})
        async for item in streamed.items:
            match item:
                case Delta(text):
                    yield frames.one("delta", {"text": text})
                case ToolCallDelta():
                    yield frames.one("tool_call", _call(item))
                case Finish(reason):
                    finish = reason
                case Usage():
                    yield frames.one("usage", _counts(item, opened.meter.cost, estimated=opened.meter.estimated))
        yield frames.one("done", {"finish_reason": finish, **trail})
    except ApiError as exc:
        yield frames.one("error", error_body(exc, get_request_id()))
    finally:
        await streamed.items.aclose()


class Frames:
    """Server-sent events, numbered from 1."""

    def __init__(self) -> None:
        self._number = 0

    def one(self, name: str, data: Any) -> bytes:
        """The next frame."""
        self._number += 1
        return b"id: %d\nevent: %s\ndata: %s\n\n" % (self._number, name.encode(), msgspec.json.encode(data))


def _who(trail: dict[str, Any]) -> dict[str, Any]:
    return {"endpoint": trail["endpoint"], "mock": trail["mock"]}


def _call(item: ToolCallDelta) -> dict[str, Any]:
    return {"index": item.index, "id": item.id, "name": item.name, "arguments": item.arguments}


def _counts(usage: Usage, cost: int | None, *, estimated: bool) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_tokens": usage.cached_tokens,
        "estimated": estimated,
        "cost": cost,
    }


def _invalid(pointer: str, words: str) -> InvalidRequest:
    return InvalidRequest(details={"errors": [{"pointer": pointer, "code": "invalid", "message": words}]})
