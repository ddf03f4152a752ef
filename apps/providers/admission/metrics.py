"""What admission did in this process. Counters only grow; nothing here takes a lock."""

from collections import Counter
from typing import Any


class AdmissionMetrics:
    """Circuits that opened, calls that were refused by reason, and how the others were let in.

    Each opening is counted once, in the process whose call caused it.
    """

    def __init__(self) -> None:
        self.opened: Counter[str] = Counter()  # by endpoint
        self.closed: Counter[str] = Counter()
        self.refused: Counter[tuple[str, str]] = Counter()  # by endpoint and obstacle
        self.quick = 0  # let in without a question
        self.asked = 0  # decided in Redis
        self.alone = 0  # decided here, because Redis was away

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "circuit_open_count": dict(self.opened),
            "circuit_closed_count": dict(self.closed),
            "refused": [{"endpoint": e, "obstacle": o, "count": n} for (e, o), n in sorted(self.refused.items())],
            "quick": self.quick,
            "asked": self.asked,
            "alone": self.alone,
        }


metrics = AdmissionMetrics()
