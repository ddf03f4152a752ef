"""What a node gets to see and to call while it runs."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from apps.providers.gateway import Caller

Json = Any  # what `json.loads` gives
OutsideKind = Literal["model", "tool", "http", "retrieve"]
LogLevel = Literal["debug", "info", "warning", "error"]


class Files(Protocol):
    """The files of one run, as nodes see them: ids outside, local paths inside."""

    async def fetch(self, file_id: str) -> Path:
        """A local copy of a file the run's owner has. Raises `NotFound`."""

    async def adopt(self, path: Path, *, mime: str, width: int | None, height: int | None, name: str) -> str:
        """Keep a file that the run made; returns its id."""

    async def keep(self, content: bytes, *, mime: str, name: str) -> str:
        """Keep what came inside a tool's answer, pictures as clean copies; returns its id.

        Raises the errors of `storage.errors` for what calls itself a picture and is none.
        """


class Outside(Protocol):
    """The one way out of a run. Each call is known by the step's path and its number within the step.

    A step makes its calls in an order that depends on its inputs and earlier answers alone, one after the other: only
    then does a resumed step find its answers again.
    """

    async def call(
        self,
        kind: OutsideKind,
        address: str,
        request: Json,
        do: Callable[[str], Awaitable[Json]],
        *,
        repeatable: bool,
    ) -> Json:
        """The answer of `do`, which is given the call's key; or the recorded one, when the call was made before.

        `address` names who is asked (`chat/gpt-4o`, `image-tools/cut_out`, a host, a knowledge base). `request` and the
        answer are JSON; files are in them as ids. What an answer cost stands in its `usage` (`cost_micro` and more).
        Raises the `ApiError` of `do`, and `OutcomeUnknown` for a call that may have happened and may not be repeated.
        """


class Nested(Protocol):
    """Runs other pipelines of the same release as part of a step."""

    async def run(self, pipeline: str, given: Mapping[str, Any], *, item: int | None = None) -> Mapping[str, Any]:
        """The output of pipeline `pipeline` for the input `given`; of what ran before, the recorded one at once.

        `item` numbers the runs of a step that makes several; how many run at once is the step's own affair. Raises the
        `ApiError` of the inner step that failed, and `Pause` when inner steps wait: let it through.
        """


@dataclass(frozen=True)
class Answer:
    """How a question of the step was answered, or that nobody answered in time."""

    values: Mapping[str, Any]
    option: str
    by: str  # the id of the user; "" when time ran out
    at: datetime
    timed_out: bool = False


@dataclass(frozen=True)
class Woken:
    """The time that the step slept until has come."""

    until: datetime


@dataclass(frozen=True)
class NodeContext:
    """All that a node may know: its inputs, its settings, the released parts, and where to report.

    Nothing in it can be changed by a node: `inputs` and `variables` hold read-only mappings and tuples all the way
    down, because other steps see the same values.
    """

    node_id: str
    path: str  # ids joined by "/", an item of a map as `each#17/brief`; equal to `node_id` in the main pipeline
    key: str  # stays the same over retries and restarts; `outside` adds the number of the call
    attempt: int  # counted from 1, over restarts too
    inputs: Mapping[str, Any]
    config: Any
    parts: Mapping[str, Any]
    variables: Mapping[str, Any]
    caller: Caller
    language: str
    files: Files
    outside: Outside
    nested: Nested
    resumed: Answer | Woken | None  # how the pause ended that this step raised before
    log: Callable[[LogLevel, str], Awaitable[None]]
    on_progress: Callable[[float, str], Awaitable[None]]
    on_delta: Callable[[str], Awaitable[None]]
    spent: Callable[[], int]  # micro-credits of the whole run so far
    left: Callable[[], int | None]  # micro-credits until the run's limit; None where there is none
