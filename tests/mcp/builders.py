"""Rows of tool servers, and calls over them."""

import os
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync

from apps.core import aio
from apps.mcp import catalogue, client, services
from apps.mcp.models import Server, Tool
from apps.mcp.sessions import pool

SCHEMES = {"http": "http", "sse": "http", "ws": "ws"}


def make_server(port: int = 0, transport: str = "http", *, token: str = "", **fields: Any) -> Server:
    """A server on this machine, in the catalogue."""
    given: dict[str, Any] = {"name": "Raw", "max_retries": 0, "timeout_seconds": 5} | fields
    key = given.pop("key", "raw")
    if transport == "stdio":
        given = {"catalogue_id": "scripted"} | given
    else:
        path = "sse" if transport == "sse" else "mcp"
        given = {"url": f"{SCHEMES[transport]}://127.0.0.1:{port}/{path}"} | given
    return services.create_server(key, {"transport": transport, **given}, token=token, by=None)


def allow(server: Server, name: str = "echo", **options: Any) -> dict[str, Any]:
    """Discover, approve one tool; returns it as it is released."""
    services.discover_tools(server, by=None)
    tool = Tool.objects.select_related("server").get(server=server, name=name)
    services.approve_tool(tool, seen_sha256=tool.seen_sha256, by=None)
    if options:
        services.set_tool_options(Tool.objects.select_related("server").get(pk=tool.pk), options, by=None)
    return catalogue.approved_tool(f"{server.key}/{name}")


def call(approved: dict[str, Any], *arguments: dict[str, Any], address: str = "raw/echo", **given: Any) -> list[Any]:
    """What each call answered or raised, one after the other, over the sessions of one loop."""
    key, _slash, tool = address.partition("/")
    seen = given.pop("seen", [])

    async def on_progress(fraction: float, message: str) -> None:
        seen.append((fraction, message))

    async def work() -> list[Any]:
        told: list[Any] = []
        for one in arguments:
            try:
                told.append(await client.call_tool(key, tool, one, approved=approved, on_progress=on_progress, **given))
            except Exception as exc:
                told.append(exc)
        await pool().close()
        return told

    return async_to_sync(work)()


def close_sessions() -> None:
    """Those of the background loop, which services use."""

    async def work() -> None:
        await pool().close()

    aio.run(work(), timeout=30)


def children() -> set[int]:
    """The processes that this one started, ended or not."""
    found = set()
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                parent = int(Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            if parent == os.getpid():
                found.add(int(entry))
    return found
