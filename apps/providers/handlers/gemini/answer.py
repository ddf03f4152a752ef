"""Gemini's answers, whole or in events, as the pieces of an answer. Both are of one shape."""

import secrets
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from apps.providers import upstream
from apps.providers.errors import UpstreamFailed
from apps.providers.failures import failure_of, shaped, words_in
from apps.providers.handlers.openai import count
from apps.providers.reading import LINGER_SECONDS
from apps.providers.types import Candidate, Delta, Item, ToolCallDelta, Usage

_FINISHES: Final = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
}
_FAILURES: Final = frozenset(  # the model wrote what is no call
    {"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE"}
)


def refuse_error(event: dict[str, Any], candidate: Candidate) -> None:
    """Raises what an error within a success means."""
    if error := event.get("error"):
        code = error.get("code") if isinstance(error, dict) else None
        raise failure_of(code if isinstance(code, int) else 500, words_in(error), candidate)


class Reading:
    """A stream of events, see `reading.Reading`."""

    def __init__(self, candidate: Candidate) -> None:
        self.finish, self.done, self.linger = "", False, LINGER_SECONDS
        self.usage = Usage(None, None)
        self._candidate, self._calls = candidate, 0

    def take(self, _name: str, data: bytes) -> Iterable[Item]:
        return self.read(upstream.decoded(data, self._candidate))

    def read(self, event: dict[str, Any]) -> Iterable[Item]:
        """The pieces in one event, or in a whole answer. Raises the errors of `providers.errors`."""
        refuse_error(event, self._candidate)
        with shaped(self._candidate):
            if counts := event.get("usageMetadata"):
                self.usage = _usage(counts)
            candidates = event.get("candidates") or ()
            if not candidates and (event.get("promptFeedback") or {}).get("blockReason"):
                self.finish = "content_filter"  # nothing will be said to such a question
            return self._said(candidates[0]) if candidates else ()

    def _said(self, candidate: dict[str, Any]) -> list[Item]:
        items: list[Item] = []
        for part in (candidate.get("content") or {}).get("parts") or ():
            if part.get("thought"):
                continue
            if text := part.get("text"):
                items.append(Delta(_text(text)))
            elif call := part.get("functionCall"):
                items.append(self._call(call))
        if reason := candidate.get("finishReason"):
            self._end(_text(reason))
        return items

    def _call(self, call: dict[str, Any]) -> ToolCallDelta:
        arguments = call.get("args") or {}
        if not isinstance(arguments, dict):
            raise TypeError
        self._calls += 1
        call_id = call.get("id") or f"call_{secrets.token_hex(12)}"
        name, written = _text(call["name"]), msgspec.json.encode(arguments).decode()
        return ToolCallDelta(self._calls - 1, _text(call_id), name, written)

    def _end(self, reason: str) -> None:
        if reason in _FAILURES:
            raise UpstreamFailed(endpoint=self._candidate.endpoint, what=reason)
        found = _FINISHES.get(reason, "stop")
        self.finish = "tool_calls" if found == "stop" and self._calls else found


def _usage(counts: dict[str, Any]) -> Usage:
    """Thoughts are paid for as output, results of the vendor's own tools as input."""
    prompt, said = count(counts.get("promptTokenCount")), count(counts.get("candidatesTokenCount"))
    thought = count(counts.get("thoughtsTokenCount")) or 0
    fed = count(counts.get("toolUsePromptTokenCount")) or 0
    return Usage(
        None if prompt is None else prompt + fed,
        said + thought if said is not None else thought or None,
        count(counts.get("cachedContentTokenCount")) or 0,
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
