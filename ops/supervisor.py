"""Keeps the processes of `make run` alive, shows what they say, and leaves none behind."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Final, cast

from ops.console import colourful, say
from ops.processes import signal_group, start_child
from ops.procfile import fill_in
from ops.workspace import ROOT

TICK_SECONDS: Final = 0.2
LONGEST_PAUSE: Final = 15.0  # between two attempts to start a process that keeps dying
STEADY_SECONDS: Final = 60.0  # after so much life its earlier deaths are forgotten
STOP_SECONDS: Final = 8.0  # what a process gets between TERM and KILL
FOUNDATION_SECONDS: Final = 2.0  # the same for what the others stand on
HOPELESS_STARTS: Final = 3
COLOURS: Final = ("36", "32", "33", "35", "34", "31")


class Child:
    """One line of the Procfile and the process that is running it just now, if any."""

    def __init__(self, name: str, command: list[str], *, label: str) -> None:
        self.name = name
        self.command = command
        self.label = label
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.start_again: float | None = None
        self.deaths = 0
        self.last_lines: deque[str] = deque(maxlen=30)
        self.unfinished = b""

    @property
    def alive(self) -> bool:
        """Whether its process has not ended (this also reaps it)."""
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Starts programs, forwards their output, restarts them and stops them; call it from the main thread.

    `vital` is the program without which there is no point in going on when it can't even start;
    `foundation` is the one that stops last, because the others need it to stop in order.
    """

    def __init__(
        self,
        programs: Mapping[str, list[str]],
        env: Mapping[str, str],
        *,
        cwd: Path = ROOT,
        vital: str = "web",
        foundation: str = "redis",
    ) -> None:
        width = max(map(len, programs), default=0)
        self.children = {
            name: Child(name, fill_in(command, env), label=_label(name, width, place))
            for place, (name, command) in enumerate(programs.items())
        }
        self.env, self.cwd, self.vital, self.foundation = env, cwd, vital, foundation
        self.exit_code = 0
        self.came_up = False  # set by the caller; before that a vital program that keeps dying ends it all
        self._output = selectors.DefaultSelector()
        self._asked_to_stop: list[float] = []

    def listen_for_signals(self) -> None:
        """From now on Ctrl-C, TERM and a closed terminal end `run` instead of this process."""
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, self.ask_to_stop)

    def ask_to_stop(self, *_: object) -> None:
        """Have `run` return soon; asked again a second later, nobody is waited for any more."""
        self._asked_to_stop.append(time.monotonic())

    @property
    def stopping(self) -> bool:
        """Whether somebody asked for the end."""
        return bool(self._asked_to_stop)

    def start(self, name: str) -> None:
        """Start one program now."""
        child = self.children[name]
        child.started, child.start_again = time.monotonic(), None
        try:
            child.process = start_child(child.command, stdout=subprocess.PIPE, env=self.env, cwd=self.cwd)
        except OSError as error:
            self._write(child, f"can't start {child.command[0]}: {error.strerror}")
            self._plan_restart(child, "could not be started")
            return
        assert child.process.stdout is not None
        os.set_blocking(child.process.stdout.fileno(), False)
        self._output.register(child.process.stdout, selectors.EVENT_READ, child)

    def run(self, every_tick: Callable[[], None] = lambda: None) -> int:
        """Keep everything running until asked to stop; answers the exit code. `stop()` is the caller's."""
        while not self.stopping:
            self._tick()
            every_tick()
        return self.exit_code

    def stop(self) -> None:
        """End every program, those that started last first; whoever ignores TERM is killed."""
        for child in self.children.values():
            child.start_again = None
        others = [child for child in reversed(self.children.values()) if child.name != self.foundation]
        self._end(others, STOP_SECONDS)
        self._end([child for child in self.children.values() if child.name == self.foundation], FOUNDATION_SECONDS)

    def _end(self, children: list[Child], patience: float) -> None:
        asked, deadline = len(self._asked_to_stop), time.monotonic() + patience
        for child in children:
            if child.process is not None and child.alive:
                child.process.terminate()  # the leader only: it knows in which order to end its own children
        while any(child.alive for child in children) and time.monotonic() < deadline:
            self._forward_output(TICK_SECONDS / 4)
            # A second Ctrl-C means now. (One that follows at once is make passing on the same signal.)
            if len(self._asked_to_stop) > asked and self._asked_to_stop[-1] - self._asked_to_stop[0] > 1.0:
                break
        for child in children:
            if child.process is not None:
                if child.alive:
                    self._write(child, "did not stop in time and was killed")
                signal_group(child.process.pid, signal.SIGKILL)  # also whatever it left behind
                child.process.wait()
                self._close(child)

    def _tick(self) -> None:
        self._forward_output(TICK_SECONDS)
        for child in self.children.values():
            if child.start_again is not None:
                if time.monotonic() >= child.start_again:
                    self.start(child.name)
            elif child.process is not None and not child.alive:
                signal_group(child.process.pid, signal.SIGKILL)
                self._close(child)
                self._plan_restart(child, _ending(child.process.returncode))

    def _plan_restart(self, child: Child, ending: str) -> None:
        lived = time.monotonic() - child.started
        child.deaths = 1 if lived > STEADY_SECONDS else child.deaths + 1
        if child.name == self.vital and child.deaths >= HOPELESS_STARTS and not self.came_up:
            last = "\n".join(f"    {line}" for line in child.last_lines)
            say(f"\n{child.name} {ending} {child.deaths} times in a row. It said last:\n{last}\n")
            self.exit_code = 1
            self.ask_to_stop()
            return
        pause = min(2.0 ** (child.deaths - 1), LONGEST_PAUSE)
        child.start_again = time.monotonic() + pause
        self._write(child, f"{ending}; starting it again in {pause:.0f} s")

    def _forward_output(self, timeout: float) -> None:
        if not self._output.get_map():
            time.sleep(timeout)
            return
        for key, _ in self._output.select(timeout):
            self._read(key.data, cast(IO[bytes], key.fileobj))

    def _read(self, child: Child, pipe: IO[bytes]) -> None:
        try:
            chunk = os.read(pipe.fileno(), 65_536)
        except BlockingIOError:
            return
        if not chunk:
            self._output.unregister(pipe)
        *lines, child.unfinished = (child.unfinished + chunk).split(b"\n")
        for line in lines:
            self._write(child, line.decode("utf-8", "replace").rstrip("\r"))

    def _close(self, child: Child) -> None:
        """Show what is left in the pipe, without waiting for its end: a stray grandchild may hold that."""
        pipe = child.process.stdout if child.process is not None else None
        if pipe is None or pipe.closed:
            return
        if pipe in self._output.get_map():
            self._read(child, pipe)
        if pipe in self._output.get_map():
            self._output.unregister(pipe)
        if child.unfinished:
            self._write(child, child.unfinished.decode("utf-8", "replace"))
            child.unfinished = b""
        pipe.close()

    def _write(self, child: Child, line: str) -> None:
        child.last_lines.append(line)
        say(f"{child.label} {line}")


def _label(name: str, width: int, place: int) -> str:
    text = f"{name.ljust(width)} |"
    return f"\033[{COLOURS[place % len(COLOURS)]}m{text}\033[0m" if colourful() else text


def _ending(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
