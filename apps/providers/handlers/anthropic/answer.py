"""Anthropic's answers, whole or in events, as the pieces of an answer."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from apps.providers import upstream
from apps.providers.errors import UpstreamError
from apps.providers.failures import failure_of, shaped, words_in
from apps.providers.handlers.openai import count
from apps.providers.reading import LINGER_SECONDS
from apps.providers.types import Candidate, Delta, Finish, Item, ToolCallDelta, Usage

_FINISHES: Final = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_STATUS: Final = {  # of the errors that are told within a stream
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}


def whole(answer: dict[str, Any], candidate: Candidate, as_text: str) -> Iterable[Item]:
    """The pieces of an answer that came in one. Raises the errors of `providers.errors`."""
    if answer.get("type") == "error" or answer.get("error"):
        raise _failure(answer.get("error"), candidate)
    with shaped(candidate):
        items: list[Item] = []
        for block in answer["content"]:
            if block["type"] == "text" and block["text"]:
                items.append(Delta(_text(block["text"])))
            elif block["type"] == "tool_use":
                arguments = msgspec.json.encode(block["input"]).decode()
                number = sum(isinstance(item, ToolCallDelta) for item in items)
                call = ToolCallDelta(number, _text(block["id"]), _text(block["name"]), arguments)
                items.append(Delta(arguments) if call.name == as_text else call)
        return [*items, Finish(_finish(answer["stop_reason"], as_text)), _usage({}, answer.get("usage"))]


def _failure(error: Any, candidate: Candidate) -> UpstreamError:
    kind = error.get("type") if isinstance(error, dict) else None
    return failure_of(_STATUS.get(str(kind), 500), words_in(error), candidate)


def _finish(reason: Any, as_text: str) -> str:
    found = _FINISHES.get(_text(reason), "stop")
    return "stop" if found == "tool_calls" and as_text else found


def _usage(counts: dict[str, Any], more: Any) -> Usage:
    """What was counted; `counts` is filled with what `more` says, later events being the truer ones."""
    counts |= {name: value for name, value in more.items() if count(value) is not None} if more else {}
    cached = counts.get("cache_read_input_tokens", 0)
    fresh = counts.get("input_tokens")
    tokens_in = None if fresh is None else fresh + cached + counts.get("cache_creation_input_tokens", 0)
    return Usage(tokens_in, counts.get("output_tokens"), cached)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


class Reading:
    """A stream of events, see `reading.Reading`. `as_text` is the tool whose arguments are the answer's text."""

    def __init__(self, candidate: Candidate, as_text: str) -> None:
        self.finish, self.done, self.linger = "", False, LINGER_SECONDS
        self.usage = Usage(None, None)
        self._candidate, self._as_text = candidate, as_text
        self._counts: dict[str, Any] = {}
        self._calls: dict[int, _Call] = {}

    def take(self, _name: str, data: bytes) -> Iterable[Item]:
        event = upstream.decoded(data, self._candidate)
        kind = event.get("type")
        if kind == "error":
            raise _failure(event.get("error"), self._candidate)
        with shaped(self._candidate):
            match kind:
                case "content_block_delta":
                    return self._delta(event["index"], event["delta"])
                case "content_block_start":
                    return self._begin(event["index"], event["content_block"])
                case "content_block_stop":
                    return self._end(event["index"])
                case _:
                    self._frame(event)
                    return ()

    def _frame(self, event: dict[str, Any]) -> None:
        """What is about the whole answer; a ping, and what is yet to be invented, is about nothing."""
        match event["type"]:
            case "message_start":
                self.usage = _usage(self._counts, event["message"].get("usage"))
                self.usage = Usage(self.usage.input_tokens, None, self.usage.cached_tokens)  # output has just begun
            case "message_delta":
                self.usage = _usage(self._counts, event.get("usage"))
                if reason := event["delta"].get("stop_reason"):
                    self.finish = _finish(reason, self._as_text)
            case "message_stop":
                self.done = True
                self.finish = self.finish or "stop"

    def _begin(self, index: int, block: dict[str, Any]) -> Iterable[Item]:
        if block["type"] == "text" and block.get("text"):
            return [Delta(_text(block["text"]))]
        if block["type"] != "tool_use":
            return ()
        call = self._calls[index] = _Call(len(self._calls), block["name"] == self._as_text)
        return () if call.is_text else [ToolCallDelta(call.number, _text(block["id"]), _text(block["name"]))]

    def _delta(self, index: int, delta: dict[str, Any]) -> Iterable[Item]:
        if delta["type"] == "text_delta":
            return [Delta(_text(delta["text"]))]
        if delta["type"] != "input_json_delta" or not delta["partial_json"]:
            return ()
        return self._calls[index].take(_text(delta["partial_json"]))

    def _end(self, index: int) -> Iterable[Item]:
        """A call without arguments has none in the stream, either."""
        call = self._calls.get(index)
        return call.take("{}") if call is not None and not call.begun else ()


class _Call:
    """A tool call that is being told."""

    __slots__ = ("begun", "is_text", "number")

    def __init__(self, number: int, is_text: bool) -> None:
        self.number, self.is_text, self.begun = number, is_text, False

    def take(self, arguments: str) -> Iterable[Item]:
        self.begun = True
        return [Delta(arguments) if self.is_text else ToolCallDelta(self.number, arguments=arguments)]
