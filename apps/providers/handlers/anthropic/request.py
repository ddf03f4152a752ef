"""A chat in OpenAI's shape as the body of Anthropic's Messages API."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.utils.translation import gettext

from apps.providers.options import (
    COMMON,
    JsonWanted,
    Tool,
    arguments_of,
    choice_of,
    given,
    json_of,
    limit_of,
    stops_of,
    tools_of,
)
from apps.providers.types import Candidate, ChatRequest, Message
from apps.providers.wire import Image, Link, Text, invalid, not_supported, parts_of

KNOWN: Final = COMMON | {"seed"}
_CHOICES: Final = {"auto": "auto", "none": "none", "required": "any"}
_ID: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")

Block = dict[str, Any]


def body_of(request: ChatRequest, candidate: Candidate) -> tuple[dict[str, Any], str]:
    """The body, and the name of the tool whose arguments are the answer's text; empty where there is none.

    Raises `NotSupported` and `InvalidRequest`.
    """
    options = given(request, candidate, KNOWN)
    system, messages = _messages(request, candidate)
    body: dict[str, Any] = {
        "model": candidate.model,
        "max_tokens": limit_of(request, candidate),
        "messages": messages,
        **_sampling(options),
    }
    if system:
        body["system"] = system
    if request.stream:
        body["stream"] = True
    tools, wanted = tools_of(options, candidate), json_of(options, candidate)
    if wanted is None:
        return body | _tools(tools, options, candidate), ""
    if tools:
        raise not_supported(candidate, "response_format")
    return body | _json_tool(wanted), wanted.name


def _sampling(options: Mapping[str, Any]) -> dict[str, Any]:
    """Newer models take temperature or top_p, never both."""
    found: dict[str, Any] = {}
    if "temperature" in options:
        found["temperature"] = min(options["temperature"], 1)
    elif "top_p" in options:
        found["top_p"] = options["top_p"]
    if stops := stops_of(options):
        found["stop_sequences"] = stops
    if isinstance(user := options.get("user"), str) and user:
        found["metadata"] = {"user_id": user}
    return found


def _tools(tools: list[Tool], options: Mapping[str, Any], candidate: Candidate) -> dict[str, Any]:
    if not tools:
        return {}
    found: dict[str, Any] = {"tools": [_tool(tool) for tool in tools]}
    kind, name = choice_of(options, candidate)
    choice: dict[str, Any] = {"type": "tool", "name": name} if name else {"type": _CHOICES.get(kind, "auto")}
    if options.get("parallel_tool_calls") is False and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    if kind or len(choice) > 1:
        found["tool_choice"] = choice
    return found


def _tool(tool: Tool) -> Block:
    found: Block = {"name": tool.name, "input_schema": {"type": "object", **tool.parameters}}
    return {**found, "description": tool.description} if tool.description else found


def _json_tool(wanted: JsonWanted) -> dict[str, Any]:
    """The documented way to JSON on every model: one tool, and no choice but to call it."""
    schema = {"type": "object", **(wanted.schema or {})}
    tool = {"name": wanted.name, "description": "Give the answer as this object.", "input_schema": schema}
    return {"tools": [tool], "tool_choice": {"type": "tool", "name": wanted.name}}


def _messages(request: ChatRequest, candidate: Candidate) -> tuple[list[Block], list[Block]]:
    """System blocks, and the turns: messages of one side that follow each other are one turn."""
    system: list[Block] = []
    turns: list[dict[str, Any]] = []
    for index, message in enumerate(request.messages):
        pointer = f"/messages/{index}"
        role, blocks = message.get("role"), list(_blocks(message, candidate, pointer))
        if role in {"system", "developer"}:
            system += blocks
            continue
        side = "assistant" if role == "assistant" else "user"
        if turns and turns[-1]["role"] == side:
            turns[-1]["content"] += blocks
        elif blocks:
            turns.append({"role": side, "content": blocks})
    if not turns:
        raise invalid("/messages", gettext("There has to be a message that is not empty."))
    _trim(turns[-1])
    return system, turns


def _trim(last: dict[str, Any]) -> None:
    """A last turn of the assistant is a beginning to go on from; the API refuses one that ends in white space."""
    block = last["content"][-1]
    if last["role"] == "assistant" and block["type"] == "text":
        block["text"] = block["text"].rstrip() or "."


def _blocks(message: Message, candidate: Candidate, pointer: str) -> Iterator[Block]:
    role = message.get("role")
    if role == "function":
        raise not_supported(candidate, "function", f"{pointer}/role")
    said = [_block(part) for part in parts_of(message, candidate, pointer)]
    if role == "tool":
        found = {"type": "tool_result", "tool_use_id": _safe(str(message.get("tool_call_id") or ""))}
        yield {**found, "content": said} if said else found
        return
    yield from said
    for index, call in enumerate(message.get("tool_calls") or ()):
        call_id, name, arguments = arguments_of(call, f"{pointer}/tool_calls/{index}")
        yield {"type": "tool_use", "id": _safe(call_id), "name": name, "input": arguments}


def _block(part: Text | Image | Link) -> Block:
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case Image(media_type, data):
            return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}
        case Link(url):
            return {"type": "image", "source": {"type": "url", "url": url}}


def _safe(call_id: str) -> str:
    """An id that the API accepts; another vendor's may be of any form, and is the same each time."""
    return call_id if _ID.fullmatch(call_id) else "call_" + hashlib.sha256(call_id.encode()).hexdigest()[:24]
