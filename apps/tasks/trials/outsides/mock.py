"""Samples in place of the outside: nothing is asked, nothing costs anything, nothing changes anywhere."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from apps.pipelines.engine.ports import Call, Do
from apps.pipelines.nodes.context import Json
from apps.providers.gateway.chat import add_tool_call
from apps.providers.handlers.mock import HANDLER
from apps.providers.handlers.mock.samples import sample_of
from apps.providers.types import Candidate, ChatRequest, Delta, Finish, ToolCallDelta, Usage

Picture = Callable[[], Awaitable[str]]

MODEL: Final = "mock-chat+words=0"  # a trial need not be slow
SHOWN_MODEL: Final = "mock-chat"
_CANDIDATE: Final = Candidate(
    endpoint="mock", endpoint_id=0, handler_key="mock", base_url="", model=MODEL, timeout_seconds=30, max_retries=0
)


@dataclass(frozen=True)
class Mock:
    """Answers every call of a run with a sample, without asking anybody.

    `tools` are the approved ones of the release. `picture` gives the id of a sample picture, for a tool that makes one
    and was given none.
    """

    tools: Mapping[str, Any] = field(default_factory=dict)
    picture: Picture | None = None

    async def __call__(self, call: Call, do: Do) -> Json:
        match call.kind:
            case "model":
                return await _model_answer(call.request)
            case "tool":
                return await self._tool_answer(call.address, call.request)
            case "http":
                return {
                    "status": 200,
                    "headers": {"content-type": "application/json"},
                    "json": {},
                    "text": "",
                    "file": "",
                }
            case "retrieve":
                return {"contexts": [_passage(call.address, call.request)]}

    async def _tool_answer(self, address: str, request: Json) -> Json:
        """What fits the tool's schema. A picture that it gives is the one that it was given."""
        tool = self.tools.get(address, {})
        schema = tool.get("output_schema") or {}
        fields = schema.get("properties") or {}
        answer = sample_of(schema, schema) if fields else {"text": f"Sample answer of {address}"}
        for name, one in fields.items():
            if _is_file(one, schema):
                answer[name] = await self._file(request)
        return answer

    async def _file(self, request: Json) -> str:
        given = [value for value in (request.get("arguments") or {}).values() if _looks_like_id(value)]
        if given:
            return str(given[0])
        return await self.picture() if self.picture else ""


def _is_file(schema: Any, root: Mapping[str, Any]) -> bool:
    """Whether a field holds a file, itself or as an object that names one."""
    if not isinstance(schema, dict):
        return False
    if isinstance(ref := schema.get("$ref"), str):
        named = root.get("$defs", {}).get(ref.rpartition("/")[2])
        return isinstance(named, dict) and _is_file(named, {})
    if schema.get("format") == "uri" and "contentMediaType" in schema:
        return True
    inner = schema.get("properties")
    return isinstance(inner, dict) and "uri" in inner


def _looks_like_id(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 36 and value.count("-") == 4


def _passage(base: str, request: Json) -> dict[str, Any]:
    query = str(request.get("query", ""))[:200]
    return {"text": f"Sample passage about: {query}", "score": 1.0, "source": f"{base}/sample", "metadata": {}}


async def _model_answer(request: Json) -> dict[str, Any]:
    """A whole answer of the mock model, in the shape in which steps keep answers of models."""
    asked = ChatRequest(messages=[_in_words(one) for one in request["messages"]], options=request.get("options") or {})
    said: list[str] = []
    calls: dict[int, dict[str, Any]] = {}
    finish, counted = "stop", Usage(0, 0)
    async for item in HANDLER.chat(asked, _CANDIDATE, None):
        match item:
            case Delta(text):
                said.append(text)
            case ToolCallDelta():
                add_tool_call(calls, item)
            case Finish(reason):
                finish = reason
            case Usage():
                counted = item
    return {
        "text": "".join(said),
        "tool_calls": [calls[index] for index in sorted(calls)],
        "finish": finish,
        "model": SHOWN_MODEL,
        "endpoint": "mock",
        "mock": True,
        "degraded": False,
        "attempts": [],
        "usage": _usage(counted),
    }


def _in_words(message: Any) -> Any:
    """The message as a text model reads it: what is no text is named."""
    content = message.get("content")
    if not isinstance(content, list | tuple):
        return dict(message)
    words = [str(part.get("text") or f"[{part.get('type', 'part')}]") for part in content]
    return {**message, "content": "\n".join(words)}


def _usage(counted: Usage) -> dict[str, Any]:
    return {
        "input_tokens": counted.input_tokens,
        "output_tokens": counted.output_tokens,
        "cached_tokens": 0,
        "estimated": False,
        "cost_micro": 0,
    }
