"""Public tool servers, installed in a scratch folder and used through Paiban's client: `python -m bench.mcp_servers`.

Prints one line for each server and transport: how long it took to open, to list and to call, and what came back.
Ends with 1 when one of them failed. Needs the package registries; nothing is installed into Paiban's own venv.
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")

CALLS = 20
EVERYTHING = "@modelcontextprotocol/server-everything"


@dataclass(frozen=True)
class Case:
    """One server over one transport, and one call that shows that it works."""

    name: str
    transport: str
    argv: list[str]
    path: str
    tool: str
    arguments: dict[str, Any]


def installed(folder: Path) -> tuple[Path, Path]:
    """The folders with the Python and the Node programs; done once."""
    python, node = folder / "venv", folder / "node"
    if not (python / "bin" / "mcp-server-time").exists():
        venv.create(python, with_pip=True)
        subprocess.run(
            [python / "bin" / "pip", "install", "-q", "mcp-server-time", "mcp-server-git"], check=True, timeout=300
        )
    if not (node / "node_modules").exists():
        node.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "--prefix", node, EVERYTHING], check=True, timeout=300)
    return python / "bin", node / "node_modules" / ".bin"


def cases(python: Path, node: Path, repository: Path) -> list[Case]:
    """Every server with every transport that it speaks."""
    everything = str(node / "mcp-server-everything")
    echo = ("echo", {"message": "hello"})
    zone = {"timezone": "Asia/Shanghai"}
    git = [str(python / "mcp-server-git"), "--repository", str(repository)]
    return [
        Case("mcp-server-time", "stdio", [str(python / "mcp-server-time")], "", "get_current_time", zone),
        Case("mcp-server-git", "stdio", git, "", "git_status", {"repo_path": str(repository)}),
        Case("server-everything", "stdio", [everything, "stdio"], "", *echo),
        Case("server-everything", "sse", [everything, "sse"], "/sse", *echo),
        Case("server-everything", "http", [everything, "streamableHttp"], "/mcp", *echo),
    ]


@contextmanager
def listening(case: Case) -> Iterator[int]:
    """The server's port, once it listens; a local process is started by the client itself."""
    if case.transport == "stdio":
        yield 0
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    process = subprocess.Popen(
        case.argv, env={**os.environ, "PORT": str(port)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"nothing listens on {port}")


async def measured(case: Case, port: int) -> str:
    """One line of the table. Raises what went wrong."""
    from apps.mcp.client import check_arguments, fixed
    from apps.mcp.results import read_result
    from apps.mcp.sessions import pool
    from apps.mcp.target import Credential, Target

    async def nobody(fraction: float, message: str) -> None: ...

    target = Target(
        "bench", case.transport, catalogue_id="bench", url=f"http://127.0.0.1:{port}{case.path}" if port else ""
    )
    find = fixed(Credential())
    began = time.perf_counter()
    session, listing = await pool().listed(target, find)
    opened = time.perf_counter() - began
    shown = listing.tools[case.tool]
    check_arguments(case.tool, shown.input_schema, case.arguments)
    lists, calls, told = [], [], {}
    for _number in range(CALLS):
        lists.append(await _timed(session.listing()))
        began = time.perf_counter()
        result = await session.call(case.tool, case.arguments, seconds=20, on_progress=nobody)
        calls.append(time.perf_counter() - began)
        told = await read_result(result, server="bench", tool=case.tool)
    await pool().close()
    answer = str(told).replace("\n", " ")[:60]
    return (
        f"{case.name:18} {case.transport:6} {listing.protocol:11} {len(listing.tools):5} {opened * 1000:8.0f} "
        f"{_median(lists):8.1f} {_median(calls):8.1f}  {answer}"
    )


async def _timed(work: Any) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


def _median(seconds: list[float]) -> float:
    return sorted(seconds)[len(seconds) // 2] * 1000


def main() -> int:
    import django
    from django.conf import settings

    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "/tmp/paiban-mcp-servers")
    python, node = installed(folder)
    repository = folder / "repository"
    if not repository.exists():
        subprocess.run(["git", "init", "-q", repository], check=True)
    django.setup()
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    print("server             over   protocol    tools  open ms  list ms  call ms  answer")
    failed = 0
    for case in cases(python, node, repository):
        settings.MCP_STDIO_CATALOGUE = {"bench": {"command": case.argv}}
        try:
            with listening(case) as port:
                print(asyncio.run(measured(case, port)), flush=True)
        except Exception as exc:
            failed += 1
            print(f"{case.name:18} {case.transport:6} failed: {exc!r} {getattr(exc, 'details', '')}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
