"""How endpoints stand right now, over all processes: circuit, use of the limits, pace, last failure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import structlog
from django.utils import timezone
from redis.exceptions import RedisError

from apps.core.errors import DependencyDown
from apps.providers.admission.records import Phase
from apps.providers.admission.shared import Seen, SharedBook, look
from apps.providers.models import Endpoint

log = structlog.get_logger("providers")

State = Literal["closed", "open", "half_open", "unknown"]
_STATES: dict[Phase, State] = {Phase.CLOSED: "closed", Phase.OPEN: "open", Phase.HALF: "half_open"}


@dataclass(frozen=True)
class Standing:
    """One endpoint. Limits are what its row says, 0 for none; `state` is `unknown` while Redis is away."""

    endpoint: str
    state: State = "unknown"
    open_until: datetime | None = None
    calls_lately: int = 0  # within the breaker's window
    failed_lately: int = 0
    opened: int = 0  # how often; forgotten after a day without news
    in_flight: int = 0
    max_concurrency: int = 0
    calls_minute: int = 0  # of an endpoint with a limit by the minute; the same for tokens
    rpm: int = 0
    tokens_minute: int = 0
    tpm: int = 0
    paused: dict[str, float] | None = None  # models that asked for a pause, and its rest in seconds
    first_byte_ms: dict[str, float] | None = None  # by model
    last_error: str = ""
    last_error_at: datetime | None = None

    @property
    def error_share(self) -> float | None:
        """The share of calls that failed lately; None without any."""
        return self.failed_lately / self.calls_lately if self.calls_lately else None

    @property
    def is_resting(self) -> bool:
        """Whether there is something that `close_circuit` would end."""
        return self.state in ("open", "half_open") or bool(self.paused)


def standings(endpoints: Iterable[Endpoint]) -> dict[str, Standing]:
    """How each of `endpoints` stands, by key; one round trip however many they are."""
    rows = list(endpoints)
    try:
        seen: list[Seen | None] = list(look([_book(row) for row in rows])) if rows else []
    except RedisError:
        seen = [None] * len(rows)
    return {row.key: _standing(row, found) for row, found in zip(rows, seen, strict=True)}


def close_circuit(endpoint: Endpoint, *, by: Any) -> bool:
    """Ask the endpoint again at once: closes its circuit and ends the pauses of its models. Whether there were any.

    Raises `DependencyDown`. Concurrency: every process knows within a second.
    """
    try:
        closed = _book(endpoint).reset()
    except RedisError as exc:
        raise DependencyDown(details={"cause": type(exc).__name__}) from exc
    log.warning("circuit.reset", endpoint=endpoint.key, by=getattr(by, "pk", None), wasResting=closed)
    return closed


def _book(endpoint: Endpoint) -> SharedBook:
    return SharedBook(endpoint.pk, endpoint.key)


def _standing(endpoint: Endpoint, seen: Seen | None) -> Standing:
    limits = {name: getattr(endpoint, name) for name in ("max_concurrency", "rpm", "tpm")}
    if seen is None:
        return Standing(endpoint.key, **limits)
    news = seen.news
    rest = timedelta(milliseconds=news.stand.open_ms)
    return Standing(
        endpoint.key,
        **limits,
        state=_STATES[news.stand.phase],
        open_until=timezone.now() + rest if rest else None,
        calls_lately=seen.answered + seen.failed,
        failed_lately=seen.failed,
        opened=seen.opened,
        in_flight=seen.leases if endpoint.max_concurrency else seen.underway,
        calls_minute=seen.calls,
        tokens_minute=seen.tokens,
        paused={model: ms / 1000 for model, ms in sorted(news.pauses.items())},
        first_byte_ms=dict(sorted(news.paces.items())),
        last_error=seen.error,
        last_error_at=datetime.fromtimestamp(seen.error_at / 1000, UTC) if seen.error_at else None,
    )
