"""Web processes as `ops/docker/entrypoint.sh` starts them, each on a port of its own."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import aiohttp

from ops.processes import free_port, start_child

READY_SECONDS = 180.0
STOP_SECONDS = 60.0  # as Compose gives them
OPTIONS = ["--lifespan", "on", "--no-server-header", "--no-access-log", "--timeout-graceful-shutdown", "30"]
OPTIONS += ["--log-level", "warning"]
DEAF = "bench.rehearsal_parts.deaf:application"
HEARING = "config.asgi:application"


class Fleet:
    """`count` processes that share one database and one Redis; `environment` is what the next start gets."""

    def __init__(self, environment: Mapping[str, str], log: Path, *, application: str = HEARING) -> None:
        self.environment = dict(environment)
        self._log, self._application = log, application
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self.serving: list[int] = []  # the ports that a balancer would choose from

    @property
    def ports(self) -> list[int]:
        return list(self._running)

    def pid(self, port: int) -> int:
        """Of the process that serves there now."""
        return self._running[port].pid

    async def start(self, count: int) -> None:
        """Return when all of them answer."""
        for port in [self._launch(free_port()) for _number in range(count)]:
            await self._ready(port)

    def _launch(self, port: int) -> int:
        command = [sys.executable, "-m", "uvicorn", self._application, "--host", "127.0.0.1", "--port", str(port)]
        with self._log.open("ab") as sink:
            self._running[port] = start_child([*command, *OPTIONS], stdout=sink, env={**os.environ, **self.environment})
        return port

    async def _ready(self, port: int) -> None:
        deadline = time.monotonic() + READY_SECONDS
        async with aiohttp.ClientSession() as client:
            while not await _answers(client, port):
                if self._running[port].poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"a web process did not start; {self._log} says why")
                await asyncio.sleep(0.1)
        self.serving.append(port)

    async def restart_one_by_one(self, drained: Callable[[int], bool]) -> None:
        """With the present `environment`. A process gets no new calls, ends those it has, and only then is stopped."""
        for port in self.ports:
            self.serving.remove(port)
            while not drained(port):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
            await asyncio.to_thread(self._stop, port)
            await self._ready(self._launch(port))

    def _stop(self, port: int) -> None:
        process = self._running[port]
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=STOP_SECONDS)

    def close(self) -> None:
        """End them all."""
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


async def _answers(client: aiohttp.ClientSession, port: int) -> bool:
    try:
        async with client.get(f"http://127.0.0.1:{port}/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False
