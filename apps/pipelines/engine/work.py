"""What all steps of one run share."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from apps.pipelines.engine.below import Below
from apps.pipelines.engine.budget import Budget
from apps.pipelines.engine.outside import Calls
from apps.pipelines.engine.pen import Pen
from apps.pipelines.engine.ports import FinishedStep, Shelf, Sink
from apps.pipelines.graph import Graph, Limits
from apps.pipelines.nodes.base import Answer, Asked, Files, NodeResult
from apps.providers.gateway import Caller

_SEPARATORS = ("/", "#", "!")


@dataclass
class Work:
    """The run as its steps see it, and what earlier claims left of it."""

    key: str
    parts: Mapping[str, Any]
    files: Files
    sink: Sink
    caller: Caller
    language: str
    facts: Mapping[str, Any]
    pinned: Mapping[str, NodeResult]
    shelf: Shelf
    pen: Pen
    budget: Budget
    calls: Calls
    steps: dict[str, FinishedStep]
    skipped: set[str]
    attempts: dict[str, int]
    questions: dict[str, Asked | Answer]
    sleeping: dict[str, datetime]
    below: Below
    graphs: dict[str, Graph] = field(default_factory=dict)  # of pipelines below, parsed
    bells: set[asyncio.Event] = field(default_factory=set)  # of the graphs that are being walked

    def within(self, path: str, limits: Limits) -> "Work":
        """The same run for what the step `path` runs below it, which has limits of its own."""
        budget = self.below.account(path, limits, self.budget)
        return replace(self, budget=budget, calls=replace(self.calls, budget=budget))

    def ring(self) -> None:
        """Let every graph look whether something can go on."""
        for bell in self.bells:
            bell.set()

    def paused_before(self, path: str) -> bool:
        """Whether the step, or one below it, went into a pause the last time it ran."""
        if path in self.questions or path in self.sleeping:
            return True
        below = tuple(path + separator for separator in _SEPARATORS)
        return any(name.startswith(below) for name in [*self.questions, *self.sleeping])
