"""What all processes share in Redis: values, and a mark on each key that was forgotten lately.

A value is kept only if its key has the mark it had before the load began. The mark is the number of the message that
told of the forgetting, so it never comes again; it outlasts any load whose value is kept.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from apps.core import redis

CHANNEL = "cache:forget"
STREAM = "cache:forgotten"
KEPT_MESSAGES = 10_000  # a process that missed more drops all it holds
MARK_SECONDS = 600.0
MAX_BODY = 1024 * 1024
_KEEP = """if (redis.call('get', KEYS[2]) or '') ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], redis.call('time')[1] .. ' ' .. ARGV[2], 'px', ARGV[3])
return 1"""
# One script: whoever hears of it, or reads the stream, no longer finds the value.
_FORGET = """local id = redis.call('xadd', KEYS[1], 'maxlen', '~', ARGV[1], '*', 'keys', ARGV[2])
for n = 2, #KEYS, 2 do
  redis.call('del', KEYS[n])
  redis.call('set', KEYS[n + 1], id, 'px', ARGV[3])
end
redis.call('publish', ARGV[4], id .. ' ' .. ARGV[2])
return id"""


@dataclass(frozen=True)
class Seen:
    """What Redis had: the JSON text or None, for how many seconds more, and the key's mark."""

    text: str | None
    left: float
    mark: str


@dataclass(frozen=True)
class Message:
    """These keys were forgotten. `id` orders messages."""

    id: str
    keys: tuple[str, ...]


def read(key: str, *, since: int = 0) -> Seen:
    """What Redis has. A value put there up to second `since` of Redis's clock counts as none. Raises `RedisError`."""
    with redis.client().pipeline(transaction=False) as pipe:
        pipe.get(_mark(key))
        pipe.get(_value(key))
        pipe.pttl(_value(key))
        mark, found, left = pipe.execute()
    at, _space, text = str(found or "0 ").partition(" ")
    believed = bool(text) and int(at) > since and left > 0
    return Seen(text if believed else None, left / 1000, str(mark or ""))


def keep(key: str, text: str, *, seconds: float, mark: str) -> bool:
    """Let others find it there; False when the key was forgotten since it had this mark. Raises `RedisError`."""
    if len(text) > MAX_BODY:
        redis.client().delete(_value(key))  # an older one must not stand in for it
        return str(redis.client().get(_mark(key)) or "") == mark
    given = (mark, text, max(1, int(seconds * 1000)))
    return bool(redis.client().eval(_KEEP, 2, _value(key), _mark(key), *given))


def forget(keys: Sequence[str]) -> str:
    """Delete the values and tell everybody; returns the message's number. Raises `RedisError`."""
    named = list(chain.from_iterable((_value(key), _mark(key)) for key in keys))
    given = (KEPT_MESSAGES, json.dumps(keys), int(MARK_SECONDS * 1000), redis.key(CHANNEL))
    return str(redis.client().eval(_FORGET, 1 + len(named), redis.key(STREAM), *named, *given))


def parse(data: str) -> Message | None:
    """The message as it was published, or None when it is not one of ours."""
    number, _space, keys = data.partition(" ")
    try:
        return Message(number, tuple(map(str, json.loads(keys))))
    except (ValueError, TypeError):
        return None


def messages_from(number: str) -> list[Message]:
    """The message `number` and all later ones that are still kept. Raises `RedisError`."""
    rows: Any = redis.client().xrange(redis.key(STREAM), min=number)
    return [Message(str(row), tuple(json.loads(fields["keys"]))) for row, fields in rows]


def newest_message() -> str:
    """Its number; "" before the first. Raises `RedisError`."""
    rows: Any = redis.client().xrevrange(redis.key(STREAM), count=1)
    return str(rows[0][0]) if rows else ""


def now() -> int:
    """Seconds on Redis's clock. Raises `RedisError`."""
    told: Any = redis.client().time()
    return int(told[0])


def _value(key: str) -> str:
    return redis.key(f"cache:value:{key}")


def _mark(key: str) -> str:
    return redis.key(f"cache:mark:{key}")
