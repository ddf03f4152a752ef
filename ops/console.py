"""What the person at the terminal sees: one line a step with its duration, noise in a log file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ops.processes import dies_with_parent, signal_group
from ops.workspace import ROOT, Failure

TAIL_LINES = 25


def say(text: str = "") -> None:
    """Print a line; quiet when the terminal is gone, so that stopping goes on."""
    try:
        print(text, flush=True)
    except OSError:
        return


def colourful() -> bool:
    """Whether colours and rewritten lines make sense: a terminal, and the user did not decline."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


class Step:
    """A running step; set `note` to say in the closing line what was found."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.note = ""


@contextmanager
def step(title: str) -> Iterator[Step]:
    """Time a piece of preparation and close it with one line."""
    current, began = Step(title), time.monotonic()
    if colourful():
        sys.stdout.write(f"  …  {title}")
        sys.stdout.flush()
    try:
        yield current
    except BaseException:
        say(f"{_rewind()}  no {title}  ({time.monotonic() - began:.1f} s)")
        raise
    note = f": {current.note}" if current.note else ""
    say(f"{_rewind()}  ok {title}{note}  ({time.monotonic() - began:.1f} s)")


def run_logged(
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    hint: str = "",
) -> None:
    """Run a noisy command with its output in `log`; *raises* `Failure` with the end of it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    words = [str(word) for word in command]
    with log.open("ab") as output:
        output.write(f"$ {' '.join(words)}\n".encode())
        output.flush()
        begin = output.tell()
        code = run_group(words, env=env, cwd=cwd, output=output.fileno())
    if code != 0:
        advice = hint or f"Everything it said is in {log}."
        raise Failure(f"\n{_tail(log, begin)}\n\nFailed with code {code}: {' '.join(words)}\n{advice}")


def run_group(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    output: int | None = None,
) -> int:
    """Run a command in its own process group and end the whole group when this process is interrupted."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        start_new_session=True,
        preexec_fn=dies_with_parent(signal.SIGTERM),  # noqa: PLW1509  the main thread, one system call
    )
    try:
        return process.wait()
    except BaseException:
        signal_group(process.pid, signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            signal_group(process.pid, signal.SIGKILL)
            process.wait()
        raise


def _tail(log: Path, begin: int) -> str:
    with log.open("rb") as source:
        source.seek(begin)
        lines = deque(source.read().decode("utf-8", "replace").splitlines(), TAIL_LINES)
    return "\n".join(f"    {line}" for line in lines)


def _rewind() -> str:
    return "\r\033[K" if colourful() else ""
