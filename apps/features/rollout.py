"""The gradual release of a feature as it stands: who gets which version, and how the runs of both went."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from apps.core.publishing.models import Head
from apps.core.publishing.outcomes import Outcomes, outcomes_of
from apps.core.publishing.services.rollouts import MIN_RUNS
from apps.features.publishing import SCOPE


@dataclass(frozen=True)
class Outcome:
    """How the runs of one version went since the gradual release began."""

    version: int
    finished: int
    failed: int
    failed_share: float

    @property
    def failed_percent(self) -> float:
        return round(self.failed_share * 100, 1)

    @property
    def succeeded_percent(self) -> float:
        return round(100 - self.failed_percent, 1) if self.finished else 0


@dataclass(frozen=True)
class Rollout:
    """A running gradual release, or the news that none is running."""

    running: bool
    live_version: int | None = None
    candidate_version: int | None = None
    percent: int = 0
    roles: tuple[str, ...] = ()
    margin: int | None = None
    started_at: datetime | None = None
    revision: int = 0
    stable: Outcome | None = None
    candidate: Outcome | None = None

    @property
    def is_watched(self) -> bool:
        return self.margin is not None

    @property
    def runs_missing(self) -> int:
        """How many more runs of the candidate have to end before the watch judges it."""
        return max(0, MIN_RUNS - (self.candidate.finished if self.candidate else 0))

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, but for the time."""
        return asdict(self) | {"roles": list(self.roles)}


def rollout_of(head: Head | None) -> Rollout:
    """What `head` says of a gradual release."""
    if head is None:
        return Rollout(running=False)
    live = head.version or None
    if head.candidate is None:
        return Rollout(running=False, live_version=live, revision=head.revision)
    since = head.rollout_started_at or timezone.now()
    new, old = outcomes_of(SCOPE, head.key, [head.candidate.version, head.version], since=since)
    return Rollout(
        running=True,
        live_version=live,
        candidate_version=head.candidate.version,
        percent=head.rollout_percent,
        roles=tuple(head.rollout_roles),
        margin=head.rollout_margin,
        started_at=head.rollout_started_at,
        revision=head.revision,
        stable=_outcome(head.version, old),
        candidate=_outcome(head.candidate.version, new),
    )


def _outcome(version: int, told: Outcomes) -> Outcome:
    return Outcome(version, told.finished, told.failed, round(told.failed_share, 4))
