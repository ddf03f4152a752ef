"""One thread per process that hears `cfg:invalidate` and `cache:forget`, and looks itself because pub/sub forgets."""

import atexit
import os
import random
import threading
import time
from typing import Any

import structlog
from django.db import DatabaseError, close_old_connections
from redis.exceptions import RedisError

from apps.core import redis
from apps.core.cache import cache
from apps.core.cache.shared import CHANNEL as CACHE_CHANNEL
from apps.core.config import backup, processes
from apps.core.config.invalidation import CHANNEL, Invalidation, parse
from apps.core.config.reader import reader

log = structlog.get_logger("core")

POLL_SECONDS = 5.0
POLL_JITTER = 0.2  # of the interval, so that processes do not ask in step
BACKUP_SECONDS = 1.0  # at most once, however fast the publishing
BURST = 1000  # messages that are merged into one change
_lock = threading.Lock()
_started = False
_stopping = threading.Event()


def _forget_after_fork() -> None:
    """The thread did not come along."""
    global _started  # noqa: PLW0603 - one per process is the point
    _started = False
    reader.forget_parent()
    cache.forget_parent()


os.register_at_fork(after_in_child=_forget_after_fork)


def ensure_subscribed() -> None:
    """Start the thread once per process."""
    global _started  # noqa: PLW0603 - one per process is the point
    if _started:
        return
    with _lock:
        if not _started:
            _started = True
            thread = threading.Thread(target=_run, name="config-subscriber", daemon=True)
            thread.start()
            atexit.register(_stop, thread)


def _stop(thread: threading.Thread) -> None:
    """End quietly with the process, before the server or the log goes away under it."""
    _stopping.set()
    thread.join(timeout=3)
    processes.retract()


def _run() -> None:
    while not _stopping.is_set():
        try:
            _listen()
        except RedisError:
            log.warning("config.subscription_lost")
        except Exception:
            log.exception("config.subscriber_crashed")
        cache.news.lose_sight()
        tick()
        _stopping.wait(1)


def _listen() -> None:
    """Hear messages until the connection fails, polling the revision every few seconds."""
    with redis.subscription() as pubsub:
        pubsub.subscribe(redis.key(CHANNEL), redis.key(CACHE_CHANNEL))
        # What was published while nobody listened is found by the looks below.
        due = 0.0
        while not _stopping.is_set():
            if time.monotonic() >= due:
                tick()  # also mirrors what was heard of
                cache.news.look()
                due = time.monotonic() + POLL_SECONDS * random.uniform(1 - POLL_JITTER, 1 + POLL_JITTER)  # noqa: S311
            if burst := _heard(pubsub):
                _apply(burst)
                due = min(due, time.monotonic() + (0 if reader.has_gap else BACKUP_SECONDS))


def _heard(pubsub: Any) -> list[Invalidation]:
    """What arrives within half a second, and all that waits behind it; of each thing the newest."""
    newest: dict[tuple[str, str], Invalidation] = {}
    message = pubsub.get_message(timeout=0.5)
    for _number in range(BURST):
        if message is None:
            break
        if message["channel"] == redis.key(CACHE_CHANNEL):
            cache.news.hear(str(message["data"]))
        elif news := parse(str(message["data"])):
            reader.metrics.heard(time.time() - news.at)
            known = newest.get((news.scope, news.key))
            if known is None or news.revision > known.revision:
                newest[news.scope, news.key] = news
        message = pubsub.get_message(timeout=0)
    return list(newest.values())


def _apply(burst: list[Invalidation]) -> None:
    """The payloads first, then the heads: a request never waits for what was heard of."""
    reader.fetch_ahead(burst)
    reader.apply(*burst)
    processes.report(reader)
    log.debug("config.invalidated", keys=[news.key for news in burst], revision=reader.revision)


_lower = 0  # how often in a row the table was behind this process
_backed_up = (0.0, -1)  # when, and which revision


def tick() -> None:
    """Compare with the table, load what differs, mirror it, and tell that this process lives."""
    try:
        _poll()
        _back_up()
    except DatabaseError:
        log.warning("config.poll_failed", ageS=round(reader.age()))
    finally:
        close_old_connections()
        processes.report(reader)


def _poll() -> None:
    from apps.core.publishing.models import Revision

    global _lower  # noqa: PLW0603 - the thread's own memory
    current = Revision.objects.values_list("value", flat=True).first() or 0
    _lower = _lower + 1 if current < reader.revision else 0
    if current != reader.revision or reader.has_gap or reader.source != "table":
        # Behind once is a race with a message; behind twice is a restored database, and that is the truth.
        reader.resync(trust_table=_lower >= 2)
    else:
        reader.confirm()


def _back_up() -> None:
    global _backed_up  # noqa: PLW0603 - the thread's own memory
    when, revision = _backed_up
    if reader.revision == revision and backup.confirm(revision):
        return
    if time.monotonic() - when >= BACKUP_SECONDS and reader.back_up():
        _backed_up = (time.monotonic(), reader.revision)
