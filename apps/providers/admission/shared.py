"""One endpoint's state in Redis, the same for every process: each question is one script and one round trip."""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from apps.core import redis
from apps.core.redis_scripts import Script
from apps.providers.admission.records import Decision, Noted, Permit, Phase, Result, Stand, lease_ms
from apps.providers.admission.rules import as_lua
from apps.providers.types import Candidate

PARTS = ("breaker", "leases", "probes", "rate", "pace", "flight", "pauses")  # in the order of `lua/head.lua`
_FOLDER = Path(__file__).parent / "lua"


def _script(name: str) -> Script:
    return Script(as_lua(), (_FOLDER / "head.lua").read_text(), (_FOLDER / f"{name}.lua").read_text())


ADMIT, LEAVE, SYNC, RENEW, LOOK, RESET = (
    _script(name) for name in ("admit", "leave", "sync", "renew", "look", "reset")
)


class News(NamedTuple):
    """How an endpoint stands; by model, the rest of its pause and the time to the first byte lately, in ms."""

    stand: Stand
    pauses: dict[str, float]
    paces: dict[str, float]


class Seen(NamedTuple):
    """All that Redis knows of an endpoint; calls and tokens are those of the last minute, where they are limited."""

    news: News
    answered: int
    failed: int
    leases: int
    underway: int
    calls: int
    tokens: int
    opened: int
    error: str
    error_at: int  # milliseconds since 1970, 0 for never


class SharedBook:
    """`now` is for tests; otherwise the server's clock counts, whatever the machines' own say."""

    def __init__(self, endpoint_id: int, key: str) -> None:
        stem = redis.key(f"admission:{{{endpoint_id}:{key}}}")
        self.keys = tuple(
            f"{stem}:{name}" for name in ("breaker", "leases", "probes", "rate", "pace", "flight", "pauses")
        )

    def asked(self, candidate: Candidate, lease: str, tokens: int, *, now: int = 0) -> "asyncio.Future[Any]":
        """Whether `candidate` may be asked now, for `decided`; if so, everything it needs is taken.

        The future raises `RedisError`. It comes true even when nobody waits for it any more.
        """
        limits = (candidate.max_concurrency, candidate.rpm, candidate.tpm)
        return ADMIT.sent(self.keys, now, lease, lease_ms(candidate), *limits, tokens, candidate.model)

    async def leave(self, permit: Permit, result: Result, answered: int = 0, *, now: int = 0) -> Noted:
        """Give everything back, and count the call; `answered` are others that went well. Raises `RedisError`."""
        model = permit.candidate.model
        used = (permit.slot, permit.tokens, result.tokens)
        how = (int(permit.probe), result.outcome, result.asked_ms)
        told = await LEAVE(self.keys, now, permit.lease, permit.generation, *how, *used, answered, result.words, model)
        return Noted(told[0], bool(told[1]), bool(told[2]), Stand(Phase(told[3]), told[4], told[5]))

    async def sync(
        self, process: str, underway: int, answered: int, paces: Iterable[tuple[str, int, float]], *, now: int = 0
    ) -> News:
        """Tell what happened here, hear how the endpoint stands.

        Raises `RedisError`.
        """
        measured = [value for pace in paces for value in pace]
        told = await SYNC(self.keys, now, process, underway, answered, *measured)
        return news_in(told)

    async def renew(self, permits: Iterable[Permit], *, enter: bool = False, now: int = 0) -> None:
        """Keep the places of `permits` for longer; `enter` takes them where Redis has forgotten them.

        Raises `RedisError`.
        """
        told = [(p.lease, lease_ms(p.candidate), int(p.probe)) for p in permits]
        await RENEW(self.keys, now, "NX" if enter else "XX", *(value for one in told for value in one))

    def reset(self, *, now: int = 0) -> bool:
        """Close the circuit and end the cool-down; whether there was one. For threads. Raises `RedisError`."""
        return bool(RESET.now(self.keys, now))


def look(books: Sequence[SharedBook], *, now: int = 0) -> list[Seen]:
    """Everything there is to know of each, in one round trip. For threads. Raises `RedisError`."""
    found = LOOK.now_for_each([book.keys for book in books], now)
    return [Seen(news_in(told), *told[3]) for told in found]


def decided(told: Any) -> Decision:
    """The answer to `SharedBook.asked`."""
    return Decision(told[0], told[1], bool(told[2]), told[3], Stand(Phase(told[4]), told[5], told[6]))


def news_in(told: Any) -> News:
    """The answer to `SharedBook.sync`, and the beginning of what `lua/look.lua` says."""
    phase, open_ms, generation = told[0]
    return News(Stand(Phase(phase), open_ms, generation), _by_model(told[1]), _by_model(told[2]))


def _by_model(told: Sequence[Any]) -> dict[str, float]:
    return {model: float(ms) for model, ms in zip(told[::2], told[1::2], strict=True)}
