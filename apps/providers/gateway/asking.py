"""What is asked of the gateway, for whom, and what was tried."""

from dataclasses import dataclass, field
from typing import Any

from apps.core.errors import ApiError
from apps.providers.budgets import Budget
from apps.providers.degrade import DegradePolicy
from apps.providers.strategies import Strategy
from apps.providers.types import Candidate, Operation


@dataclass(frozen=True, slots=True)
class Caller:
    """For whom a model is asked, and what may be spent. Work of the installation itself has no user."""

    user_id: int | None = None
    key_id: int | None = None
    feature: str = ""
    step: str = ""
    budgets: tuple[Budget, ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """Who may answer: those with `capability`, of them only `model` where one is named.

    `fail` are endpoints that are to fail without being asked, in test runs of a feature.
    """

    capability: str
    model: str = ""
    strategy: Strategy = "priority"
    degrade: DegradePolicy | None = None
    caller: Caller = Caller()
    operation: Operation = "chat"
    fail: frozenset[str] = frozenset()


@dataclass(slots=True)
class Trail:
    """What was attempted, and the last failure of each candidate."""

    attempts: list[dict[str, Any]] = field(default_factory=list)
    failures: list[ApiError] = field(default_factory=list)
    degraded: bool = False

    def add(self, candidate: Candidate, error: ApiError) -> None:
        """One more attempt that failed."""
        self.attempts.append({"endpoint": candidate.endpoint, "model": candidate.model, "error": error.code})

    def knows(self, candidate: Candidate) -> bool:
        """Whether `candidate` was tried."""
        return any(a["endpoint"] == candidate.endpoint and a["model"] == candidate.model for a in self.attempts)
