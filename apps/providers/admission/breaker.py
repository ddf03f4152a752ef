"""Breaker and pauses of one endpoint in Python, as `lua/` has them: for the time when Redis is away."""

from collections import deque

from apps.providers.admission.records import Phase, Stand
from apps.providers.admission.rules import (
    BUSY_CALLS,
    BUSY_SLOTS,
    COOL_FORGET_MS,
    COOL_MS,
    LEAST_CALLS,
    LONGEST_COOL_MS,
    OPEN_MS,
    OPEN_SHARE,
    SLOT_MS,
    SLOTS,
)


class Breaker:
    """Times are milliseconds of any clock that only grows."""

    def __init__(self) -> None:
        self.open_until = 0
        self.generation = 1
        self._window: deque[list[int]] = deque()  # [slot, answered, failed]

    def phase(self, now: int) -> Phase:
        """Closed, open, or open no longer but not yet known to be well."""
        if not self.open_until:
            return Phase.CLOSED
        return Phase.OPEN if now < self.open_until else Phase.HALF

    def stand(self, now: int) -> Stand:
        """What who asked may remember."""
        return Stand(self.phase(now), max(0, self.open_until - now), self.generation)

    def count(self, now: int, answered: int, failed: int) -> bool:
        """Count calls of the present generation; whether that opened the circuit."""
        if self.phase(now) != Phase.CLOSED or not answered + failed:
            return False
        slot = now // SLOT_MS
        while self._window and self._window[0][0] <= slot - SLOTS:
            self._window.popleft()
        if not self._window or self._window[-1][0] != slot:
            self._window.append([slot, 0, 0])
        self._window[-1][1] += answered
        self._window[-1][2] += failed
        bad = self._is_bad(0, LEAST_CALLS) or self._is_bad(slot - BUSY_SLOTS + 1, BUSY_CALLS)
        if failed and bad:
            self.open(now)
        return bool(failed and bad)

    def _is_bad(self, first: int, least: int) -> bool:
        """Whether too many failed of at least so many calls since the slot `first`."""
        answered, failed = (sum(p[column] for p in self._window if p[0] >= first) for column in (1, 2))
        return answered + failed >= least and failed > OPEN_SHARE * (answered + failed)

    def open(self, now: int) -> None:
        """Leave the endpoint alone for a while."""
        self.move(now + OPEN_MS)

    def move(self, until: int) -> None:
        """Open until then, or closed with 0. What was called before says nothing about what comes after."""
        self.open_until = until
        self.generation += 1
        self._window.clear()


class Pauses:
    """Which models are left alone after a 429."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, int]] = {}  # until when, and how many came in a row

    def until(self, now: int, model: str) -> int:
        """Until when `model` is left alone; what is long over is forgotten."""
        return self._of(now, model)[0]

    def pause(self, now: int, model: str, asked: int) -> None:
        """`model` is busy; `asked` is the pause it named, or 0."""
        until, times = self._of(now, model)
        if now >= until:
            length: int = (asked or COOL_MS) * 2 ** min(times, 10)
            until, times = now + min(length, max(LONGEST_COOL_MS, asked)), times + 1
        else:
            until = max(until, now + asked)
        self._known[model] = (until, times)

    def unpause(self, now: int, model: str) -> None:
        """`model` answered: its next 429 is a first one again."""
        if now >= self.until(now, model):
            self._known.pop(model, None)

    def _of(self, now: int, model: str) -> tuple[int, int]:
        until, times = self._known.get(model, (0, 0))
        return (until, times) if now < until + COOL_FORGET_MS else (0, 0)
