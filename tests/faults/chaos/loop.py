"""One loop: people ask, processes die by the plan, everything comes to rest, the verdict is drawn."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.faults.chaos.installation import Installation, installed
from tests.faults.chaos.load import Load
from tests.faults.chaos.plan import Death, Plan
from tests.faults.chaos.points import all_points, die_at
from tests.faults.chaos.processes import NAMES, Fleet
from tests.faults.chaos.strikes import STRIKES
from tests.faults.chaos.verdict import MOST_SECONDS, Verdict, judge

PEOPLE: Final = 48  # many wait for a run whose worker died: twenty seconds each time


@dataclass(frozen=True)
class Setup:
    """Who runs, and where: with `in_place` the database is there already; with `control` nobody's claim counts."""

    names: tuple[str, ...] = NAMES
    in_place: bool = False
    control: bool = False
    signal: str = "kill"


def run_loop(plan: Plan, folder: Path, setup: Setup) -> Verdict:
    """Carry `plan` out in `folder`."""

    strike = STRIKES[setup.signal]

    def kill_by_plan(load: Load, fleet: Fleet) -> list[Death]:
        deaths = []
        for kill in plan.kills:
            while load.accepted < kill.after and load.busy:
                fleet.tend()
                time.sleep(0.05)
            load.answer_forgotten()
            deaths.append(strike(kill, fleet))
        return deaths

    return _looped(plan, folder, kill_by_plan, setup, users=PEOPLE)


def run_points(plan: Plan, folder: Path, setup: Setup) -> Verdict:
    """Let a process die at every failpoint in turn, as long as it takes, while runs are asked for without end."""
    missed: list[str] = []

    def kill_at_points(load: Load, fleet: Fleet) -> list[Death]:
        deaths: list[Death] = []
        for point in all_points():
            began = time.monotonic()
            hit, died = die_at(point, fleet)
            deaths += died
            missed.extend([] if hit else [f"nobody died at {point}"])
            print(f"{point}: {'hit' if hit else 'MISSED'}, {time.monotonic() - began:.0f} s", flush=True)
        load.stop()
        return deaths

    verdict = _looped(plan, folder, kill_at_points, setup, users=plan.runs)
    verdict.broken += missed
    print(f"failpoints: {len(all_points()) - len(missed)} of {len(all_points())} hit")
    return verdict


def _looped(
    plan: Plan, folder: Path, kill: Callable[[Load, Fleet], list[Death]], setup: Setup, *, users: int
) -> Verdict:
    with installed(folder, seed=plan.seed, users=users, in_place=setup.in_place) as installation:
        redis_port, names = installation.redis_port, setup.names
        fleet = Fleet(folder, installation.nursery, redis_port, names=names, control=setup.control)
        try:
            fleet.start_all()
            load = Load(plan, installation, f"http://127.0.0.1:{fleet.port}", people=PEOPLE)
            load.start()
            return _come_to_rest(load, installation, fleet, kill(load, fleet))
        finally:
            fleet.close()


def _come_to_rest(load: Load, installation: Installation, fleet: Fleet, deaths: list[Death]) -> Verdict:
    """Everything has to end by itself; the runs that are still to be asked for have no limit."""
    while load.accepted < load.wanted and load.busy:
        fleet.tend()
        time.sleep(0.1)
    load.stop()
    deadline = time.time() + MOST_SECONDS
    while (load.busy or _open_runs()) and time.time() < deadline:
        fleet.tend()
        load.answer_forgotten()
        time.sleep(0.1)
    verdict = judge(load.told, installation.outside.calls, deaths, installation.scenes)
    verdict.gave_up = fleet.gave_up
    return verdict


def _open_runs() -> int:
    from apps.tasks.models import TERMINAL, Task

    return Task.objects.exclude(status__in=TERMINAL).count()
