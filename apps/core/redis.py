"""The Redis connections of this process."""

from functools import lru_cache
from typing import Any

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
    "max_connections": 1000,  # a safeguard, not a limit: the library's hundred are fewer than a busy process's threads
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


class _Handed(redis.asyncio.connection.AbstractConnection):
    """A connection that is made by the library and used by somebody else."""

    @property
    def transport(self) -> Any:
        """What bytes go through, once it is connected."""
        return None if self._writer is None else self._writer.transport

    def let_go(self) -> None:
        """Its transport was closed by whoever took it over."""
        self._reader = self._writer = None


def wire_connection() -> Any:
    """A connection whose `transport` is taken over once it is there (`redis_wire.py`)."""
    # Protocol 2: the server then says nothing on its own.
    options = {**_OPTIONS, "socket_connect_timeout": 1, "protocol": 2, "retry": AsyncRetry(NoBackoff(), 0)}
    pool = redis.asyncio.ConnectionPool.from_url(settings.REDIS_URL, **options)
    pool.connection_class = type("WireConnection", (_Handed, pool.connection_class), {})
    return pool.make_connection()  # type: ignore[no-untyped-call]


def key(name: str) -> str:
    """`name` under this installation's prefix."""
    return f"{settings.REDIS_PREFIX}{name}"
