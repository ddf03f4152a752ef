"""Steps that wait: for people, or for the clock."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from apps.pipelines.engine.ports import Paused
from apps.pipelines.nodes.base import Answer, Asked, Pause, Slept

Leaves = Mapping[str, Pause]


class Held(Pause):
    """Steps below this one wait, and nothing else is left to do there."""

    def __init__(self, leaves: Leaves) -> None:
        super().__init__(", ".join(sorted(leaves)))
        self.leaves = leaves

    def as_paused(self) -> Paused:
        """The pause of the whole run."""
        asks = any(isinstance(pause, Asked) for pause in self.leaves.values())
        return Paused(until=earliest(self.leaves.values()), asks=asks)


def leaves_of(path: str, pause: Pause) -> Leaves:
    """What a paused step really waits for, by path."""
    return pause.leaves if isinstance(pause, Held) else {path_of(path, pause): pause}


def path_of(path: str, pause: Pause) -> str:
    """The path of what is waited for; a question about a call stands below its step."""
    return getattr(pause, "path", "") or path


def earliest(pauses: Iterable[Pause]) -> datetime | None:
    """When the first of them is over by itself."""
    return min((pause.until for pause in pauses if isinstance(pause, Slept)), default=None)


def is_over(path: str, pause: Pause, questions: Mapping[str, Asked | Answer]) -> bool:
    """Whether what a step waits for has come."""
    for leaf, waits in leaves_of(path, pause).items():
        if isinstance(waits, Slept) and waits.until <= datetime.now(UTC):
            return True
        if isinstance(questions.get(leaf), Answer):
            return True
    return False
