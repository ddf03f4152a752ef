"""Tells every process that a head moved: precise messages on `cfg:invalidate`."""

import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from redis.exceptions import RedisError

from apps.core import redis
from apps.core.config.heads import HeadState

log = structlog.get_logger("core")
CHANNEL = "cfg:invalidate"
PAYLOAD_SECONDS = (240, 360)  # in Redis: 300 s with jitter, so that keys do not lapse together


@dataclass(frozen=True)
class Invalidation:
    """One head moved. `at` is seconds since the epoch when the message was sent."""

    scope: str
    key: str
    state: HeadState
    at: float

    @property
    def revision(self) -> int:
        return self.state.revision

    def as_json(self) -> str:
        """`{scope, key, version, revision, at, sha256, candidate}`."""
        return json.dumps({"scope": self.scope, "key": self.key, "at": self.at, **self.state.as_dict()})


def broadcast(*, scope: str, key: str, state: HeadState, bodies: Mapping[int, str]) -> None:
    """Tell this process and all others; what is new is in Redis before they hear of it.

    Without Redis the revision poll tells them within seconds.
    """
    from apps.core.config.reader import reader

    message = Invalidation(scope, key, state, time.time())
    for version, body in bodies.items():
        reader.hold(scope, key, version, body)
    reader.apply(message)
    try:
        with redis.client().pipeline(transaction=False) as pipe:
            for version, body in bodies.items():
                pipe.set(redis_key(scope, key, version), body, ex=payload_seconds())
            pipe.publish(redis.key(CHANNEL), message.as_json())
            pipe.execute()
    except RedisError:
        log.warning("config.broadcast_failed", scope=scope, key=key, version=state.version)


def redis_key(scope: str, key: str, version: int) -> str:
    """Where a payload lies in Redis. The version is in the key, so nothing old has to be dropped."""
    return redis.key(f"cfg:{scope}:{key}:{version}")


def payload_seconds() -> int:
    """For how long, with jitter."""
    return random.randint(*PAYLOAD_SECONDS)  # noqa: S311 - jitter


def parse(data: str) -> Invalidation | None:
    """The message, or None when it is not one of ours."""
    try:
        plain: Any = json.loads(data)
        return Invalidation(str(plain["scope"]), str(plain["key"]), HeadState.from_dict(plain), float(plain["at"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        log.warning("config.message_malformed", data=data[:200])
        return None
