"""One call, written down."""

import itertools
import os
import uuid
from dataclasses import dataclass

import msgspec

LOST = "lost"  # its process died: what had been set aside counts as its cost
FOUND = "found"  # it was not lost after all: takes back what was written as lost


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """One row to be: a call that was made, whoever answered.

    `status` is `ok`, `cut`, the code of an error, or one of the two above.
    """

    request_id: str
    at: float  # Unix time
    operation: str
    user_id: int | None
    key_id: int | None
    feature: str
    step: str  # `task:node:iteration`, for work of a task
    endpoint: str
    model: str
    stream: bool
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    estimated: bool
    cost: int | None  # micro-credits; None where a price is unknown
    first_ms: float | None
    total_ms: float
    attempts: int
    degraded: bool
    status: str


# A record and its number, which is unique for ever: however often it is delivered, it is counted once.
Numbered = tuple[str, UsageRecord]
_BATCH = list[Numbered]

_process = uuid.uuid4().hex[:20]
_numbers = itertools.count()


def _after_fork() -> None:
    global _process, _numbers
    _process, _numbers = uuid.uuid4().hex[:20], itertools.count()


os.register_at_fork(after_in_child=_after_fork)


def numbered(entry: UsageRecord) -> Numbered:
    """`entry` under a number of its own."""
    return f"{_process}-{next(_numbers):x}", entry


def packed(batch: _BATCH) -> str:
    """`batch` as JSON."""
    return msgspec.json.encode(batch).decode()


def unpacked(text: str) -> _BATCH:
    """The batch that `packed` made, by this version or another. Raises `msgspec.DecodeError`."""
    return msgspec.json.decode(text, type=_BATCH)
