"""What a mock model says: text, an object that fits a schema, a call of a tool."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from apps.providers.handlers.mock.script import FIRST_TOOL, Script
from apps.providers.options import Tool, choice_of, json_of, tools_of
from apps.providers.types import Candidate, ChatRequest, Delta, ToolCallDelta
from apps.providers.wire import text_of

DEEPEST: Final = 6
_CHINESE: Final = re.compile(r"[\u4e00-\u9fff]")
_PIECES: Final = re.compile(r"[\u4e00-\u9fff]{1,4}|\S+\s*|\s+")
_CALL_ID: Final = "call_mock"


@dataclass(frozen=True, slots=True)
class Sample:
    """The pieces of an answer, and how it ends."""

    pieces: Sequence[Delta | ToolCallDelta]
    finish: str = "stop"

    @property
    def is_call(self) -> bool:
        return self.finish == "tool_calls"


def answer_of(request: ChatRequest, candidate: Candidate, script: Script) -> Sample:
    """What is said to `request`."""
    if (tool := _tool_to_call(request, candidate, script)) is not None:
        return Sample(_call(tool), "tool_calls")
    question = text_of(request.messages[-1])
    wanted = json_of(request.options, candidate)
    if wanted is not None or script.json:
        schema = wanted.schema if wanted is not None and wanted.schema is not None else _ANY_OBJECT
        text = msgspec.json.encode(sample_of(schema, schema)).decode()
    elif script.echo:
        text = question
    elif script.long:
        text = "word " * script.long
    else:
        text = _sample(question)
    return Sample([Delta(piece) for piece in _PIECES.findall(text)])


def _tool_to_call(request: ChatRequest, candidate: Candidate, script: Script) -> Tool | None:
    tools = tools_of(request.options, candidate)
    kind, name = choice_of(request.options, candidate)
    answered = request.messages[-1].get("role") == "tool"
    if kind == "none" or not tools or (answered and kind != "required"):
        return None
    if kind != "required" and not script.tool:
        return None
    name = name or (script.tool if script.tool != FIRST_TOOL else "")
    return next((tool for tool in tools if name in ("", tool.name)), None)


def _call(tool: Tool) -> list[ToolCallDelta]:
    """A call in pieces, as real models tell it: the name, then the arguments bit by bit."""
    written = msgspec.json.encode(sample_of(tool.parameters, tool.parameters)).decode()
    bits = [written[start : start + 8] for start in range(0, len(written), 8)]
    return [ToolCallDelta(0, _CALL_ID, tool.name), *(ToolCallDelta(0, arguments=bit) for bit in bits)]


_ANY_OBJECT: Final[Mapping[str, Any]] = {"type": "object", "properties": {"answer": {"type": "string"}}}


def sample_of(schema: Any, root: Mapping[str, Any], depth: int = 0) -> Any:
    """The simplest value that fits `schema`, as far as samples can tell; references lead into `root`."""
    if not isinstance(schema, dict) or depth > DEEPEST:
        return None
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    for name in ("enum", "examples"):
        if isinstance(schema.get(name), list) and schema[name]:
            return schema[name][0]
    if isinstance(schema.get("$ref"), str):
        return sample_of(_referred(schema["$ref"], root), root, depth + 1)
    for name in ("anyOf", "oneOf", "allOf"):
        if isinstance(schema.get(name), list) and schema[name]:
            return sample_of(schema[name][0], root, depth + 1)
    return _of_type(schema, root, depth)


def _of_type(schema: dict[str, Any], root: Mapping[str, Any], depth: int) -> Any:
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "array":
        least = min(max(1, _whole(schema.get("minItems"), 1)), 10)
        return [sample_of(schema.get("items"), root, depth + 1)] * least if "items" in schema else []
    if kind == "object" or isinstance(schema.get("properties"), dict):
        properties = schema.get("properties")
        named = properties.items() if isinstance(properties, dict) else ()
        return {name: sample_of(one, root, depth + 1) for name, one in named}
    if kind in {"integer", "number"}:
        return schema.get("minimum", 1)
    long = "sample".ljust(min(_whole(schema.get("minLength"), 0), 1000), "x")
    return {"string": long, "boolean": True}.get(str(kind))


def _whole(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) else otherwise


def _referred(reference: str, root: Any) -> Any:
    """What `#/a/b` leads to; nothing for other addresses."""
    found = root
    for step in reference.removeprefix("#/").split("/"):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _sample(question: str) -> str:
    """The question's own facts, laid out as an answer would be."""
    facts = [line.strip(" -*") for line in question.splitlines() if line.strip()][:8]
    quoted = "\n".join(f"- {fact[:200]}" for fact in facts)
    if _CHINESE.search(question):
        return (
            f"**示例回答**\n\n内置的模拟模型不会真正写作，它收到的要求如下：\n\n{quoted}\n\n"
            "在后台填写模型密钥后，这里就是真实的回答。"
        )
    return (
        "**Sample answer**\n\nThe built-in mock model does not write. This is what a real model would be asked:\n\n"
        f"{quoted}\n\nEnter a provider key in the admin, and the real answer appears here."
    )
