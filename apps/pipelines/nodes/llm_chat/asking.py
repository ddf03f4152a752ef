"""One question to a model, recorded: what is sent and what comes back are JSON, with files as ids."""

import asyncio
import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

from apps.pipelines.nodes.base import NodeContext
from apps.pipelines.nodes.errors import ImageUnfit
from apps.pipelines.nodes.llm_chat.config import LlmChatConfig
from apps.pipelines.nodes.values import plain
from apps.providers.degrade import policy_of
from apps.providers.gateway import Ask, chat
from apps.providers.types import Answer, ChatRequest, Message
from apps.providers.wire import MAX_IMAGE

FILE: Final = "file"  # in messages as they are recorded, a part of this kind names an image by its id
_MAGIC: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


async def ask(
    context: NodeContext, messages: Sequence[Message], options: Mapping[str, Any], *, aloud: bool
) -> dict[str, Any]:
    """The model's answer as JSON: text, tool_calls, model, usage and more; the recorded one where there is one.

    `aloud`: its text reaches whoever watches, as it comes; that of a recorded answer at once. Raises as `chat` does.
    """
    config: LlmChatConfig = context.config
    said = False

    async def on_delta(text: str) -> None:
        nonlocal said
        said = True
        await context.on_delta(text)

    async def do(key: str) -> dict[str, Any]:
        sent = [await _with_images(context, message) for message in messages]
        policy = policy_of(context.parts.get("degrade", {}))
        failing = frozenset(context.parts.get("fail", ()))  # of a trial
        asked = Ask(config.capability, config.model, degrade=policy, caller=context.caller, fail=failing)
        answer = await chat(ChatRequest(sent, options, key=key), asked, on_delta=on_delta if aloud else None)
        return told(answer)

    address = f"{config.capability}/{config.model}" if config.model else config.capability
    request = {"messages": list(messages), "options": dict(options)}
    answer: dict[str, Any] = plain(await context.outside.call("model", address, request, do, repeatable=True))
    if aloud and not said and answer["text"]:
        await context.on_delta(answer["text"])
    return answer


def told(answer: Answer) -> dict[str, Any]:
    """An answer as JSON."""
    return {
        "text": answer.text,
        "tool_calls": list(answer.tool_calls),
        "finish": answer.finish_reason,
        "model": answer.model_used,
        "endpoint": answer.endpoint,
        "mock": answer.mock,
        "degraded": answer.degraded,
        "attempts": list(answer.attempts),
        "usage": {
            "input_tokens": answer.usage.input_tokens,
            "output_tokens": answer.usage.output_tokens,
            "cached_tokens": answer.usage.cached_tokens,
            "estimated": answer.estimated,
            "cost_micro": answer.cost_micro,
        },
    }


async def _with_images(context: NodeContext, message: Message) -> Message:
    """The message as it is sent, with the images themselves."""
    content = message.get("content")
    if not isinstance(content, list):
        return message
    parts = [await _sent(context, part) if part.get("type") == FILE else part for part in content]
    return {**message, "content": parts}


async def _sent(context: NodeContext, part: Mapping[str, Any]) -> dict[str, Any]:
    path = await context.files.fetch(str(part["id"]))
    if (await asyncio.to_thread(path.stat)).st_size > MAX_IMAGE:
        raise _unfit()
    raw = await asyncio.to_thread(path.read_bytes)
    encoded = await asyncio.to_thread(base64.b64encode, raw)
    return {"type": "image_url", "image_url": {"url": f"data:{_kind(raw)};base64,{encoded.decode()}"}}


def _kind(raw: bytes) -> str:
    """What the image really is, whatever it is called. Raises `ImageUnfit`."""
    if raw[:4] == b"RIFF" and raw[8:12] == b"WEBP":
        return "image/webp"
    for magic, name in _MAGIC:
        if raw.startswith(magic):
            return name
    raise _unfit()


def _unfit() -> ImageUnfit:
    return ImageUnfit(size=MAX_IMAGE // 1024**2)
