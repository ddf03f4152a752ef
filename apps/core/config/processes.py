"""Which processes live, what each of them serves, and whether a change has reached all of them.

Each process says it in Redis every few seconds and whenever it changes; what is not repeated lapses.
"""

import json
import os
import socket
import sys
import threading
import time
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from redis.exceptions import RedisError

from apps.core import redis
from apps.core.cache import cache

if TYPE_CHECKING:
    from apps.core.config.reader import ConfigReader

log = structlog.get_logger("core")

ALIVE_SECONDS = 15  # three missed reports
WAIT_SECONDS = 5.0
LOOK_SECONDS = 0.01
REGISTER = "cfg:processes"
STARTED = time.time()
# Commands come and go; nobody waits for them.
LASTING = frozenset({"web", "worker", "dispatcher", "beat", "server"})


@dataclass(frozen=True)
class Process:
    """What one process says of itself. `age` is of its configuration, in seconds, when it said so at `said_at`."""

    id: str
    role: str
    host: str
    pid: int
    started_at: float
    said_at: float
    revision: int
    age: float
    source: str
    refused: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)

    @property
    def lasting(self) -> bool:
        """Whether a change should wait for it."""
        return self.role in LASTING


@dataclass(frozen=True)
class Propagation:
    """How far a change has come: `complete` when every lasting process serves it."""

    complete: bool
    revision: int
    processes: int
    behind: list[str]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


_identity: tuple[int, str] = (0, "")
_identity_lock = threading.Lock()


def identity() -> str:
    """This process's name; the random part tells it from a predecessor with its number."""
    global _identity  # noqa: PLW0603 - one per process, made again after a fork
    with _identity_lock:
        if _identity[0] != os.getpid():
            _identity = (os.getpid(), f"{socket.gethostname()[:60]}:{os.getpid()}:{uuid.uuid4().hex[:6]}")
        return _identity[1]


def role() -> str:
    """What this process is, by how it was started."""
    program, arguments = Path(sys.argv[0]).name, sys.argv[1:]
    if given := os.environ.get("PAIBAN_PROCESS"):
        return given
    if "uvicorn" in program or "uvicorn" in sys.argv[0] or "daphne" in program:
        return "web"
    if "celery" in sys.argv[0]:
        return "beat" if "beat" in arguments else "worker"
    if program == "manage.py" and arguments:
        return {"dispatcher": "dispatcher", "runserver": "web"}.get(arguments[0], "command")
    return "server"


def report(reader: "ConfigReader") -> None:
    """Say what this process serves. Without Redis nobody hears it, and nothing fails."""
    process = Process(
        id=identity(),
        role=role(),
        host=socket.gethostname(),
        pid=os.getpid(),
        started_at=STARTED,
        said_at=time.time(),
        revision=reader.revision,
        age=round(reader.age(), 2),
        source=reader.source,
        refused=reader.refused,
        metrics={**reader.metrics.as_dict(), "cache": cache.metrics.as_dict()},
    )
    try:
        with redis.client().pipeline(transaction=False) as pipe:
            pipe.set(_key(process.id), json.dumps(asdict(process)), ex=ALIVE_SECONDS)
            pipe.zadd(redis.key(REGISTER), {process.id: process.said_at})
            pipe.zremrangebyscore(redis.key(REGISTER), 0, process.said_at - 4 * ALIVE_SECONDS)
            pipe.execute()
    except RedisError:
        log.debug("config.report_failed")


def retract() -> None:
    """This process ends: nobody need wait for it."""
    try:
        redis.client().zrem(redis.key(REGISTER), identity())
        redis.client().delete(_key(identity()))
    except RedisError:
        pass  # it lapses


def live_processes() -> list[Process]:
    """Every process that said something lately, by role. Raises `RedisError`."""
    ids: Any = redis.client().zrange(redis.key(REGISTER), 0, -1)
    if not ids:
        return []
    said: Any = redis.client().mget([_key(i) for i in ids])
    found = [Process(**json.loads(text)) for text in said if text]
    return sorted(found, key=lambda p: (p.role, p.host, p.pid))


def wait_until_propagated(revision: int, timeout: float = WAIT_SECONDS) -> Propagation:
    """Wait until every lasting process serves `revision`, or until `timeout` seconds have passed.

    Without Redis nobody can tell: the answer is then "not complete", at once.
    """
    began = time.monotonic()
    while True:
        try:
            lasting = [p for p in live_processes() if p.lasting]
        except RedisError:
            return Propagation(False, revision, 0, ["redis"], round(time.monotonic() - began, 3))
        behind = [p.id for p in lasting if p.revision < revision]
        spent = time.monotonic() - began
        if not behind or spent > timeout:
            return Propagation(not behind, revision, len(lasting), behind, round(spent, 3))
        time.sleep(LOOK_SECONDS)


def _key(process_id: str) -> str:
    return redis.key(f"cfg:process:{process_id}")
