"""One thread per process that hears `cfg:invalidate`, and polls the revision because pub/sub forgets."""

import atexit
import os
import threading
import time

import structlog
from django.db import DatabaseError, close_old_connections
from redis.exceptions import RedisError

from apps.core import redis
from apps.core.config.invalidation import CHANNEL, parse
from apps.core.config.reader import reader

log = structlog.get_logger("core")

POLL_SECONDS = 5.0
_lock = threading.Lock()
_owner: int | None = None
_stopping = threading.Event()


def ensure_subscribed() -> None:
    """Start the thread once per process (again after a fork)."""
    global _owner  # noqa: PLW0603 - one per process is the point
    if _owner == os.getpid():
        return
    with _lock:
        if _owner != os.getpid():
            _owner = os.getpid()
            thread = threading.Thread(target=_run, name="config-subscriber", daemon=True)
            thread.start()
            atexit.register(_stop, thread)


def _stop(thread: threading.Thread) -> None:
    """End quietly with the process, before the server or the log goes away under it."""
    _stopping.set()
    thread.join(timeout=3)


def _run() -> None:
    while not _stopping.is_set():
        try:
            _listen()
        except RedisError:
            log.warning("config.subscription_lost")
        except Exception:
            log.exception("config.subscriber_crashed")
        poll()
        _stopping.wait(1)


def _listen() -> None:
    """Hear messages until the connection fails, polling the revision every few seconds."""
    with redis.subscription() as pubsub:
        pubsub.subscribe(redis.key(CHANNEL))
        # What was published while nobody listened is found by the poll below.
        due = 0.0
        while not _stopping.is_set():
            if time.monotonic() >= due:
                poll()
                due = time.monotonic() + POLL_SECONDS
            message = pubsub.get_message(timeout=0.5)
            if message and (news := parse(str(message["data"]))):
                reader.apply(news)
                log.debug("config.invalidated", key=news.key, delayMs=round((time.time() - news.at) * 1000, 1))


def poll() -> None:
    """Compare the revision with the table's and resync when it differs."""
    from apps.core.publishing.models import Revision

    try:
        current = Revision.objects.values_list("value", flat=True).first() or 0
        if current != reader.revision:
            reader.resync()
    except DatabaseError:
        log.warning("config.poll_failed")
    finally:
        close_old_connections()
