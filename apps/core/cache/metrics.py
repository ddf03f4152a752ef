"""What the read cache saves in this process. Counters only grow; nothing here takes a lock."""

from typing import Any


class CacheMetrics:
    """Reads by layer, and what the loads cost.

    Increments are not atomic: under threads a few of many reads may go uncounted, and no read waits for a counter.
    """

    def __init__(self) -> None:
        self.memory = 0  # the hot path adds to a plain attribute
        self.stale = 0  # from memory, too: past its soft age, or because the loader failed
        self.redis = 0
        self.loads = 0
        self.failures = 0
        self.forgotten = 0
        self.load_seconds = 0.0

    def loaded(self, seconds: float) -> None:
        """A loader answered."""
        self.loads += 1
        self.load_seconds += seconds

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON: reads by layer, the share that needed no load, the mean load in milliseconds."""
        layers = {"memory": self.memory, "stale": self.stale, "redis": self.redis, "loader": self.loads}
        reads = sum(layers.values())
        return {
            "layers": layers,
            "hitRatio": round(1 - self.loads / reads, 4) if reads else None,
            "meanLoadMs": round(self.load_seconds / self.loads * 1000, 2) if self.loads else None,
            "failures": self.failures,
            "forgotten": self.forgotten,
        }
