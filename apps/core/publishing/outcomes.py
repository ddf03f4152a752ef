"""How runs of a version went: a seam that whoever runs releases fills in `AppConfig.ready()`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Outcomes:
    """Runs of one version that ended well or badly; cancelled ones do not count."""

    finished: int = 0
    failed: int = 0

    @property
    def failed_share(self) -> float:
        """From 0 to 1; 0 when nothing has finished."""
        return self.failed / self.finished if self.finished else 0.0


Counter = Callable[[str, Sequence[int], datetime], Mapping[int, Outcomes]]
_counters: dict[str, Counter] = {}


def register(scope: str, counter: Counter) -> None:
    """`counter(key, versions, since)` tells how the runs of `scope` went."""
    _counters[scope] = counter


def outcomes_of(scope: str, key: str, versions: Sequence[int], *, since: datetime) -> list[Outcomes]:
    """The outcomes of each of `versions` since then, in their order."""
    counter = _counters.get(scope)
    told = counter(key, versions, since) if counter else {}
    return [told.get(version, Outcomes()) for version in versions]
