"""What each vendor sends, in its documented wire format: one answer, told in every way that handlers have to know.

The answer is "Hello world", of 7 tokens in, 2 of them cached, and 2 out; or a call of `weather` for `{"city": "Oslo"}`.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from apps.providers.handlers import anthropic, buildingai, gemini, openai
from apps.providers.reading import Reading
from apps.providers.types import Candidate, Usage

SAID = ["Hello", " world"]
USAGE = Usage(7, 2, 2)
ARGUMENTS = {"city": "Oslo"}


def data(body: Any) -> bytes:
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


def named(body: dict[str, Any]) -> bytes:
    return f"event: {body['type']}\n".encode() + data(body)


@dataclass(frozen=True)
class Wire:
    """One vendor's. A stream is `begin`, `said`, `finish`, `counts`, `close`, one event each."""

    key: str
    plain_path: str
    stream_path: str
    key_header: tuple[str, str]
    plain: dict[str, Any]
    begin: Sequence[bytes]
    said: Sequence[bytes]
    finish: Sequence[bytes]
    counts: Sequence[bytes]
    close: Sequence[bytes]
    error: Callable[[str], Any]
    error_event: Callable[[str], bytes]
    reading: Callable[[Candidate], Reading]
    models: dict[str, Any]
    models_path: str
    models_found: list[str]
    tool_plain: dict[str, Any] | None = None
    tool_stream: Sequence[bytes] = ()
    streams_always: bool = False
    counts_in: int | None = None  # input tokens that are known although the end of the stream is missing

    @property
    def stream(self) -> list[bytes]:
        return [*self.begin, *self.said, *self.finish, *self.counts, *self.close]

    def answer(self, *, stream: bool) -> bytes | list[bytes]:
        """The whole answer."""
        return self.stream if stream or self.streams_always else json.dumps(self.plain).encode()


def _openai_chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    return data({"id": "c-1", "object": "chat.completion.chunk", "choices": [choice], "usage": None})


def _openai_call(**function: str) -> dict[str, Any]:
    return {"index": 0, "function": function}


OPENAI_COUNTS = {"prompt_tokens": 7, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 2}}
OPENAI_TOOL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
OPENAI = Wire(
    key="openai",
    plain_path="/v1/chat/completions",
    stream_path="/v1/chat/completions",
    key_header=("Authorization", "Bearer {key}"),
    plain={
        "id": "c-1",
        "choices": [{"message": {"role": "assistant", "content": "Hello world"}, "finish_reason": "stop"}],
        "usage": OPENAI_COUNTS,
    },
    begin=[_openai_chunk({"role": "assistant", "content": ""})],
    said=[_openai_chunk({"content": text}) for text in SAID],
    finish=[_openai_chunk({}, "stop")],
    counts=[data({"id": "c-1", "choices": [], "usage": OPENAI_COUNTS})],
    close=[b"data: [DONE]\n\n"],
    error=lambda words: {"error": {"message": words, "type": "invalid_request_error", "param": None, "code": None}},
    error_event=lambda words: data({"error": {"message": words, "type": "server_error"}}),
    reading=openai._Reading,
    models={"object": "list", "data": [{"id": "gpt-a", "object": "model"}, {"id": "gpt-b"}]},
    models_path="/v1/models",
    models_found=["gpt-a", "gpt-b"],
    tool_plain={
        "choices": [{"message": {"content": None, "tool_calls": [OPENAI_TOOL]}, "finish_reason": "tool_calls"}],
        "usage": OPENAI_COUNTS,
    },
    tool_stream=[
        _openai_chunk({"tool_calls": [_openai_call(name="weather", arguments="") | {"id": "call_1"}]}),
        _openai_chunk({"tool_calls": [_openai_call(arguments='{"city":')]}),
        _openai_chunk({"tool_calls": [_openai_call(arguments=' "Oslo"}')]}),
        _openai_chunk({}, "tool_calls"),
        data({"choices": [], "usage": OPENAI_COUNTS}),
        b"data: [DONE]\n\n",
    ],
)

ANTHROPIC_COUNTS = {"input_tokens": 4, "cache_read_input_tokens": 2, "cache_creation_input_tokens": 1}
ANTHROPIC_BEGIN = [
    named({"type": "message_start", "message": {"id": "m-1", "usage": ANTHROPIC_COUNTS | {"output_tokens": 1}}}),
]


def _block(index: int, block: dict[str, Any], *deltas: dict[str, Any]) -> list[bytes]:
    return [
        named({"type": "content_block_start", "index": index, "content_block": block}),
        *(named({"type": "content_block_delta", "index": index, "delta": delta}) for delta in deltas),
        named({"type": "content_block_stop", "index": index}),
    ]


def _message_delta(reason: str) -> bytes:
    body = {"stop_reason": reason, "stop_sequence": None}
    return named({"type": "message_delta", "delta": body, "usage": {"output_tokens": 2}})


