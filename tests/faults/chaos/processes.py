"""The processes that are killed: started as production starts them, ended with SIGKILL, started again."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ops.processes import free_port, signal_group, start_child
from ops.redis_server import server_command, wait_for_ping

WORKERS: Final = ("worker-1", "worker-2")
UP_SECONDS: Final = 120.0
_WORKER: Final = ["celery", "--quiet", "--app", "config.celery", "worker", "--pool", "threads", "--concurrency", "8"]
_QUIET: Final = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]
# The same worker whose claims ask nobody, for the control.
UNCLAIMED: Final = "tests.faults.chaos.unclaimed"


class Fleet:
    """Web, two workers, dispatcher, beat and Redis of one installation. Used from the main thread only."""

    def __init__(self, folder: Path, environment: Mapping[str, str], redis_port: int, *, control: bool) -> None:
        self.port = free_port()
        self._folder, self._environment = folder, environment
        self._redis_port, self._control = redis_port, control
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self.gave_up: list[str] = []  # who ended unasked

    @property
    def names(self) -> list[str]:
        return ["redis", "web", *WORKERS, "dispatcher", "beat"]

    def start_all(self) -> None:
        """Return when the web process answers."""
        for name in self.names:
            self.start(name)
        self.await_web()

    def start(self, name: str, **environment: str) -> None:
        """Start `name`; Redis answers when this returns, the others take their time."""
        with (self._folder / f"{name}.log").open("ab") as sink:
            told = {**os.environ, **self._environment, **environment}
            self._children[name] = start_child(self._command(name), stdout=sink, env=told)
        if name == "redis" and not wait_for_ping(self._redis_port, process=self._children[name]):
            raise SystemExit(f"Redis did not start again; {self._folder / 'redis' / 'server.log'} says why")

    def pid(self, name: str) -> int:
        return self._children[name].pid

    def kill(self, name: str) -> None:
        """SIGKILL for its whole group."""
        signal_group(self.pid(name), signal.SIGKILL)
        self._children[name].wait()

    def stop(self, name: str) -> None:
        """SIGTERM, as a deployment does."""
        signal_group(self.pid(name), signal.SIGTERM)
        self._children[name].wait(60)

    def exit_code(self, name: str) -> int | None:
        """How `name` ended by itself; None while it runs."""
        return self._children[name].poll()

    def tend(self, *, but: str = "") -> None:
        """Start again who ended by itself, as every supervisor does; but not `but`."""
        for name in self._children:
            if name != but and self.exit_code(name) is not None:
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

    def _command(self, name: str) -> list[str]:
        python, data = sys.executable, self._folder / "data"
        if name == "redis":
            return server_command(self._folder / "redis", self._redis_port)
        if name in WORKERS:
            program = [UNCLAIMED, *_WORKER[1:]] if self._control else _WORKER
            return [python, "-m", *program, "--queues", "pipelines", "--hostname", f"{name}@%h", *_QUIET]
        if name == "dispatcher":
            return [python, "manage.py", "dispatcher"]
        if name == "beat":
            kept = ["--schedule", str(data / "celerybeat-schedule"), "--pidfile=", "--loglevel", "WARNING"]
            return [python, "-m", "celery", "--quiet", "--app", "config.celery", "beat", *kept]
        address = ["--host", "127.0.0.1", "--port", str(self.port)]
        return [
            python,
            "-m",
            "uvicorn",
            "config.asgi:application",
            *address,
            "--lifespan",
            "on",
            "--log-level",
            "warning",
        ]
