"""Test a connection: is the upstream there, does it take the key, which models does it list?"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import aiohttp
from django.utils.translation import get_language, gettext, override

from apps.core import aio
from apps.core.crypto import strike
from apps.core.errors import ApiError
from apps.core.http_wire import NameUnknown
from apps.providers.errors import (
    HandlerUnknown,
    KeyMissing,
    ModelVanished,
    NothingThere,
    UpstreamFailed,
    UpstreamKeyRefused,
    UpstreamTimeout,
)
from apps.providers.handlers import handlers

SECONDS = 2.0  # in all, as a person waits for it
OWN_SECONDS = 0.2  # of them for ourselves
MOST_MODELS = 1000
LONGEST_NAME = 120  # as in the catalogue
LONGEST_WORDS = 500
AT_ONCE = 8  # tests of one sweep


@dataclass(frozen=True, repr=False)
class Probe:
    """What is tested. `secret` is None where there is none; `offered` are the models that should be listed."""

    handler_key: str
    base_url: str
    secret: str | None = None
    offered: Sequence[str] = ()
    failure: ApiError | None = None  # known before anything is asked


@dataclass(frozen=True)
class Found:
    """What a test found. `error` is `{code, reason, message, advice}`, the message in the upstream's own words.

    `missing` are offered models that the upstream does not list; `resolved` says whether its name leads anywhere,
    None where that was not found out.
    """

    ok: bool
    latency_ms: int | None = None
    models: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    error: dict[str, str] | None = None
    resolved: bool | None = None
    key_refused: bool = False

    def as_dict(self) -> dict[str, Any]:
        told = asdict(self)
        del told["key_refused"]
        return told


def look(probe: Probe) -> Found:
    """Test one connection, within `SECONDS`. Never raises what the upstream does. Blocks."""
    return look_at([probe])[0]


def look_at(probes: Iterable[Probe]) -> list[Found]:
    """Test several connections, some at once. What is told of failures is in the caller's language."""
    return aio.run(_all(list(probes), get_language()))


async def _all(probes: list[Probe], language: str | None) -> list[Found]:
    """The loop's thread knows nothing of who asks, so the language is handed over."""
    with override(language):
        return await _each(probes)


async def _each(probes: list[Probe]) -> list[Found]:
    turns = asyncio.Semaphore(AT_ONCE)

    async def taken(probe: Probe) -> Found:
        async with turns:
            return await alook(probe)

    return list(await asyncio.gather(*map(taken, probes)))


async def alook(probe: Probe) -> Found:
    """`look` for async callers."""
    started = time.perf_counter()
    try:
        listed = await _listed(probe)
    except ApiError as exc:
        return _failed(probe, exc, started)
    except TimeoutError:
        return _failed(probe, UpstreamTimeout(endpoint=_host(probe.base_url)), started)
    names = sorted({strike(name, probe.secret)[:LONGEST_NAME] for name in listed if isinstance(name, str)})
    missing = [name for name in probe.offered if name not in names] if names else []
    return Found(True, _ms(started), names[:MOST_MODELS], missing, resolved=True if probe.base_url else None)


async def _listed(probe: Probe) -> list[str]:
    """Raises `ApiError`, `TimeoutError`."""
    if probe.failure is not None:
        raise probe.failure
    handler = handlers().get(probe.handler_key)
    if handler is None:
        raise HandlerUnknown(handler=probe.handler_key)
    if handler.requires_secret and not probe.secret:
        raise KeyMissing()
    patience = SECONDS - OWN_SECONDS
    async with asyncio.timeout(patience):
        return await handler.models(probe.base_url, probe.secret, seconds=patience)


def _failed(probe: Probe, error: ApiError, started: float) -> Found:
    cause = error.__cause__
    words = str(error.params.get("what", ""))
    if isinstance(error, UpstreamFailed) and isinstance(cause, ConnectionError | aiohttp.InvalidURL):
        words = f"{type(cause).__name__}: {cause}"
    if isinstance(error, ModelVanished):  # a list of models that is not there is no missing model
        error = NothingThere()
    told = {
        "code": error.code,
        "reason": error.reason,
        "message": strike(words or error.text(), probe.secret)[:LONGEST_WORDS],
        "advice": strike(error.text(), probe.secret)[:LONGEST_WORDS],
    }
    asked = probe.failure is None and not isinstance(error, KeyMissing | HandlerUnknown)
    return Found(
        False,
        _ms(started) if asked else None,
        error=told,
        resolved=not isinstance(cause, NameUnknown) if asked and probe.base_url else None,
        key_refused=isinstance(error, UpstreamKeyRefused),
    )


def _host(base_url: str) -> str:
    parts = base_url.split("/")
    return parts[2] if len(parts) > 2 else gettext("the model service")


def _ms(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