ANTHROPIC = Wire(
    key="anthropic",
    plain_path="/v1/messages",
    stream_path="/v1/messages",
    key_header=("x-api-key", "{key}"),
    plain={
        "id": "m-1",
        "type": "message",
        "content": [{"type": "thinking", "thinking": "Hm", "signature": "x"}, {"type": "text", "text": "Hello world"}],
        "stop_reason": "end_turn",
        "usage": ANTHROPIC_COUNTS | {"output_tokens": 2},
    },
    begin=[
        *ANTHROPIC_BEGIN,
        named({"type": "ping"}),
        *_block(0, {"type": "thinking", "thinking": ""}, {"type": "thinking_delta", "thinking": "Hm"}),
    ],
    said=_block(1, {"type": "text", "text": ""}, *({"type": "text_delta", "text": text} for text in SAID))[:-1],
    finish=[named({"type": "content_block_stop", "index": 1}), _message_delta("end_turn")],
    counts=[],
    close=[named({"type": "message_stop"})],
    error=lambda words: {"type": "error", "error": {"type": "api_error", "message": words}},
    error_event=lambda words: named({"type": "error", "error": {"type": "api_error", "message": words}}),
    reading=lambda candidate: anthropic.Reading(candidate, ""),
    models={"data": [{"type": "model", "id": "claude-a"}, {"id": "claude-b"}], "has_more": False},
    models_path="/v1/models?limit=1000",
    models_found=["claude-a", "claude-b"],
    tool_plain={
        "type": "message",
        "content": [{"type": "tool_use", "id": "call_1", "name": "weather", "input": ARGUMENTS}],
        "stop_reason": "tool_use",
        "usage": ANTHROPIC_COUNTS | {"output_tokens": 2},
    },
    tool_stream=[
        *ANTHROPIC_BEGIN,
        *_block(
            0,
            {"type": "tool_use", "id": "call_1", "name": "weather", "input": {}},
            {"type": "input_json_delta", "partial_json": ""},
            {"type": "input_json_delta", "partial_json": '{"city":'},
            {"type": "input_json_delta", "partial_json": ' "Oslo"}'},
        ),
        _message_delta("tool_use"),
        named({"type": "message_stop"}),
    ],
    counts_in=7,
)

GEMINI_COUNTS = {
    "promptTokenCount": 7,
    "candidatesTokenCount": 1,
    "thoughtsTokenCount": 1,
    "cachedContentTokenCount": 2,
}


def _gemini(*parts: dict[str, Any], finish: str = "", counts: Any = None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    body: dict[str, Any] = {"candidates": [candidate | ({"finishReason": finish} if finish else {})]}
    return body | ({"usageMetadata": counts} if counts else {})


GEMINI_CALL = {"functionCall": {"id": "call_1", "name": "weather", "args": ARGUMENTS}, "thoughtSignature": "c2ln"}
GEMINI = Wire(
    key="gemini",
    plain_path="/v1/models/gpt-test:generateContent",
    stream_path="/v1/models/gpt-test:streamGenerateContent?alt=sse",
    key_header=("x-goog-api-key", "{key}"),
    plain=_gemini({"text": "Hm", "thought": True}, {"text": "Hello world"}, finish="STOP", counts=GEMINI_COUNTS),
    begin=[data(_gemini({"text": "Hm", "thought": True}))],
    said=[data(_gemini({"text": text})) for text in SAID],
    finish=[data(_gemini({"text": ""}, finish="STOP"))],
    counts=[data({"usageMetadata": GEMINI_COUNTS})],
    close=[],
    error=lambda words: {"error": {"code": 400, "message": words, "status": "INVALID_ARGUMENT"}},
    error_event=lambda words: data({"error": {"code": 500, "message": words, "status": "INTERNAL"}}),
    reading=gemini.Reading,
    models={
        "models": [
            {"name": "models/gemini-a", "supportedGenerationMethods": ["generateContent", "countTokens"]},
            {"name": "models/aqa", "supportedGenerationMethods": ["generateAnswer"]},
            {"name": "models/embedding-a", "supportedGenerationMethods": ["embedContent"]},
        ]
    },
    models_path="/v1/models?pageSize=1000",
    models_found=["gemini-a", "embedding-a"],
    tool_plain=_gemini(GEMINI_CALL, finish="STOP", counts=GEMINI_COUNTS),
    tool_stream=[data(_gemini(GEMINI_CALL)), data(_gemini({"text": ""}, finish="STOP", counts=GEMINI_COUNTS))],
)

BUILDINGAI_COUNTS = {"inputTokens": 7, "outputTokens": 2, "totalTokens": 9, "cachedInputTokens": 2}
BUILDINGAI = Wire(
    key="buildingai",
    plain_path="/v1/chat-messages",
    stream_path="/v1/chat-messages",
    key_header=("Authorization", "Bearer {key}"),
    plain={},
    begin=[
        data({"type": "data-conversation-id", "data": "7c", "transient": True}),
        data({"type": "start", "messageId": "m-1"}),
        data({"type": "start-step"}),
        data({"type": "reasoning-start", "id": "r"}),
        data({"type": "reasoning-delta", "id": "r", "delta": "Hm"}),
        data({"type": "tool-input-available", "toolCallId": "t", "toolName": "search", "input": {}}),
        data({"type": "tool-output-available", "toolCallId": "t", "output": "found"}),
        data({"type": "text-start", "id": "t"}),
    ],
    said=[data({"type": "text-delta", "id": "t", "delta": text}) for text in SAID],
    finish=[
        data({"type": "text-end", "id": "t"}),
        data({"type": "finish-step"}),
        data({"type": "finish", "finishReason": "stop"}),
    ],
    counts=[data({"type": "data-usage", "data": BUILDINGAI_COUNTS | {"userConsumedPower": 0}})],
    close=[b"data: [DONE]\n\n"],
    error=lambda words: {"code": 50000, "message": words, "data": None, "timestamp": 1, "path": "/v1/chat-messages"},
    error_event=lambda words: data({"type": "error", "errorText": words}),
    reading=buildingai._Reading,
    models={"code": 20000, "message": "ok", "data": {"items": []}},
    models_path="/v1/conversations?page=1&pageSize=1",
    models_found=[],
    streams_always=True,
)

WIRES = {wire.key: wire for wire in (OPENAI, ANTHROPIC, GEMINI, BUILDINGAI)}
