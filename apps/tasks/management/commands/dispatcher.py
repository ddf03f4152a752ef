"""`manage.py dispatcher`: hands the outbox to the broker, and does what comes due by the clock."""

import signal
import threading
from typing import Any

import structlog
from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections
from redis.exceptions import RedisError

from apps.core import redis, timers
from apps.core.config.subscriber import ensure_subscribed
from apps.core.outbox.services import BELL, dispatch_batch

log = structlog.get_logger("tasks")

IDLE_SECONDS = 0.5  # how long an unheard bell can delay a job


class Command(BaseCommand):
    help = (
        "Hand due outbox messages to the broker, carry out planned releases, sweep tasks whose worker is gone. "
        "Run one or more of them."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        import config.celery  # noqa: F401 - the broker's address

        ensure_subscribed()
        self.stopping = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: self.stopping.set())
        self.bell = self._open_bell()
        while not self.stopping.is_set():
            try:
                timers.run_due()
                busy = dispatch_batch() > 0
            except DatabaseError:
                log.exception("dispatcher.database_failed")
                busy = False
            finally:
                close_old_connections()
            if not busy:
                self._wait()

    def _open_bell(self) -> Any:
        bell = redis.subscription()
        try:
            bell.subscribe(redis.key(f"bell:{BELL}"))
        except RedisError:
            log.warning("dispatcher.bell_unreachable")
        return bell

    def _wait(self) -> None:
        """Until the bell rings, or a moment passes."""
        try:
            self.bell.get_message(timeout=IDLE_SECONDS)
        except (RedisError, RuntimeError):
            self.stopping.wait(IDLE_SECONDS)
            self.bell = self._open_bell()
