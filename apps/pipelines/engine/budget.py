"""What one run may use up: steps, money and time. A run that reaches a limit ends, whatever its nodes' policies say."""

import time
from dataclasses import dataclass

from apps.pipelines.errors import RunTooDear, RunTooLong, RunTooManySteps
from apps.pipelines.graph import Limits


def strictest(first: Limits, second: Limits) -> Limits:
    """Both limits at once."""

    def less(one: int | None, other: int | None) -> int | None:
        told = [value for value in (one, other) if value is not None]
        return min(told) if told else None

    return Limits(
        seconds=less(first.seconds, second.seconds),
        cost_micro=less(first.cost_micro, second.cost_micro),
        steps=less(first.steps, second.steps),
    )


@dataclass
class Budget:
    """The account of one run over all its claims."""

    limits: Limits
    spent: int = 0  # micro-credits
    steps: int = 0
    worked: float = 0.0  # seconds before this claim

    def __post_init__(self) -> None:
        self._began = time.monotonic()

    @property
    def left(self) -> int | None:
        """Micro-credits until the limit."""
        return None if self.limits.cost_micro is None else max(self.limits.cost_micro - self.spent, 0)

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the limit."""
        if self.limits.seconds is None:
            return None
        return max(self.limits.seconds - self.worked - (time.monotonic() - self._began), 0.0)

    def pay(self, micro: int) -> None:
        """Count what something cost."""
        self.spent += max(micro, 0)

    def count_step(self) -> None:
        """One step more. Raises `RunTooManySteps`."""
        if self.limits.steps is not None and self.steps >= self.limits.steps:
            raise RunTooManySteps(steps=self.limits.steps)
        self.steps += 1

    def check(self) -> None:
        """Before money is spent. Raises `RunTooDear` when there is none left, `RunTooLong`."""
        if self.left == 0:
            raise RunTooDear(credits=f"{(self.limits.cost_micro or 0) / 1_000_000:g}")
        if self.seconds_left == 0:
            raise self.too_long()

    def too_long(self) -> RunTooLong:
        """The error of a run that took its time."""
        return RunTooLong(seconds=self.limits.seconds)
