"""What is said about an endpoint between this process and what it shares with the others."""

import time
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Literal, NamedTuple

from apps.core.errors import ApiError
from apps.providers.admission.rules import LEASE_MARGIN_MS
from apps.providers.errors import UpstreamBusy, UpstreamError, UpstreamRefused
from apps.providers.types import Candidate

if TYPE_CHECKING:
    from apps.providers.admission.local import LocalBook

Obstacle = Literal["", "open", "cooling", "calls", "rpm", "tpm"]
Outcome = Literal["ok", "bad", "busy", "none"]


class Phase(IntEnum):
    CLOSED = 0
    OPEN = 1
    HALF = 2


class Stand(NamedTuple):
    """How an endpoint stands; `open_ms` from now on. `generation` grows when its circuit moves."""

    phase: Phase = Phase.CLOSED
    open_ms: int = 0
    generation: int = 1


class Decision(NamedTuple):
    """Whether a call may be made. `slot` is the second in which it was counted, 0 where nothing is counted."""

    obstacle: Obstacle
    wait_ms: int
    probe: bool
    slot: int
    stand: Stand


class Noted(NamedTuple):
    """What the end of a call changed; `cool_ms` is how long its model is left alone from now on."""

    cool_ms: int
    opened: bool
    closed: bool
    stand: Stand


@dataclass(slots=True)
class Permit:
    """The right to one call. It is handed back exactly once, by `leave`."""

    candidate: Candidate
    at: float = field(default_factory=time.perf_counter)
    lease: str = ""  # empty for a call that nobody else has to know of
    generation: int = 0
    probe: bool = False
    slot: int = 0
    tokens: int = 0
    book: "LocalBook | None" = None  # where it was given while Redis was away
    renewed: float = 0.0


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a call, as breaker and limits see it."""

    outcome: Outcome
    tokens: int = 0
    asked_ms: int = 0  # the pause that a busy endpoint asked for
    words: str = ""  # what failed


def result_of(error: ApiError | None, *, tokens: int, first_ms: float | None) -> Result:
    """Cancelled before a word, or stopped by something of ours: that says nothing about the endpoint."""
    if error is None:
        return Result("ok" if tokens or first_ms is not None else "none", tokens)
    if isinstance(error, UpstreamBusy):
        return Result("busy", tokens, int(error.details.get("retryAfter", 0)) * 1000, words_of(error))
    if isinstance(error, UpstreamError) and error.counts:
        return Result("bad", tokens, words=words_of(error))
    return Result("ok" if isinstance(error, UpstreamRefused) else "none", tokens)


def words_of(error: ApiError) -> str:
    """What an operator reads about a failure later, in no language: its code and the upstream's own words."""
    return f"{error.code} {error.params.get('what', '')}".strip()[:240]


def lease_ms(candidate: Candidate) -> int:
    """How long a permit is kept for a holder that says nothing more."""
    return candidate.timeout_seconds * 1000 + LEASE_MARGIN_MS


def is_limited(candidate: Candidate) -> bool:
    """Whether each call has to be counted together with all other processes."""
    return bool(candidate.max_concurrency or candidate.rpm or candidate.tpm)
