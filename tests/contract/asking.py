"""A handler asked over a real connection, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from asgiref.sync import async_to_sync

from apps.core.errors import ApiError
from apps.core.http import session
from apps.providers.handlers import handlers
from apps.providers.types import ChatRequest, Delta, Embeddings, Finish, Item, ToolCallDelta, Usage, message
from tests.providers.builders import KEY, ModelServer, make_candidate

TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="  # a PNG of 1 x 1
)
PICTURE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}


@dataclass
class Outcome:
    """The pieces that came, and the error that ended them."""

    items: list[Item] = field(default_factory=list)
    error: ApiError | None = None
    open: int = 0  # connections that were not given back

    @property
    def text(self) -> list[str]:
        return [item.text for item in self.items if isinstance(item, Delta)]

    @property
    def calls(self) -> list[ToolCallDelta]:
        return [item for item in self.items if isinstance(item, ToolCallDelta)]

    @property
    def end(self) -> tuple[Item, ...]:
        """The last two: `Finish` and `Usage`."""
        return tuple(self.items[-2:])

    @property
    def usage(self) -> Usage:
        return next(item for item in self.items if isinstance(item, Usage))

    @property
    def finish(self) -> str:
        return next(item.reason for item in self.items if isinstance(item, Finish))


def make_chat(messages: Sequence[Any] | None = None, *, stream: bool = True, **options: Any) -> ChatRequest:
    found = messages or [message("system", "Be brief."), message("user", "Hi")]
    return ChatRequest(found, options, stream=stream, key="t:n:0")


def ask(
    key: str, server: ModelServer, request: ChatRequest | None = None, *, most: int = 0, **candidate: Any
) -> Outcome:
    """What the handler made of the server's answer; only the first `most` pieces are taken where it is given."""

    async def work() -> Outcome:
        outcome = Outcome()
        async with server.running() as url:
            given = make_candidate(**({"base_url": url, "handler_key": key} | candidate))
            items = handlers()[key].chat(request or make_chat(), given, KEY)
            try:
                async for item in items:
                    outcome.items.append(item)
                    if len(outcome.items) == most:
                        break
            except ApiError as exc:
                outcome.error = exc
            await items.aclose()
            outcome.open = len(session().connector._acquired)
        return outcome

    return async_to_sync(work)()


def embed(key: str, server: ModelServer, texts: Sequence[str], **candidate: Any) -> Embeddings:
    async def work() -> Embeddings:
        async with server.running() as url:
            given = make_candidate(**({"base_url": url, "handler_key": key} | candidate))
            return await handlers()[key].embed(texts, given, KEY)

    return async_to_sync(work)()


def models(key: str, server: ModelServer, *, seconds: float = 2.0) -> list[str]:
    async def work() -> list[str]:
        async with server.running() as url:
            return await handlers()[key].models(url, KEY, seconds=seconds)

    return async_to_sync(work)()
