"""Tells every process that a head moved: precise messages on `cfg:invalidate`."""

import json
import time
from dataclasses import asdict, dataclass

import structlog
from redis.exceptions import RedisError

from apps.core import redis

log = structlog.get_logger("core")
CHANNEL = "cfg:invalidate"


@dataclass(frozen=True)
class Invalidation:
    """One head moved. `at` is seconds since the epoch when the message was sent."""

    scope: str
    key: str
    version: int
    revision: int
    at: float


def broadcast(*, scope: str, key: str, version: int, revision: int) -> None:
    """Tell this process and all others. Without Redis the revision poll tells them within seconds."""
    from apps.core.config.reader import reader

    message = Invalidation(scope, key, version, revision, time.time())
    reader.apply(message)
    try:
        redis.client().publish(redis.key(CHANNEL), json.dumps(asdict(message)))
    except RedisError:
        log.warning("config.broadcast_failed", scope=scope, key=key, version=version)


def parse(data: str) -> Invalidation | None:
    """The message, or None when it is not one of ours."""
    try:
        return Invalidation(**json.loads(data))
    except (ValueError, TypeError):
        log.warning("config.message_malformed", data=data[:200])
        return None
