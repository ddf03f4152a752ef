"""Where the processes that are killed are born: forked from one that has imported everything, so that a birth is cheap.

A Paiban process spends seconds of processor time on its imports alone. With hundreds of kills on a small machine, the
loop would put the start of Python to the test and little else. What is forked here runs the same programs as
production does, in a process group of its own, with nothing but modules in common.
"""

import importlib
import json
import os
import runpy
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn, Protocol

from ops.processes import follow_parent

PRELOADED: Final = (
    "celery.bin.celery",
    "celery.apps.worker",
    "celery.worker.consumer",
    "celery.concurrency.thread",
    "config.celery",
    "config.urls",
    "apps.core.lane.app",
    "apps.tasks.consumers",
    "apps.tasks.jobs",
    "uvicorn.main",
    "uvicorn.protocols.http.httptools_impl",
)


class Child(Protocol):
    """What is asked of a process, however it was started."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...


class Nursery:
    """Forks programs on demand. Open it when Django is set up, before this process has threads or connections.

    It dies with this process.
    """

    def __init__(self) -> None:
        _import_everything()
        self._ours, theirs = socket.socketpair()
        self._pid = os.fork()
        if self._pid == 0:
            self._ours.close()
            _serve(theirs)
        theirs.close()
        self._answers = self._ours.makefile("r", encoding="utf-8")

    def start(self, program: Sequence[str], *, log: Path, environment: Mapping[str, str]) -> "Forked":
        """Run `program`, a module or a script and its arguments, as the leader of its own process group."""
        told = {"program": list(program), "log": str(log), "environment": dict(environment)}
        return Forked(self, int(self._ask({"start": told})))

    def ended(self, pid: int) -> int | None:
        """How that process ended, as `subprocess` tells it; None while it runs."""
        found: int | None = self._ask({"ended": pid})
        return found

    def close(self) -> None:
        self._ours.close()
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)

    def _ask(self, question: Mapping[str, Any]) -> Any:
        self._ours.sendall(json.dumps(question).encode() + b"\n")
        return json.loads(self._answers.readline())


class Forked:
    """A process that the nursery started; it answers like one of `subprocess`."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.pid = pid
        self._nursery = nursery
        self._code: int | None = None

    def poll(self) -> int | None:
        """How it ended; None while it runs."""
        if self._code is None:
            self._code = self._nursery.ended(self.pid)
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        """How it ended, once it has. Raises `TimeoutError` after so many seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError(f"process {self.pid} still runs after {timeout} s")
            time.sleep(0.01)
        return code


def _import_everything() -> None:
    for module in PRELOADED:
        importlib.import_module(module)
    from django.urls import get_resolver

    len(get_resolver().url_patterns)


def _serve(questions: socket.socket) -> NoReturn:
    """Answer until the other side is gone."""
    follow_parent(signal.SIGKILL)
    answers = questions.makefile("w", encoding="utf-8")
    for line in questions.makefile("r", encoding="utf-8"):
        question = json.loads(line)
        answer = _fork(question["start"]) if "start" in question else _how_ended(question["ended"])
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    os._exit(0)


def _fork(told: Mapping[str, Any]) -> int:
    pid = os.fork()
    if pid == 0:
        _become(told["program"], Path(told["log"]), told["environment"])
    os.setpgid(pid, pid)
    return pid


def _how_ended(pid: int) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _become(program: list[str], log: Path, environment: Mapping[str, str]) -> NoReturn:
    """Turn into `program`. What the parent registered for its own exit is not run."""
    code: object = 1
    try:
        follow_parent(signal.SIGKILL)
        _redirect(log)
        _enter(environment)
        sys.argv = list(program)
        if program[0].endswith(".py"):
            runpy.run_path(program[0], run_name="__main__")
        else:
            runpy.run_module(program[0], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as exc:
        code = exc.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


def _redirect(log: Path) -> None:
    nothing, sink = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for there, here in ((nothing, 0), (sink, 1), (sink, 2)):
        os.dup2(there, here)


def _enter(environment: Mapping[str, str]) -> None:
    """What a process reads from its environment while it imports is read again."""
    from apps.core import failpoints

    os.environ.update(environment)
    failpoints._trap = failpoints.trap_of(os.environ)
