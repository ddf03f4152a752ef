"""What one run may use up: steps, money and time. A run that reaches a limit ends, whatever its nodes' policies say.

A pipeline that a step runs may have limits of its own. They hold for each run of it, inside those of the run above.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Optional

from apps.pipelines.errors import RunLimit, RunTooDear, RunTooLong, RunTooManySteps
from apps.pipelines.graph import Limits


def strictest(first: Limits, second: Limits) -> Limits:
    """Both limits at once."""
    return Limits(
        seconds=_less(first.seconds, second.seconds),
        cost_micro=_less(first.cost_micro, second.cost_micro),
        steps=_less(first.steps, second.steps),
    )


def _less(one: int | None, other: int | None) -> int | None:
    """The smaller number; None stands for no limit."""
    told = [value for value in (one, other) if value is not None]
    return min(told) if told else None


@dataclass
class Budget:
    """The account of one run over all its claims. `above` is that of the run whose step runs this one."""

    limits: Limits
    spent: int = 0  # micro-credits
    steps: int = 0
    worked: float = 0.0  # seconds before the clock began to run
    above: Optional["Budget"] = None
    _began: float | None = field(default=None, init=False)

    @contextmanager
    def running(self) -> Iterator[None]:
        """The clock runs."""
        self._began = time.monotonic()
        try:
            yield
        finally:
            self.worked, self._began = self._worked, None

    @property
    def _worked(self) -> float:
        return self.worked + (time.monotonic() - self._began if self._began is not None else 0.0)

    @property
    def left(self) -> int | None:
        """Micro-credits until the limit, whichever comes first."""
        own = None if self.limits.cost_micro is None else max(self.limits.cost_micro - self.spent, 0)
        return _less(own, self.above.left) if self.above else own

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the limit of this run itself."""
        return None if self.limits.seconds is None else max(self.limits.seconds - self._worked, 0.0)

    def pay(self, micro: int) -> None:
        """Count what something cost."""
        self.spent += max(micro, 0)
        if self.above:
            self.above.pay(micro)

    def count_step(self) -> None:
        """One step more. Raises `RunTooManySteps`."""
        if self.limits.steps is not None and self.steps >= self.limits.steps:
            raise self._told(RunTooManySteps(steps=self.limits.steps))
        if self.above:
            self.above.count_step()
        self.steps += 1

    def check(self) -> None:
        """Before money is spent. Raises `RunTooDear` when there is none left, `RunTooLong`."""
        if self.above:
            self.above.check()
        if self.limits.cost_micro is not None and self.spent >= self.limits.cost_micro:
            raise self._told(RunTooDear(credits=f"{self.limits.cost_micro / 1_000_000:g}"))
        if self.seconds_left == 0:
            raise self.too_long()

    def too_long(self) -> RunLimit:
        """The error of a run that took its time."""
        return self._told(RunTooLong(seconds=self.limits.seconds))

    def reached(self, error: RunLimit) -> bool:
        """Whether it is a limit of this run, and not of one above it."""
        return error.budget is self

    def _told(self, error: RunLimit) -> RunLimit:
        error.budget = self
        return error
