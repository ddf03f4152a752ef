"""The Redis connections of this process."""

import asyncio
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

_OPTIONS: dict[str, Any] = {
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
    "health_check_interval": 25,
    "decode_responses": True,
}


@lru_cache(maxsize=1)
def client() -> "redis.Redis":
    """The pooled blocking client; a dead server costs a caller at most the connect timeout, twice."""
    # Once more, for a pooled connection that a restarted server closed; redis-py's own three tries wait for seconds.
    return redis.Redis.from_url(settings.REDIS_URL, retry=Retry(NoBackoff(), 1), **_OPTIONS)


def subscription(*, acknowledged: bool = False) -> Any:
    """A pub/sub connection; it hides the server's acknowledgements unless somebody asks for them.

    It repairs a lost connection by itself, silently: an acknowledgement is the only sign of that.
    """
    return client().pubsub(ignore_subscribe_messages=not acknowledged)  # type: ignore[no-untyped-call]  # in redis-py


def new_async_client() -> "redis.asyncio.Redis":
    """An asyncio client for the running loop; whoever makes it closes it."""
    return redis.asyncio.Redis.from_url(settings.REDIS_URL, **_OPTIONS)


# Somebody waits for each of these calls, and is told soon when there is no answer.
_HOT: dict[str, Any] = {**_OPTIONS, "socket_connect_timeout": 1, "socket_timeout": 2}
_of_loops: "WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis]" = WeakKeyDictionary()


def async_client() -> "redis.asyncio.Redis":
    """The running loop's pooled client, for the hot lane."""
    loop = asyncio.get_running_loop()
    found = _of_loops.get(loop)
    if found is None:
        # Once more, for a pooled connection that a restarted server closed.
        found = redis.asyncio.Redis.from_url(settings.REDIS_URL, retry=AsyncRetry(NoBackoff(), 1), **_HOT)
        _of_loops[loop] = found
    return found


def key(name: str) -> str:
    """`name` under this installation's prefix."""
    return f"{settings.REDIS_PREFIX}{name}"
