"""The Redis connections of this process."""

from functools import lru_cache
from typing import Any

import hiredis
import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from apps.core.per_loop import PerLoop

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


class _Packed:
    """Commands packed by hiredis: on asyncio connections the library does it in Python, a third of a script's cost."""

    def pack_command(self, *args: Any) -> list[bytes]:
        return [hiredis.pack_command((*str(args[0]).split(), *args[1:]))]


def _for_single_commands() -> "redis.asyncio.Redis":
    options = {**_OPTIONS, "socket_connect_timeout": 1, "socket_timeout": 2}
    found = redis.asyncio.Redis.from_url(settings.REDIS_URL, retry=AsyncRetry(NoBackoff(), 1), **options)
    pool = found.connection_pool
    pool.connection_class = type("PackedConnection", (_Packed, pool.connection_class), {})
    return found


# The pooled asyncio client of the running loop, for single commands; nobody closes it. It gives up sooner than the
# others: whoever waits for it answers a person meanwhile.
async_client = PerLoop(_for_single_commands)


def key(name: str) -> str:
    """`name` under this installation's prefix."""
    return f"{settings.REDIS_PREFIX}{name}"
