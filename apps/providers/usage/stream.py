"""Records on their way to the database: a Redis Stream whose entries are batches, read by one group."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog
from redis.exceptions import ResponseError

from apps.core import redis
from apps.providers.usage.records import Numbered, packed, unpacked

log = structlog.get_logger("providers")

STREAM = "usage:records"
REFUSED = "usage:refused"
GROUP = READER = "dispatcher"
# Batches, so up to a hundred times as many records under load. Redis drops the oldest above it.
KEPT_BATCHES = 200_000
KEPT_REFUSED = 1_000
READ = 20  # entries at once: some thousand rows in one transaction at the most
# An entry that was read so long ago and is still there belongs to a dispatcher that died.
CLAIM_AFTER_MS = 30_000
PAGE = 500


@dataclass(frozen=True)
class Entry:
    """One entry of the stream; `batch` is None when it cannot be read."""

    id: str
    text: str
    batch: list[Numbered] | None


def append(batch: list[Numbered]) -> None:
    """Put `batch` at the end. Raises `RedisError`."""
    redis.client().xadd(redis.key(STREAM), {"batch": packed(batch)}, maxlen=KEPT_BATCHES, approximate=True)


def take() -> list[Entry]:
    """Entries for this reader alone: those that another one left behind, then new ones. Raises `RedisError`."""
    client, stream = redis.client(), redis.key(STREAM)
    try:
        return _taken(client, stream)
    except ResponseError as exc:
        if "NOGROUP" not in str(exc):
            raise
    with suppress(ResponseError):  # another dispatcher made it meanwhile
        client.xgroup_create(stream, GROUP, id="0", mkstream=True)
    return _taken(client, stream)


def _taken(client: Any, stream: str) -> list[Entry]:
    left: Any = client.xautoclaim(stream, GROUP, READER, min_idle_time=CLAIM_AFTER_MS, count=READ)
    if rows := left[1]:
        return [_entry(*row) for row in rows]
    fresh: Any = client.xreadgroup(GROUP, READER, {stream: ">"}, count=READ)
    return [_entry(*row) for _stream, rows in fresh or () for row in rows]


def done(entries: list[Entry]) -> None:
    """They are in the database. Raises `RedisError`."""
    numbers = [entry.id for entry in entries]
    with redis.client().pipeline(transaction=True) as pipe:
        pipe.xack(redis.key(STREAM), GROUP, *numbers)
        pipe.xdel(redis.key(STREAM), *numbers)
        pipe.execute()


def refuse(entry: Entry) -> None:
    """Lay an unreadable entry aside, where a person may look at it. Raises `RedisError`."""
    log.error("usage.entry_unreadable", entry=entry.id, size=len(entry.text))
    redis.client().xadd(redis.key(REFUSED), {"batch": entry.text}, maxlen=KEPT_REFUSED, approximate=True)


def unwritten() -> Iterator[Numbered]:
    """Every record that is still in the stream, read or not. Raises `RedisError`."""
    after = "-"
    while rows := _page(after):
        for number, fields in rows:
            yield from _entry(number, fields).batch or ()
        after = f"({rows[-1][0]}"


def _page(after: str) -> list[tuple[str, dict[str, str]]]:
    client: Any = redis.client()  # redis-py's stubs know nothing of decoded answers
    rows: list[tuple[str, dict[str, str]]] = client.xrange(redis.key(STREAM), min=after, count=PAGE)
    return rows


def _entry(number: str, fields: dict[str, str] | None) -> Entry:
    text = (fields or {}).get("batch", "")
    try:
        return Entry(number, text, unpacked(text))
    except msgspec.DecodeError:  # a ValidationError is one
        return Entry(number, text, None)
