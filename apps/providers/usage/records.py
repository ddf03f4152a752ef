"""One call, written down."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """One row to be: a call that was made, whoever answered. `status` is `ok`, `cut` or the code of an error."""

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


async def record(entry: UsageRecord) -> None:
    """Have `entry` written; costs no query."""
