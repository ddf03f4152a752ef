"""What gateway and handlers hand to each other."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol


@dataclass(frozen=True)
class Message:
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class ChatRequest:
    """A chat, whatever upstream answers it. `key` stays the same over retries of the same work."""

    messages: tuple[Message, ...]
    temperature: float | None = None
    max_tokens: int | None = None
    key: str = ""

    def limited_to(self, tokens: int) -> "ChatRequest":
        """The same request with another limit of tokens."""
        return replace(self, max_tokens=tokens)


@dataclass(frozen=True)
class Delta:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True)
class Usage:
    """Tokens as the upstream counted them; None where it did not say."""

    input_tokens: int | None
    output_tokens: int | None


@dataclass(frozen=True)
class Candidate:
    """An endpoint and model that could answer, in the order of trying."""

    endpoint: str
    endpoint_id: int
    handler_key: str
    base_url: str
    model: str
    timeout_seconds: int
    max_retries: int


class Handler(Protocol):
    """Speaks one vendor's wire format. One file in `handlers/`, registered by being there."""

    key: str
    requires_secret: bool

    def chat(self, request: ChatRequest, candidate: Candidate, secret: str | None) -> AsyncIterator[Delta | Usage]:
        """Stream the answer, then its usage. Raises the errors of `providers.errors`."""


@dataclass(frozen=True)
class Answer:
    """A finished chat: the text, who answered, what it used, and who was tried before.

    `degraded` says that the fallback model of a degrade policy answered.
    """

    text: str
    model_used: str
    endpoint: str
    mock: bool
    usage: Usage
    attempts: tuple[dict[str, Any], ...] = ()
    degraded: bool = False
