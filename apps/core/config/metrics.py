"""What reading configuration costs in this process. Counters only grow; nothing here takes a lock."""

import statistics
from collections import Counter, deque
from typing import Any

LAYERS = ("memory", "redis", "table", "backup")
KEPT = 500  # delays of the latest invalidations


class ConfigMetrics:
    """Counts by layer, refusals, and how late invalidations came.

    Increments are not atomic: under threads a few of many reads may go uncounted, and no read waits for a counter.
    """

    def __init__(self) -> None:
        self.memory = 0  # the hot path adds to a plain attribute
        self.loads: Counter[str] = Counter()
        self.refused = 0
        self.invalidations = 0
        self.resyncs = 0
        self.delays: deque[float] = deque(maxlen=KEPT)

    def heard(self, delay: float) -> None:
        """An invalidation arrived `delay` seconds after it was sent."""
        self.invalidations += 1
        self.delays.append(delay)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON: reads by layer, the share answered from memory, delays in milliseconds."""
        layers = {"memory": self.memory, **{name: self.loads[name] for name in LAYERS[1:]}}
        reads = sum(layers.values())
        delays = sorted(self.delays)
        return {
            "layers": layers,
            "hitRatio": round(self.memory / reads, 4) if reads else None,
            "refused": self.refused,
            "invalidations": self.invalidations,
            "resyncs": self.resyncs,
            "delayP50Ms": round(statistics.median(delays) * 1000, 2) if delays else None,
            "delayP95Ms": round(delays[int(len(delays) * 0.95)] * 1000, 2) if delays else None,
        }
