"""The tools that a model may call in one step: how it is told of them, and what it is answered."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from apps.mcp.errors import ArgumentsInvalid, ToolFailed
from apps.pipelines.nodes import tool_calls
from apps.pipelines.nodes.base import NodeContext
from apps.pipelines.nodes.llm_chat.answers import as_text
from apps.pipelines.nodes.llm_chat.config import LlmChatConfig
from apps.pipelines.nodes.values import plain

MAX_RESULT: Final = 50_000  # characters of a tool's answer that the model is shown
_NO_NAME: Final = re.compile(r"[^a-zA-Z0-9_-]")
# The model is told of these and may try something else; anything else ends the step.
_TELLABLE: Final = (ArgumentsInvalid, ToolFailed)


class Toolbox:
    """The allowed tools by the names that the model knows, and the files that it may name."""

    def __init__(self, context: NodeContext, files: Sequence[str]) -> None:
        config: LlmChatConfig = context.config
        self._context, self._config = context, config
        self._tools = dict(_named(config.tools))
        self._files = set(files)
        self._left = config.max_calls
        self.made: list[dict[str, Any]] = []  # every call, as the step's output tells of it

    @property
    def takes_files(self) -> bool:
        """Whether any tool works on a file, so that the model has to know the files' ids."""
        released = (tool_calls.released(self._context.parts, address) for address in self._tools.values())
        return any(
            tool_calls.is_file(f) for tool in released for f in tool["input_schema"].get("properties", {}).values()
        )

    def described(self) -> list[dict[str, Any]]:
        """The tools in OpenAI's shape. Raises `ToolUnknown` for one that the release has not."""
        return [self._described(name, address) for name, address in self._tools.items()]

    def _described(self, name: str, address: str) -> dict[str, Any]:
        tool = tool_calls.released(self._context.parts, address)
        words = str(tool.get("description") or "")[:1_000]
        function = {"name": name, "description": words, "parameters": plain(tool["input_schema"])}
        return {"type": "function", "function": function}

    async def answer(self, call: Mapping[str, Any]) -> dict[str, Any]:
        """The message that answers a model's call. Raises what ends the step."""
        name, arguments = _read(call)
        address = self._tools.get(name, "")
        result, error = await self._result(name, address, arguments)
        self.made.append({"tool": address or name, "arguments": arguments, "result": result, "error": error})
        shown = as_text({"error": error} if error else result)
        return {"role": "tool", "tool_call_id": str(call.get("id", "")), "content": shown[:MAX_RESULT]}

    async def _result(self, name: str, address: str, arguments: Any) -> tuple[Any, str]:
        if not address:
            return None, f"There is no tool {name[:64]!r}."
        if not isinstance(arguments, dict):
            return None, "The arguments are no JSON object."
        if self._left <= 0:
            return None, "No more calls are allowed. Answer with what is known."
        self._left -= 1
        if strange := self._strange_file(address, arguments):
            return None, f"{strange[:80]!r} is no file that this step was given."
        return await self._called(address, arguments)

    async def _called(self, address: str, arguments: dict[str, Any]) -> tuple[Any, str]:
        try:
            seconds = self._config.tool_timeout
            result = await tool_calls.call(self._context, address, arguments, seconds=seconds, told=_TELLABLE)
        except tool_calls.Refused as exc:
            return None, exc.words
        self._files.update(self._made_by(address, result))
        return result, ""

    def _made_by(self, address: str, result: Mapping[str, Any]) -> Iterator[str]:
        """The files in a tool's result, which later calls may name."""
        for name in tool_calls.file_fields(tool_calls.released(self._context.parts, address)):
            value = result.get(name)
            yield from (file for file in (value if isinstance(value, list) else [value]) if isinstance(file, str))

    def _strange_file(self, address: str, arguments: Mapping[str, Any]) -> str:
        """The first file among the arguments that is not this step's; whatever a model was told, it gets no other."""
        fields = tool_calls.released(self._context.parts, address)["input_schema"].get("properties", {})
        named = [str(value) for name, value in arguments.items() if tool_calls.is_file(fields.get(name))]
        return next((file for file in named if file not in self._files), "")


def _named(addresses: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each address under a name that every vendor takes."""
    taken: set[str] = set()
    for address in addresses:
        name = _NO_NAME.sub("_", address.replace("/", "__"))[:60]
        while name in taken:
            name += "_"
        taken.add(name)
        yield name, address


def _read(call: Mapping[str, Any]) -> tuple[str, Any]:
    function = call.get("function")
    function = function if isinstance(function, Mapping) else {}
    raw = function.get("arguments") or "{}"
    try:
        return str(function.get("name", "")), msgspec.json.decode(raw) if isinstance(raw, str) else raw
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return str(function.get("name", "")), None
