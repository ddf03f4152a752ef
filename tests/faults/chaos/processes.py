"""The processes that are killed: started as production starts them, ended with SIGKILL, started again."""

import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Final

from ops.processes import free_port, signal_group, start_child
from ops.redis_server import server_command, wait_for_ping
from tests.faults.chaos.nursery import Child, Nursery

WORKERS: Final = ("worker-1", "worker-2")
NAMES: Final = ("redis", "web", *WORKERS, "dispatcher", "beat")
FEWEST: Final = ("redis", "web", WORKERS[0], "dispatcher")  # without one of these nothing runs
UP_SECONDS: Final = 120.0
_WORKER: Final = ["celery", "--quiet", "--app", "config.celery", "worker", "--pool", "threads", "--concurrency", "8"]
_BEAT: Final = ["celery", "--quiet", "--app", "config.celery", "beat"]
_WEB: Final = ["uvicorn", "config.asgi:application", "--host", "127.0.0.1", "--lifespan", "on"]
_QUIET: Final = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]
# The same worker whose claims ask nobody, for the control.
UNCLAIMED: Final = "tests.faults.chaos.unclaimed"


def held_by(pid: int) -> Any:
    """The runs that are in the hands of that worker process."""
    from apps.tasks.models import Status, Task

    return Task.objects.filter(status=Status.RUNNING, lease_owner__contains=f":{pid}:")


class Fleet:
    """The processes `names` of one installation, Redis among them. Used from the main thread only."""

    def __init__(
        self, folder: Path, nursery: Nursery, redis_port: int, *, names: Sequence[str] = NAMES, control: bool = False
    ) -> None:
        self.port, self.names = free_port(), tuple(names)
        self._folder, self._nursery = folder, nursery
        self._redis_port, self._control = redis_port, control
        self._children: dict[str, Child] = {}
        self.gave_up: list[str] = []  # who ended unasked

    def start_all(self) -> None:
        """Return when the web process answers."""
        for name in self.names:
            self.start(name)
        self.await_web()

    def start(self, name: str, **environment: str) -> None:
        """Start `name`; Redis answers when this returns, the others take their time."""
        if name == "redis":
            self._children[name] = self._start_redis()
        else:
            log = self._folder / f"{name}.log"
            self._children[name] = self._nursery.start(self._program(name), log=log, environment=environment)

    def _start_redis(self) -> Child:
        command = server_command(self._folder / "redis", self._redis_port)
        child = start_child(command, stdout=subprocess.DEVNULL)
        if not wait_for_ping(self._redis_port, process=child):
            raise SystemExit(f"Redis did not start again; {self._folder / 'redis' / 'server.log'} says why")
        return child

    def pid(self, name: str) -> int:
        return self._children[name].pid

    def kill(self, name: str) -> None:
        """SIGKILL for its whole group."""
        signal_group(self.pid(name), signal.SIGKILL)
        self._children[name].wait()

    def stop(self, name: str, *, seconds: float) -> None:
        """SIGTERM, as a deployment does. Raises `TimeoutError` when it still runs after so many seconds."""
        self.signal(name, signal.SIGTERM)
        self._children[name].wait(seconds)

    def signal(self, name: str, signum: int) -> None:
        signal_group(self.pid(name), signum)

    def exit_code(self, name: str) -> int | None:
        """How `name` ended by itself; None while it runs."""
        return self._children[name].poll()

    def has_work(self, worker: str) -> bool:
        """Whether that worker has a run in its hands."""
        return held_by(self.pid(worker)).exists()

    def tend(self, *, but: Collection[str] = ()) -> None:
        """Start again who ended by itself, as every supervisor does; but not those in `but`."""
        for name in self._children:
            if name not in but and self.exit_code(name) is not None:
                self.gave_up.append(name)
                self.start(name)

    def await_web(self) -> None:
        deadline = time.monotonic() + UP_SECONDS
        while not self._answers():
            if self.exit_code("web") is not None or time.monotonic() > deadline:
                raise SystemExit(f"the web process did not start; {self._folder / 'web.log'} says why")
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def close(self) -> None:
        for name in self._children:
            self.kill(name)

    def _program(self, name: str) -> list[str]:
        if name in WORKERS:
            program = [UNCLAIMED, *_WORKER[1:]] if self._control else _WORKER
            return [*program, "--queues", "pipelines", "--hostname", f"{name}@%h", *_QUIET]
        if name == "dispatcher":
            return ["manage.py", "dispatcher"]
        if name == "beat":
            kept = str(self._folder / "data" / "celerybeat-schedule")
            return [*_BEAT, "--schedule", kept, "--pidfile=", "--loglevel", "WARNING"]
        return [*_WEB, "--log-level", "warning", "--port", str(self.port)]
