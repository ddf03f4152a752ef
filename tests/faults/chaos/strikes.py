"""What is done to a process: killed, told to end, or stopped until its runs are another's and then let go on."""

import signal
import time
from collections.abc import Callable
from typing import Any, Final

from tests.faults.chaos.plan import Death, Kill
from tests.faults.chaos.processes import WORKERS, Fleet, held_by

CATCH_SECONDS: Final = 15.0  # for a worker that is to be struck with a run in its hands
END_SECONDS: Final = 30.0  # a worker that was told to end has ended by then
TAKEN_SECONDS: Final = 120.0  # by then others have the runs of a stopped worker

Strike = Callable[[Kill, Fleet], Death]


def kill(blow: Kill, fleet: Fleet) -> Death:
    """SIGKILL; another one is started in its place."""
    _await_moment(blow, fleet)
    death = Death(blow.victim, time.time())
    fleet.kill(blow.victim)
    time.sleep(blow.down)
    fleet.start(blow.victim)
    return death


def terminate(blow: Kill, fleet: Fleet) -> Death:
    """SIGTERM. What does not end in time is killed, and took for ever."""
    _await_moment(blow, fleet)
    began = time.time()
    try:
        fleet.stop(blow.victim, seconds=END_SECONDS)
        took = time.time() - began
    except TimeoutError:
        fleet.kill(blow.victim)
        took = float("inf")
    time.sleep(blow.down)
    fleet.start(blow.victim)
    return Death(blow.victim, began, took=took)


def suspend(blow: Kill, fleet: Fleet) -> Death:
    """SIGSTOP, and SIGCONT when everything that it worked on has been taken over or has ended."""
    _await_moment(blow, fleet)
    began = time.time()
    fleet.signal(blow.victim, signal.SIGSTOP)
    held = dict(held_by(fleet.pid(blow.victim)).values_list("pk", "fencing_token"))
    deadline = time.monotonic() + TAKEN_SECONDS
    while held and time.monotonic() < deadline:
        fleet.tend()
        time.sleep(0.1)
        held = {pk: token for pk, token in held.items() if _still(pk, token)}
    back = time.time()
    fleet.signal(blow.victim, signal.SIGCONT)
    return Death(blow.victim, began, back=back)


STRIKES: Final[dict[str, Strike]] = {"kill": kill, "term": terminate, "stop": suspend}


def _await_moment(blow: Kill, fleet: Fleet) -> None:
    if blow.victim == "web":
        fleet.await_web()
    if blow.victim in WORKERS:
        _await_claim(blow.victim, fleet)
    time.sleep(blow.pause)


def _await_claim(worker: str, fleet: Fleet) -> None:
    """Until that worker has a run in its hands; not for ever, for there may be none left."""
    deadline = time.monotonic() + CATCH_SECONDS
    while time.monotonic() < deadline and not fleet.has_work(worker):
        fleet.tend()
        time.sleep(0.05)


def _still(pk: Any, token: int) -> bool:
    from apps.tasks.models import Task

    return bool(Task.objects.filter(pk=pk).held_by(token).exists())
