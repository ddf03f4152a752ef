"""Every live process with what it serves, in one answer."""

from dataclasses import asdict, dataclass
from typing import Any

from redis.exceptions import RedisError

from apps.core.config.processes import Process, live_processes
from apps.core.publishing.models import Revision


@dataclass(frozen=True)
class Fleet:
    """The processes as they described themselves a moment ago. Without Redis nobody hears them: `known` is False."""

    known: bool
    revision: int
    processes: tuple[Process, ...] = ()

    @property
    def lasting(self) -> list[Process]:
        """Those that serve people or work for them; commands come and go."""
        return [process for process in self.processes if process.lasting]

    @property
    def behind(self) -> list[Process]:
        """Those that serve an older revision than the table's."""
        return [process for process in self.lasting if process.revision < self.revision]

    @property
    def refused(self) -> dict[str, str]:
        """Released versions that some process cannot serve, and why."""
        return {name: why for process in self.processes for name, why in process.refused.items()}

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "known": self.known,
            "revision": self.revision,
            "count": len(self.lasting),
            "behind": [process.id for process in self.behind],
            "refused": self.refused,
            "items": [asdict(process) | {"lasting": process.lasting} for process in self.processes],
        }


def fleet() -> Fleet:
    """What lives now, and the newest revision. Raises `DatabaseError`."""
    revision = Revision.objects.values_list("value", flat=True).first() or 0
    try:
        return Fleet(True, revision, tuple(live_processes()))
    except RedisError:
        return Fleet(False, revision)
