"""The options of a chat in OpenAI's shape, read for vendors that write them another way."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.utils.translation import gettext

from apps.providers.pricing import PRESUMED_OUTPUT
from apps.providers.types import Candidate, ChatRequest
from apps.providers.wire import invalid, not_supported

# Hints that change nothing about what an answer is: a vendor without them may go without.
HINTS = frozenset(
    {
        "user",
        "metadata",
        "store",
        "service_tier",
        "safety_identifier",
        "prompt_cache_key",
        "prediction",
        "reasoning_effort",
        "verbosity",
        "stream_options",
    }
)
# What every vendor's request is made of here, each read by a function below or by name.
COMMON = HINTS | {
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
}
_NO_NAME = re.compile(r"[^a-zA-Z0-9_-]")
_HARMLESS: Mapping[str, tuple[Any, ...]] = {  # values that ask for nothing
    "n": (1,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "logit_bias": ({},),
    "modalities": (["text"],),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
}


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call; `parameters` is a JSON Schema."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})


@dataclass(frozen=True, slots=True)
class JsonWanted:
    """The answer has to be a JSON object, of `schema` where there is one."""

    schema: Mapping[str, Any] | None = None
    name: str = "answer"


def given(request: ChatRequest, candidate: Candidate, known: frozenset[str]) -> dict[str, Any]:
    """The options that were set. Raises `NotSupported` for one that is not among `known` and asks for something."""
    found = {name: value for name, value in request.options.items() if value is not None}
    for name, value in found.items():
        if name not in known and value not in _HARMLESS.get(name, ()):
            raise not_supported(candidate, name)
    return found


def refuse_many(request: ChatRequest, candidate: Candidate) -> None:
    """Raises `NotSupported` for what no answer in pieces can carry: several choices, probabilities, sound."""
    for name in ("n", "logprobs", "top_logprobs", "modalities"):
        value = request.options.get(name)
        if value is not None and value not in _HARMLESS[name]:
            raise not_supported(candidate, name)
    for name in ("audio", "functions", "function_call"):
        if request.options.get(name):
            raise not_supported(candidate, name)


def limit_of(request: ChatRequest, candidate: Candidate) -> int:
    """The limit of tokens for vendors that insist on one: the caller's, the catalogue's, or what pricing presumes."""
    return request.max_tokens or candidate.max_output or min(PRESUMED_OUTPUT, candidate.context_window)


def stops_of(options: Mapping[str, Any]) -> list[str]:
    """The texts at which an answer ends. Raises `InvalidRequest`."""
    stop = options.get("stop") or []
    found = [stop] if isinstance(stop, str) else stop
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise invalid("/stop", gettext("This has to be a text or a list of texts."))
    return found


def tools_of(options: Mapping[str, Any], candidate: Candidate) -> list[Tool]:
    """The functions that were offered. Raises `NotSupported` for tools of other kinds, `InvalidRequest`."""
    given_tools = options.get("tools") or []
    if not isinstance(given_tools, list):
        raise invalid("/tools", gettext("This has to be a list."))
    return [_tool(tool, candidate, f"/tools/{index}") for index, tool in enumerate(given_tools)]


def _tool(given_tool: Any, candidate: Candidate, pointer: str) -> Tool:
    kind = given_tool.get("type") if isinstance(given_tool, dict) else None
    if kind != "function":
        raise not_supported(candidate, kind if isinstance(kind, str) else "tools", pointer)
    function = given_tool.get("function")
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str) or not name:
        raise invalid(f"{pointer}/function/name", gettext("This has to be a text."))
    parameters = function.get("parameters") or {"type": "object", "properties": {}}
    if not isinstance(parameters, dict):
        raise invalid(f"{pointer}/function/parameters", gettext("This has to be an object."))
    return Tool(name, str(function.get("description") or ""), parameters)


def choice_of(options: Mapping[str, Any], candidate: Candidate) -> tuple[str, str]:
    """`auto`, `none` or `required`, empty where nothing was said; and the one function that has to be called."""
    choice = options.get("tool_choice")
    if choice is None or choice in ("auto", "none", "required"):
        return choice or "", ""
    function = choice.get("function") if isinstance(choice, dict) else None
    if isinstance(function, dict) and isinstance(function.get("name"), str):
        return "required", function["name"]
    raise not_supported(candidate, "tool_choice")


def json_of(options: Mapping[str, Any], candidate: Candidate) -> JsonWanted | None:
    """Whether the answer has to be JSON, and of which schema."""
    wanted = options.get("response_format")
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if wanted is None or kind == "text":
        return None
    if kind == "json_object":
        return JsonWanted()
    schema = wanted.get("json_schema") if isinstance(wanted, dict) else None
    if kind == "json_schema" and isinstance(schema, dict) and isinstance(schema.get("schema"), dict):
        return JsonWanted(schema["schema"], _NO_NAME.sub("_", str(schema.get("name") or "answer"))[:64])
    raise not_supported(candidate, "response_format")


def arguments_of(call: Mapping[str, Any], pointer: str) -> tuple[str, str, dict[str, Any]]:
    """Id, name and arguments of a tool call that the caller repeats. Raises `InvalidRequest`."""
    function = call.get("function") if isinstance(call, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(function, dict) or not isinstance(name, str) or not isinstance(call.get("id"), str):
        raise invalid(pointer, gettext("This has to be a call with an id and a function."))
    raw = function.get("arguments") or "{}"
    try:
        found = msgspec.json.decode(raw) if isinstance(raw, str) else raw
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise invalid(f"{pointer}/function/arguments", gettext("This has to be a JSON object."))
    return call["id"], name, found
