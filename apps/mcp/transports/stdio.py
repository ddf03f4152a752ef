"""A local process from the settings catalogue: fixed command, empty environment, its own process group."""

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import structlog
from django.conf import settings
from mcp import StdioServerParameters

from apps.mcp.errors import CatalogueEntryUnknown
from apps.mcp.failures import MAX_ANSWER, Watch
from apps.mcp.target import Target
from apps.mcp.transports.messages import streams

log = structlog.get_logger("mcp")
T = TypeVar("T")

END_SECONDS = 2.0  # to end by itself once its input is closed, and again after SIGTERM
KEPT_LINES, LINE_LENGTH = 20, 500  # of what it writes to stderr


def parameters(catalogue_id: str) -> StdioServerParameters:
    """The fixed command of a catalogue entry. Nothing in it comes from a user. Raises `CatalogueEntryUnknown`."""
    entry: dict[str, Any] | None = settings.MCP_STDIO_CATALOGUE.get(catalogue_id)
    if entry is None:
        raise CatalogueEntryUnknown(entry=catalogue_id)
    command, argv = sys.executable, ["-m", str(entry.get("module", ""))]
    if "command" in entry:
        command, *argv = map(str, entry["command"])
    if entry.get("work_dir"):
        Path(settings.WORK_DIR).mkdir(parents=True, exist_ok=True)
        argv += ["--root", str(settings.WORK_DIR)]
    environment = {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
    return StdioServerParameters(command=command, args=argv, env=environment, cwd=str(settings.BASE_DIR))


@asynccontextmanager
async def connect(target: Target, watch: Watch) -> AsyncIterator[Any]:
    """Start the process and speak with it; on leaving, it and everything it started has ended.

    The SDK's own transport is not used: it hands the child HOME and USER whatever it is told, and buffers a line
    without end.
    """
    fixed = parameters(target.catalogue_id)
    process = await asyncio.create_subprocess_exec(
        fixed.command,
        *fixed.args,
        env=fixed.env,
        cwd=fixed.cwd,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=MAX_ANSWER,
        start_new_session=True,
    )
    said: deque[str] = deque(maxlen=KEPT_LINES)
    listening = asyncio.create_task(_listen(process.stderr, said))
    try:
        async with streams(_lines(process, watch, said), _sender(process), watch) as pair:
            yield pair
    finally:
        # A cancelled owner, too, has to see its process end.
        await asyncio.shield(_end(process, listening))
        if said:
            log.info("server.said", server=target.server, lines=list(said))


async def _lines(process: asyncio.subprocess.Process, watch: Watch, said: deque[str]) -> AsyncIterator[bytes]:
    """The messages; other lines, which careless servers print, go where stderr goes."""
    stdout = _pipe(process.stdout)
    while True:
        try:
            line = await stdout.readline()
        except ValueError:  # longer than the limit
            watch.too_large()
            return
        if not line:
            return
        if line.lstrip().startswith(b"{"):
            yield line
        elif line.strip():
            said.append(line[:LINE_LENGTH].decode(errors="replace").strip())


def _sender(process: asyncio.subprocess.Process) -> Any:
    async def send(message: bytes) -> None:
        stdin = _pipe(process.stdin)
        stdin.write(message + b"\n")
        await stdin.drain()

    return send


def _pipe(stream: T | None) -> T:
    """All three were asked for, so all three are there."""
    if stream is None:
        raise RuntimeError("the process has no pipe")
    return stream


async def _listen(stderr: asyncio.StreamReader | None, said: deque[str]) -> None:
    """Keep reading, so that the process never blocks on it; keep the last lines alone."""
    while chunk := await _pipe(stderr).read(64 * 1024):
        said.extend(line[:LINE_LENGTH] for line in chunk.decode(errors="replace").splitlines() if line.strip())


async def _end(process: asyncio.subprocess.Process, listening: "asyncio.Task[None]") -> None:
    """Close its input, then SIGTERM, then SIGKILL for the whole group; what it leaves behind is killed, too."""
    _pipe(process.stdin).close()
    for sign in (None, signal.SIGTERM, signal.SIGKILL):
        if sign is not None:
            _signal(process.pid, sign)
        if await _ended(process):
            break
    _signal(process.pid, signal.SIGKILL)  # children that outlived it
    listening.cancel()
    await asyncio.wait([listening], timeout=END_SECONDS)
    process._transport.close()  # type: ignore[attr-defined]  # a survivor may hold the pipes; nothing public closes them


async def _ended(process: asyncio.subprocess.Process) -> bool:
    """Whether it ended in time. Asked by its code: `wait()` also waits for pipes that a child may hold open."""
    deadline = asyncio.get_running_loop().time() + END_SECONDS
    while process.returncode is None and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - no event
        await asyncio.sleep(0.01)
    return process.returncode is not None


def _signal(pid: int, sign: signal.Signals) -> None:
    """To its group, which carries its number: it was started as a session of its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, sign)
