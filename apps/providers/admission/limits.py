"""Calls at once, and calls and tokens a minute, of one endpoint in one process: for the time when Redis is away."""

from collections import deque

from apps.providers.admission.rules import RATE_SLOT_MS, RATE_SLOTS


class Leases:
    """Who is inside, and until when that is believed."""

    def __init__(self) -> None:
        self._until: dict[str, int] = {}

    def take(self, lease: str, until: int) -> None:
        """Let `lease` in, or believe it for longer."""
        self._until[lease] = until

    def drop(self, lease: str) -> None:
        """`lease` has left, if it was inside."""
        self._until.pop(lease, None)

    def clear(self) -> None:
        """Nobody is inside."""
        self._until.clear()

    def renew(self, now: int, lease: str, until: int) -> None:
        """Believe `lease` for longer, unless it has lapsed: its place may be taken."""
        if self._until.get(lease, now) > now:
            self._until[lease] = until

    def count(self, now: int) -> int:
        """How many are inside."""
        for lease in [lease for lease, until in self._until.items() if until <= now]:
            del self._until[lease]
        return len(self._until)


class Minute:
    """What was used of the last minute, by the second. No minute ever holds more than what was let through."""

    def __init__(self) -> None:
        self._slots: deque[list[int]] = deque()  # [second, calls, tokens]
        self.calls = 0
        self.tokens = 0

    def advance(self, now: int) -> None:
        """Forget seconds of which no part lies within the last minute."""
        while self._slots and self._slots[0][0] < now // RATE_SLOT_MS - RATE_SLOTS:
            _second, calls, tokens = self._slots.popleft()
            self.calls -= calls
            self.tokens -= tokens

    def spend(self, now: int, calls: int, tokens: int) -> int:
        """Count a call; the second it is counted in."""
        slot = now // RATE_SLOT_MS
        if not self._slots or self._slots[-1][0] != slot:
            self._slots.append([slot, 0, 0])
        self._add(self._slots[-1], calls, tokens)
        return slot

    def correct(self, now: int, slot: int, over: int) -> None:
        """`over` tokens more than reserved, or fewer: given back where taken, added where they became known."""
        self.advance(now)
        if over > 0:
            self.spend(now, 0, over)
            return
        for piece in self._slots:
            if piece[0] == slot:
                self._add(piece, 0, over)

    def wait(self, now: int, column: int) -> int:
        """Milliseconds until some of the calls (1) or tokens (2) are a minute old."""
        found = [piece[0] for piece in self._slots if piece[column] > 0]
        return (found[0] if found else now // RATE_SLOT_MS) * RATE_SLOT_MS + (RATE_SLOTS + 1) * RATE_SLOT_MS - now

    def _add(self, piece: list[int], calls: int, tokens: int) -> None:
        piece[1] += calls
        piece[2] += tokens
        self.calls += calls
        self.tokens += tokens
