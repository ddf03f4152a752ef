"""A chat in OpenAI's shape as the body of Gemini's `generateContent`."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from django.utils.translation import gettext

from apps.providers.options import (
    COMMON,
    Tool,
    arguments_of,
    choice_of,
    given,
    json_of,
    stops_of,
    tools_of,
)
from apps.providers.types import Candidate, ChatRequest, Message
from apps.providers.wire import Image, Text, invalid, local, not_supported, parts_of

KNOWN: Final = COMMON | {"seed", "presence_penalty", "frequency_penalty"}
_SAMPLING: Final = {
    "temperature": "temperature",
    "top_p": "topP",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}
_MODES: Final = {"auto": "AUTO", "none": "NONE", "required": "ANY"}
_UNSIGNED: Final = re.compile(r"gemini-[12]\b")  # models that know no signatures of thought
# What the vendor has for calls whose signature is not at hand; models from Gemini 3 on refuse calls without any.
_NO_SIGNATURE: Final = "skip_thought_signature_validator"

Block = dict[str, Any]


async def body_of(request: ChatRequest, candidate: Candidate) -> dict[str, Any]:
    """The body; images behind links are fetched for it. Raises `NotSupported`, `InvalidRequest`, `AddressRefused`."""
    options = given(request, candidate, KNOWN)
    if options.get("parallel_tool_calls") is False and options.get("tools"):
        raise not_supported(candidate, "parallel_tool_calls")
    config, tools = _config(request, options, candidate), _tools(options, candidate)
    system, contents = await _contents(request, candidate)
    body: dict[str, Any] = {"contents": contents, **tools}
    if system:
        body["systemInstruction"] = {"parts": system}
    return body | ({"generationConfig": config} if config else {})


def _config(request: ChatRequest, options: Mapping[str, Any], candidate: Candidate) -> dict[str, Any]:
    config = {theirs: options[ours] for ours, theirs in _SAMPLING.items() if ours in options}
    if limit := request.max_tokens or candidate.max_output:
        config["maxOutputTokens"] = limit
    if stops := stops_of(options):
        config["stopSequences"] = stops
    if (wanted := json_of(options, candidate)) is not None:
        config["responseMimeType"] = "application/json"
        if wanted.schema is not None:
            config["responseJsonSchema"] = wanted.schema
    return config


def _tools(options: Mapping[str, Any], candidate: Candidate) -> dict[str, Any]:
    tools = tools_of(options, candidate)
    if not tools:
        return {}
    found: dict[str, Any] = {"tools": [{"functionDeclarations": [_tool(tool) for tool in tools]}]}
    kind, name = choice_of(options, candidate)
    if kind:
        config = {"mode": _MODES[kind]} | ({"allowedFunctionNames": [name]} if name else {})
        found["toolConfig"] = {"functionCallingConfig": config}
    return found


def _tool(tool: Tool) -> Block:
    found: Block = {"name": tool.name, "parametersJsonSchema": tool.parameters}
    return {**found, "description": tool.description} if tool.description else found


async def _contents(request: ChatRequest, candidate: Candidate) -> tuple[list[Block], list[Block]]:
    """Parts of the system instruction, and the turns: messages of one side that follow each other are one turn."""
    system: list[Block] = []
    turns: list[dict[str, Any]] = []
    names: dict[str, str] = {}  # of the functions, by the id of their call
    for index, message in enumerate(request.messages):
        role = message.get("role")
        parts = await _parts(message, candidate, f"/messages/{index}", names)
        if role in {"system", "developer"}:
            system += parts
            continue
        side = "model" if role == "assistant" else "user"
        if turns and turns[-1]["role"] == side:
            turns[-1]["parts"] += parts
        elif parts:
            turns.append({"role": side, "parts": parts})
    if not turns:
        raise invalid("/messages", gettext("There has to be a message that is not empty."))
    return system, turns


async def _parts(message: Message, candidate: Candidate, pointer: str, names: dict[str, str]) -> list[Block]:
    role = message.get("role")
    if role == "function":
        raise not_supported(candidate, "function", f"{pointer}/role")
    said = await local(parts_of(message, candidate, pointer))
    if role == "tool":
        return [_result(message, said, candidate, pointer, names)]
    blocks = [_block(part, candidate, pointer) for part in said]
    calls = message.get("tool_calls") or ()
    return blocks + [_call(call, candidate, f"{pointer}/tool_calls/{i}", names) for i, call in enumerate(calls)]


def _block(part: Text | Image, candidate: Candidate, pointer: str) -> Block:
    if isinstance(part, Text):
        return {"text": part.text}
    if part.media_type == "image/gif":
        raise not_supported(candidate, "image/gif", pointer)
    return {"inlineData": {"mimeType": part.media_type, "data": part.data}}


def _call(call: Any, candidate: Candidate, pointer: str, names: dict[str, str]) -> Block:
    call_id, name, arguments = arguments_of(call, pointer)
    names[call_id] = name
    found: Block = {"functionCall": {"name": name, "args": arguments}}
    return found if _UNSIGNED.match(candidate.model) else {**found, "thoughtSignature": _NO_SIGNATURE}


def _result(
    message: Message, said: list[Text | Image], candidate: Candidate, pointer: str, names: Mapping[str, str]
) -> Block:
    """What a function gave; the vendor wants its name, and an object."""
    name = names.get(str(message.get("tool_call_id")))
    if name is None:
        raise invalid(f"{pointer}/tool_call_id", gettext("No call before this one has this id."))
    if any(isinstance(part, Image) for part in said):
        raise not_supported(candidate, "image_url", pointer)
    text = "\n".join(part.text for part in said if isinstance(part, Text))
    try:
        found = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        found = text
    response = found if isinstance(found, dict) else {"result": found}
    return {"functionResponse": {"name": name, "response": response}}
