"""What gateway and handlers hand to each other. A request is in the shape of OpenAI's Chat Completions."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, TypedDict

Role = Literal["system", "developer", "user", "assistant", "tool", "function"]
Operation = Literal["chat", "completion", "embedding"]


class Message(TypedDict, total=False):
    """One message of a chat, as OpenAI writes it; `content` is a text or a list of parts."""

    role: Role
    content: Any
    name: str
    tool_calls: list[dict[str, Any]]
    tool_call_id: str


def message(role: Role, content: str) -> Message:
    """A message of plain text."""
    return {"role": role, "content": content}


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A chat, whatever upstream answers it.

    `options` are the other members of a Chat Completions body (`temperature`, `max_tokens`, `tools`, ...), without
    `model`, `messages` and `stream`. `key` stays the same over retries of the same work.
    """

    messages: Sequence[Message]
    options: Mapping[str, Any] = field(default_factory=dict)
    stream: bool = True
    key: str = ""

    @property
    def max_tokens(self) -> int | None:
        """The limit of tokens, under either of its two names."""
        found = self.options.get("max_completion_tokens", self.options.get("max_tokens"))
        return found if isinstance(found, int) else None

    def limited_to(self, tokens: int) -> "ChatRequest":
        """The same request with another limit of tokens."""
        name = "max_completion_tokens" if "max_completion_tokens" in self.options else "max_tokens"
        return replace(self, options={**self.options, name: tokens})


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call: the first of an `index` carries `id` and `name`, all carry text of the arguments."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the upstream counted them, cached ones among the input's; None where it did not say."""

    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Finish:
    """Why the answer ended: `stop`, `length`, `tool_calls` or `content_filter`."""

    reason: str


Item = Delta | ToolCallDelta | Usage | Finish


@dataclass(frozen=True, slots=True)
class Prices:
    """What a model costs, in micro-credits: tokens by the million, images and calls each. None is unknown."""

    input: int | None = None
    output: int | None = None
    cached: int | None = None
    image: int | None = None
    call: int | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An endpoint and model that could answer."""

    endpoint: str
    endpoint_id: int
    handler_key: str
    base_url: str
    model: str
    timeout_seconds: int
    max_retries: int
    first_byte_seconds: int = 0  # of a stream; 0 for the timeout
    priority: int = 100
    weight: int = 100
    quality: int = 50
    max_concurrency: int = 0  # 0 for no limit, as the next two
    rpm: int = 0
    tpm: int = 0
    context_window: int = 8192
    max_output: int = 0
    capabilities: frozenset[str] = frozenset()
    prices: Prices = Prices()
    secret_version: int = 0  # of the key that was released with it


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Vectors in the order of what was given, and the tokens that were read."""

    vectors: list[list[float]]
    usage: Usage


@dataclass(slots=True)
class Raw:
    """An upstream's answer that is passed on as it is; `close` is called when the reader is done or gone."""

    chunks: AsyncIterator[bytes]
    content_type: str
    close: Callable[[], object]


class Handler(Protocol):
    """Speaks one vendor's wire format. One file in `handlers/`, registered by being there.

    Every method raises the errors of `providers.errors`, and nothing else of the upstream's making.
    """

    key: str
    label: str
    requires_secret: bool
    operations: frozenset[Operation]

    def chat(self, request: ChatRequest, candidate: Candidate, secret: str | None) -> AsyncIterator[Item]:
        """The answer's pieces, then `Finish`, then `Usage`. A request that is not a stream may come in one piece."""

    async def embed(self, texts: Sequence[str], candidate: Candidate, secret: str | None) -> Embeddings:
        """The vectors of `texts`."""

    async def models(self, base_url: str, secret: str | None, *, seconds: float) -> list[str]:
        """The models that the upstream says it serves. The cheapest authenticated call: it also tests a connection."""


class Passing(Protocol):
    """A handler whose wire is OpenAI's: its answers reach the caller byte by byte."""

    async def post(
        self, path: str, body: bytes, candidate: Candidate, secret: str | None, *, stream: bool, key: str
    ) -> Raw:
        """Send `body` to `path` below the base URL; an answer that is no success is raised as an error."""


@dataclass(frozen=True, slots=True)
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
    tool_calls: tuple[dict[str, Any], ...] = ()
    finish_reason: str = "stop"
    cost_micro: int | None = None  # None where a price is unknown
    estimated: bool = False
