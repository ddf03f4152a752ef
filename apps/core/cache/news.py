"""What was forgotten elsewhere, and telling others what is forgotten here.

Messages come by pub/sub, which loses some; the stream has them all. A process that lost sight of Redis believes
nothing that was put there before it saw it again: somebody may have wanted to forget it meanwhile, and could not.
"""

import threading
from collections.abc import Callable, Iterable, Sequence

import structlog
from redis.exceptions import RedisError

from apps.core.cache import shared

log = structlog.get_logger("core")

MAX_UNTOLD = 100_000  # keys; others distrust what was in Redis before they lost sight of it, too
BATCH = 500  # keys in one message


class News:
    """Where this process is in the stream. `tell` is for every thread, the rest for the subscriber's alone."""

    def __init__(self, drop: Callable[..., None], drop_all: Callable[[], None]) -> None:
        self._drop, self._drop_all = drop, drop_all
        self._lock = threading.Lock()
        self.restart()

    def restart(self) -> None:
        """As a new process would begin."""
        self.blind = False  # Redis may hold what is forgotten: it is not asked
        self.believed_since = 0  # values put there up to then count as none; seconds on Redis's clock
        self._read_to: str | None = None
        self._heard: set[str] = set()
        self._untold: dict[str, None] = {}

    def tell(self, keys: Sequence[str]) -> None:
        """Forget them for all. Without Redis that is done when it is back; till then this process does not ask it."""
        try:
            self._tell(keys)
        except RedisError:
            log.warning("cache.forget_untold", keys=list(keys[:10]), count=len(keys))
            self._keep_untold(keys)

    def hear(self, data: str) -> None:
        """A message came."""
        message = shared.parse(data)
        if message is None:
            log.warning("cache.message_malformed", data=data[:200])
            return
        if message.id not in self._heard:
            self._heard.add(message.id)
            self._drop(*message.keys)

    def lose_sight(self) -> None:
        """The connection is gone, and perhaps Redis for everybody: others may fail to forget what lies there."""
        self.blind = True

    def look(self) -> None:
        """Tell what could not be told, and drop what was missed. Raises `RedisError`."""
        with self._lock:
            untold, self._untold = self._untold, {}
        try:
            self._tell(list(untold))  # this process dropped them when it was asked to
        except RedisError:
            self._keep_untold(untold)
            raise
        self._catch_up()
        if self.blind:
            self._see_again()

    def _see_again(self) -> None:
        now = shared.now()
        with self._lock:
            if not self._untold:
                self.believed_since, self.blind = now, False

    def _tell(self, keys: Sequence[str]) -> None:
        for first in range(0, len(keys), BATCH):
            self._heard.add(shared.forget(keys[first : first + BATCH]))  # whoever asks for it drops them here

    def _keep_untold(self, keys: Iterable[str]) -> None:
        with self._lock:
            self.blind = True
            for key in keys:
                if len(self._untold) < MAX_UNTOLD:
                    self._untold[key] = None

    def _catch_up(self) -> None:
        """Drop what the stream names since the last look; everything when it has no trace of that."""
        if self._read_to is None:
            self._begin_anew()
            return
        messages = shared.messages_from(self._read_to or "-")
        if self._read_to:
            if not messages or messages[0].id != self._read_to:
                log.info("cache.track_lost")
                self._begin_anew()
                return
            del messages[0]
        for message in messages:
            if message.id not in self._heard:
                self._drop(*message.keys)
            self._read_to = message.id
        self._heard.clear()

    def _begin_anew(self) -> None:
        self._read_to = shared.newest_message()  # before the dropping: what comes between is read again
        self._heard.clear()
        self._drop_all()
