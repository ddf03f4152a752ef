"""Who offers tools at `/mcp`: an app above registers its source in `AppConfig.ready()`."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from apps.core.lane.identity import Principal


@dataclass(frozen=True, slots=True)
class ServedTool:
    """A tool as one caller sees it. Both schemas are of objects; None for a result that is not described."""

    name: str
    title: str
    description: str
    input_schema: Mapping[str, Any]
    output_schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class LinkedFile:
    """A file of a result, by reference."""

    name: str
    mime: str
    size: int
    url: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What a call gave. `about` goes with it for programs."""

    text: str
    structured: Mapping[str, Any]
    files: Sequence[LinkedFile] = ()
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Watch:
    """Who looks on: told of the call's id as soon as it has one, and of its progress from 0 to 1.

    `cancels`: the work is to be cancelled when nobody waits for the answer any more.
    """

    started: Callable[[str], Awaitable[None]]
    progress: Callable[[float, str], Awaitable[None]]
    cancels: bool = False


class ToolSource(Protocol):
    """Tools of one kind."""

    async def tools(self, principal: Principal) -> Sequence[ServedTool]:
        """What `principal` may use, in a stable order; no query when warm."""

    async def call(self, name: str, arguments: Mapping[str, Any], principal: Principal, watch: Watch) -> Answered:
        """Do it, and wait for the end. Raises `NoSuchTool`, or the `ApiError` that the caller is to be told."""

    async def cancel(self, call_id: str, principal: Principal) -> None:
        """Stop a call of the principal's; nothing happens when it has ended or there is none."""


_source: list[ToolSource] = []


def register(source: ToolSource) -> None:
    """Set what is offered."""
    _source[:] = [source]


def source() -> ToolSource:
    """What is offered. Raises `RuntimeError` where no app registered anything."""
    if not _source:
        raise RuntimeError("no app has registered its tools")
    return _source[0]
