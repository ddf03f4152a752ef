"""Starting child processes that never outlive their parent, and finding ports for them."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1


def dies_with_parent(signum: int = signal.SIGKILL) -> Callable[[], None] | None:
    """A `preexec_fn`: the kernel sends `signum` to the child when its parent dies, even by kill -9.

    Linux only; elsewhere there is nothing to call and the answer is None. The kernel looks at the *thread*
    that forked, so start such children from a thread that lives as long as the process does.
    """
    if not sys.platform.startswith("linux"):
        return None
    # Loaded before the fork: the child between fork and exec should do as little as possible.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def arrange() -> None:
        prctl(_PR_SET_PDEATHSIG, signum, 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the call above
            os._exit(1)

    return arrange


def follow_parent(signum: int = signal.SIGTERM) -> None:
    """Have this very process receive `signum` when its parent dies (Linux; a no-op elsewhere)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signum, 0, 0, 0)


def start_child(
    command: Sequence[str],
    *,
    stdout: int | IO[bytes],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a server as the leader of its own process group; it dies with this process.

    Its standard error goes where its standard output goes. Call it from the main thread.
    """
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.STDOUT,
        env=env,
        cwd=cwd,
        start_new_session=True,
        preexec_fn=dies_with_parent(),  # noqa: PLW1509  one system call, its library loaded before the fork
    )


def signal_group(pid: int, signum: int) -> None:
    """Send `signum` to the process group led by `pid`; quiet when it is already gone."""
    try:
        os.killpg(pid, signum)
    except (ProcessLookupError, PermissionError):
        # macOS answers EPERM for a group whose only member is a zombie.
        return


def catches(pid: int, signum: int) -> bool:
    """Whether that process has a handler for `signum` installed just now (Linux; False elsewhere)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
    except OSError:
        return False
    masks = (line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(next(masks, "0"), 16) >> (signum - 1) & 1)


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port nobody listens on right now. Somebody may still take it: retry when the bind fails."""
    with socket.socket(_family(host), socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def port_is_free(host: str, port: int) -> bool:
    """Whether a server could listen on `host:port` now; a port in TIME_WAIT counts as free."""
    with socket.socket(_family(host), socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)  # binding beside a listener of another address can succeed; listening cannot
        except OSError:
            return False
    return True


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
