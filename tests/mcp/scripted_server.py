"""A tool server that misbehaves on request: `python -m tests.mcp.scripted_server`."""

import asyncio
import base64
import io
import os
import sys
from pathlib import Path
from typing import Any

import PIL.Image
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import AudioContent, BlobResourceContents, EmbeddedResource, ImageContent, ResourceLink, TextContent


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


def paint(text: str) -> list[Any]:
    """A picture, a sound, a page and a link, beside some words."""
    sink = io.BytesIO()
    PIL.Image.new("RGB", (6, 4), "red").save(sink, "PNG")
    page = BlobResourceContents(uri="note://1", mime_type="text/html", blob=base64.b64encode(b"<script>").decode())
    return [
        TextContent(type="text", text=f"Painted {text}."),
        ImageContent(type="image", data=base64.b64encode(sink.getvalue()).decode(), mime_type="image/png"),
        AudioContent(type="audio", data=base64.b64encode(b"RIFF").decode(), mime_type="audio/wav"),
        EmbeddedResource(type="resource", resource=page),
        ResourceLink(type="resource_link", name="more", uri="https://example.com/more", mime_type="text/html"),
    ]


def smear(text: str) -> list[Any]:
    """What calls itself a picture and is none."""
    return [ImageContent(type="image", data=base64.b64encode(text.encode()).decode(), mime_type="image/png")]


def make() -> MCPServer[Any]:
    """The server with all its tools."""
    server: MCPServer[Any] = MCPServer("scripted", version="1", log_level="ERROR")
    for tool in (echo, die, stall, fail, count):
        server.add_tool(tool)
    for tool in (paint, smear):
        server.add_tool(tool, structured_output=False)
    return server


if __name__ == "__main__":
    if "--root" in sys.argv:
        note = Path(sys.argv[sys.argv.index("--root") + 1]) / "note.txt"
        if note.exists():
            echo.__doc__ = note.read_text()
    make().run("stdio")
