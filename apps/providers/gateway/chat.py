"""A chat whose whole answer is wanted."""

from collections.abc import Awaitable, Callable
from typing import Any

from apps.providers.gateway.asking import Ask
from apps.providers.gateway.stream import stream
from apps.providers.types import Answer, ChatRequest, Delta, Finish, ToolCallDelta, Usage

OnDelta = Callable[[str], Awaitable[None]]


async def chat(request: ChatRequest, ask: Ask, *, on_delta: OnDelta | None = None) -> Answer:
    """The whole answer; its pieces reach `on_delta` as they come.

    Raises `NoRoute`, or the last upstream's error when all candidates failed. After the first piece there is no
    failing over: another model would begin a different answer. When every candidate failed in a way that the degrade
    policy covers, its model is asked on any endpoint that offers it, and the answer says that it is `degraded`.
    """
    streamed = await stream(request, ask)
    said: list[str] = []
    calls: dict[int, dict[str, Any]] = {}
    finish, usage = "stop", Usage(None, None)
    try:
        async for item in streamed.items:
            match item:
                case Delta(text):
                    said.append(text)
                    if on_delta is not None:
                        await on_delta(text)
                case ToolCallDelta():
                    add_tool_call(calls, item)
                case Finish(reason):
                    finish = reason
                case Usage():
                    usage = item
    finally:
        await streamed.items.aclose()
    call = streamed.call
    return Answer(
        text="".join(said),
        model_used=call.candidate.model,
        endpoint=call.candidate.endpoint,
        mock=call.mock,
        usage=usage,
        attempts=tuple(call.trail.attempts),
        degraded=call.trail.degraded,
        tool_calls=tuple(calls[index] for index in sorted(calls)),
        finish_reason=finish,
        cost_micro=call.meter.cost,
        estimated=call.meter.estimated,
    )


def add_tool_call(calls: dict[int, dict[str, Any]], piece: ToolCallDelta) -> None:
    """Put `piece` where it belongs among the calls that are being put together, in OpenAI's shape."""
    call = calls.setdefault(piece.index, {"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
    call["id"] = call["id"] or piece.id
    call["function"]["name"] = call["function"]["name"] or piece.name
    call["function"]["arguments"] += piece.arguments
