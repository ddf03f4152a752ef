"""What will be killed, and when: everything that chance decides, drawn from the seed beforehand."""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

# How often each is killed. Workers most: what they lose is the most. Of twenty kills all five are hit.
WEIGHTS: Final = {"worker-1": 4, "worker-2": 4, "web": 4, "redis": 4, "dispatcher": 3, "beat": 1}
LONGEST_PAUSE: Final = 0.8  # seconds between the moment that is due and the kill: any place of a step is hit
LONGEST_DOWN: Final = 1.0  # seconds until the supervisor starts the next one
CANCELLED: Final = 0.04  # of the runs, by their users
SCENES: Final = ("models", "calls", "doubt", "each", "below", "ask", "late")
FEW_SCENES: Final = ("models", "calls")  # that end within seconds
DELIVERED_TWICE: Final = 0.2  # of the messages, as a broker may


@dataclass(frozen=True)
class Kill:
    """`victim` dies `pause` seconds after the `after`th run was accepted, and is started again `down` seconds later."""

    victim: str
    after: int
    pause: float
    down: float


@dataclass(frozen=True)
class Death:
    """A strike that happened, at so many seconds since the epoch."""

    victim: str
    at: float
    took: float = 0.0  # seconds until a process that was told to end had ended
    back: float = 0.0  # when a stopped process was let go on


@dataclass(frozen=True)
class Plan:
    """All chances of one loop: the same seed and figures give the same plan."""

    seed: int
    runs: int
    kills: tuple[Kill, ...]
    cancelled: frozenset[int]
    delivered_twice: frozenset[int]
    scenes: tuple[str, ...]

    def scene_of(self, run: int) -> str:
        """What is asked for in that run."""
        return self.scenes[run % len(self.scenes)]


def plan_of(
    seed: int, *, runs: int, kills: int, victims: Collection[str] = tuple(WEIGHTS), scenes: Sequence[str] = SCENES
) -> Plan:
    """`kills` deaths spread over `runs` runs of `scenes`; each of `victims` has its turn before chance decides."""
    chance = random.Random(seed)
    dying = _dying(chance, kills, [name for name in WEIGHTS if name in victims])
    places = sorted(chance.randrange(max(runs * 9 // 10, 1)) for _victim in dying)
    deaths = tuple(
        Kill(victim, after, chance.uniform(0, LONGEST_PAUSE), chance.uniform(0, LONGEST_DOWN))
        for victim, after in zip(dying, places, strict=True)
    )
    cancelled = frozenset(number for number in range(runs) if chance.random() < CANCELLED)
    twice = frozenset(number for number in range(runs) if chance.random() < DELIVERED_TWICE)
    return Plan(seed, runs, deaths, cancelled, twice, tuple(scenes))


def _dying(chance: random.Random, kills: int, victims: list[str]) -> list[str]:
    first = victims[:kills]
    weights = [WEIGHTS[name] for name in victims]
    mixed = first + chance.choices(victims, weights, k=kills - len(first))
    chance.shuffle(mixed)
    return mixed
