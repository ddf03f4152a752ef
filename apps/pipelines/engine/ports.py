"""What the engine needs from the app that runs it: where steps are kept, who hears of them, the way outside.

A path names a step of a run: the ids of the nodes down to it, joined by "/". An item of a map stands behind "#", as in
`each#17/brief`. A path has at most `MAX_PATH` characters.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, Protocol

from apps.core.errors import ApiError
from apps.pipelines.nodes.base import Answer, Asked, NodeResult, Outside
from apps.pipelines.nodes.context import Json, LogLevel, OutsideKind

__all__ = [
    "MAX_PATH",
    "Answered",
    "Begun",
    "Call",
    "Do",
    "Entry",
    "Failed",
    "Finished",
    "FinishedStep",
    "Intended",
    "Journal",
    "Logged",
    "Outside",
    "Paused",
    "RecordedCall",
    "Resumed",
    "Shelf",
    "Sink",
    "Skipped",
    "Sleeping",
    "Through",
    "Waiting",
]

MAX_PATH: Final = 200


@dataclass(frozen=True)
class FinishedStep:
    """A step that needs no repeating. `error` is set on one that failed and let the run go on."""

    output: Mapping[str, Any]
    branch: str
    error: Mapping[str, Any] | None = None


# --- what a journal is told ---------------------------------------------------------------------


@dataclass(frozen=True)
class Begun:
    """The step starts, for the `attempt`th time."""

    path: str
    type: str
    attempt: int
    inputs: Mapping[str, Any]


@dataclass(frozen=True)
class Intended:
    """A call outside is about to be made. Written before it is sent."""

    path: str
    no: int  # of the call within its step, from 0
    kind: OutsideKind
    address: str
    request_sha256: str
    repeatable: bool


@dataclass(frozen=True)
class Answered:
    """How a call outside ended. `unknown`: it may have happened, and nobody can tell."""

    path: str
    no: int
    status: Literal["done", "failed", "unknown"]
    response: Json
    usage: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Finished:
    """The step's result. `reused` marks one that was not computed: a pin, or a replay's recorded step."""

    path: str
    type: str
    result: NodeResult
    reused: bool = False


@dataclass(frozen=True)
class Skipped:
    """No way leads to the step."""

    path: str
    type: str


@dataclass(frozen=True)
class Failed:
    """The step failed for good. `goes_on`: the run follows its way `error`, or takes `fallback` for its output."""

    path: str
    type: str
    error: ApiError
    goes_on: bool = False
    fallback: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Waiting:
    """The step asks a person."""

    path: str
    type: str
    asked: Asked


@dataclass(frozen=True)
class Sleeping:
    """The step goes on at `until`."""

    path: str
    type: str
    until: datetime


@dataclass(frozen=True)
class Logged:
    """The step says something for whoever looks into the run."""

    path: str
    level: LogLevel
    message: str


Entry = Begun | Intended | Answered | Finished | Skipped | Failed | Waiting | Sleeping | Logged


# --- what a journal tells -----------------------------------------------------------------------


@dataclass(frozen=True)
class RecordedCall:
    """A call outside that an earlier claim made, or was about to make (`intent`)."""

    kind: OutsideKind
    address: str
    request_sha256: str
    repeatable: bool
    status: Literal["intent", "done", "failed", "unknown"]
    response: Json = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Resumed:
    """What earlier claims of the run left, by path. All empty for a run that never began."""

    steps: Mapping[str, FinishedStep] = field(default_factory=dict)
    skipped: frozenset[str] = frozenset()
    attempts: Mapping[str, int] = field(default_factory=dict)  # of steps that began
    calls: Mapping[tuple[str, int], RecordedCall] = field(default_factory=dict)
    questions: Mapping[str, Asked | Answer] = field(default_factory=dict)  # open ones, and answered ones
    sleeping: Mapping[str, datetime] = field(default_factory=dict)
    spent_micro: int = 0


class Journal(Protocol):
    """Where a run is kept. Both methods raise when the run was taken over by another worker."""

    async def load(self) -> Resumed:
        """What is kept of the run."""

    async def write(self, entries: Sequence[Entry]) -> None:
        """Keep all of `entries`, in their order, in one transaction; it has been committed on return."""


class Shelf(Protocol):
    """Where values go that are too large for a row of the journal."""

    async def keep(self, value: Json) -> Json:
        """`value` with what is large in it replaced by references. Raises `OutputTooLarge`."""

    async def fill(self, value: Json) -> Json:
        """`value` with its references replaced by what they name. Raises `OutputGone`."""


class Sink(Protocol):
    """Hears what is worth showing while a step runs."""

    async def progress(self, path: str, fraction: float, message: str) -> None: ...

    async def delta(self, path: str, text: str) -> None: ...


# --- calls outside ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
    """One call outside, as it is about to be made."""

    path: str
    no: int
    kind: OutsideKind
    address: str
    request: Json
    repeatable: bool
    key: str  # the same whenever this call is made again


Do = Callable[[str], Awaitable[Json]]
# Makes the call, or answers in its place. What it answers is recorded, and what it raises is the call's failure.
Through = Callable[[Call, Do], Awaitable[Json]]


class Paused(Exception):
    """The run cannot go on now: people are asked, or it sleeps. Everything is kept."""

    def __init__(self, *, until: datetime | None, asks: bool) -> None:
        super().__init__(f"paused until {until}, asks: {asks}")
        self.until = until  # when it wants to go on by itself
        self.asks = asks  # whether a person can make it go on
