"""A tool server that misbehaves on request: `python -m tests.mcp.scripted_server`."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError


def echo(text: str, times: int = 1) -> dict[str, str]:
    """Says it again."""
    return {"said": text * times, "pid": str(os.getpid())}


def die(text: str) -> dict[str, str]:
    """Ends the process in mid-call."""
    os._exit(3)


async def stall(seconds: float) -> dict[str, str]:
    """Takes its time."""
    await asyncio.sleep(seconds)
    return {"said": "late"}


def fail(text: str) -> dict[str, str]:
    """Fails with a sentence for people."""
    raise ToolError(f"Cannot do {text}.")


async def count(upto: int, context: Context[Any, Any]) -> dict[str, int]:
    """Counts, and says so."""
    for step in range(1, upto + 1):
        await context.report_progress(step, upto, f"step {step}")
    return {"counted": upto}


def make() -> MCPServer[Any]:
    """The server with all its tools."""
    server: MCPServer[Any] = MCPServer("scripted", version="1", log_level="ERROR")
    for tool in (echo, die, stall, fail, count):
        server.add_tool(tool)
    return server


if __name__ == "__main__":
    if "--root" in sys.argv:
        note = Path(sys.argv[sys.argv.index("--root") + 1]) / "note.txt"
        if note.exists():
            echo.__doc__ = note.read_text()
    make().run("stdio")
