"""Kept sessions to tool servers: opened once per process, reopened when they break.

A `Client` has to be closed by the asyncio task that opened it, so each server has one owner task that holds the
session open and hands the client out.
"""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import structlog
from django.conf import settings
from django.utils.translation import gettext
from mcp import Client, MCPError, StdioServerParameters

from apps.mcp.errors import ServerUnreachable, ToolFailed, ToolTimeout
from apps.mcp.models import tool_hash

log = structlog.get_logger("mcp")

OPEN_SECONDS = 20
TIMEOUT_CODE = -32001  # the SDK's "request timed out"; the session stays usable
OnProgress = Callable[[float, str], Awaitable[None]]


@dataclass(frozen=True)
class DiscoveredTool:
    """A tool as the server shows it now."""

    name: str
    description: str
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]
    sha256: str


class Session:
    """One live connection to one server."""

    def __init__(self, server_key: str, catalogue_id: str) -> None:
        self.server_key = server_key
        self.tools: dict[str, DiscoveredTool] = {}
        self._parameters = stdio_parameters(catalogue_id)
        self._ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._stop = asyncio.Event()
        self._owner = asyncio.create_task(self._own(), name=f"mcp-{server_key}")

    async def client(self) -> Client:
        """The open client. Raises `ServerUnreachable`."""
        try:
            return await asyncio.wait_for(asyncio.shield(self._ready), OPEN_SECONDS)
        except Exception as exc:
            self._stop.set()
            if not self._ready.done():
                self._owner.cancel()  # still waiting for a server that does not answer
            log.warning("server.open_failed", server=self.server_key, error=_leaf(exc))
            raise ServerUnreachable(server=self.server_key) from exc

    async def close(self) -> None:
        """End the session and its process."""
        self._stop.set()
        await asyncio.wait([self._owner], timeout=5)

    @property
    def is_closed(self) -> bool:
        return self._owner.done() or self._stop.is_set()

    async def _own(self) -> None:
        started = time.perf_counter()
        try:
            async with Client(self._parameters) as client:
                listed = await client.list_tools()
                self.tools = {tool.name: _discovered(self.server_key, tool) for tool in listed.tools}
                self._ready.set_result(client)
                log.info("server.opened", server=self.server_key, ms=round((time.perf_counter() - started) * 1000))
                await self._stop.wait()
        except Exception as exc:
            if not self._ready.done():
                self._ready.set_exception(exc)
            else:
                log.warning("server.lost", server=self.server_key, error=_leaf(exc))


def stdio_parameters(catalogue_id: str) -> StdioServerParameters:
    """The fixed command of a catalogue entry. Nothing in it comes from a user."""
    entry = settings.MCP_STDIO_CATALOGUE[catalogue_id]
    argv = ["-m", str(entry["module"])]
    if entry.get("work_dir"):
        Path(settings.WORK_DIR).mkdir(parents=True, exist_ok=True)
        argv += ["--root", str(settings.WORK_DIR)]
    environment = {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
    return StdioServerParameters(command=sys.executable, args=argv, env=environment, cwd=str(settings.BASE_DIR))


def _discovered(server_key: str, tool: Any) -> DiscoveredTool:
    shown = {
        "name": tool.name,
        "title": tool.title or "",
        "description": tool.description or "",
        "input_schema": tool.input_schema,
        "output_schema": tool.output_schema or {},
    }
    shown["annotations"] = tool.annotations.model_dump(mode="json") if tool.annotations else {}
    return DiscoveredTool(
        tool.name,
        shown["description"],
        shown["input_schema"],
        shown["output_schema"],
        tool_hash(server_key, shown),
    )


def _leaf(exc: BaseException) -> str:
    while isinstance(exc, BaseExceptionGroup):
        exc = exc.exceptions[0]
    return f"{type(exc).__name__}: {exc}"[:200]


class SessionPool:
    """The open sessions of one event loop, one per server."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._lock = asyncio.Lock()

    async def session(self, server_key: str, catalogue_id: str) -> Session:
        """An open session. Raises `ServerUnreachable`."""
        async with self._lock:
            found = self._sessions.get(server_key)
            if found is None or found.is_closed:
                found = self._sessions[server_key] = Session(server_key, catalogue_id)
        await found.client()
        return found

    async def drop(self, session: Session) -> None:
        """Close a broken session, so that the next call opens a new one."""
        if self._sessions.get(session.server_key) is session:
            del self._sessions[session.server_key]
        await session.close()

    async def close(self) -> None:
        """Close all of them."""
        for session in list(self._sessions.values()):
            await self.drop(session)

    async def call(
        self,
        session: Session,
        tool: str,
        arguments: dict[str, Any],
        *,
        seconds: float,
        on_progress: OnProgress,
    ) -> dict[str, Any]:
        """The structured result of one call.

        Raises `ToolFailed` with the tool's own words, `ToolTimeout`, or `ServerUnreachable` when the process died.
        """

        async def report(progress: float, total: float | None, message: str | None) -> None:
            await on_progress(progress / (total or 1.0), message or "")

        client = await session.client()
        try:
            result = await client.call_tool(tool, arguments, read_timeout_seconds=seconds, progress_callback=report)
        except MCPError as exc:
            if exc.error.code == TIMEOUT_CODE:
                raise ToolTimeout(tool=tool) from exc
            await self.drop(session)
            raise ServerUnreachable(server=session.server_key) from exc
        if result.is_error:
            raise ToolFailed(what=gettext(_text_of(result) or tool))  # known sentences in the caller's language
        return dict(result.structured_content or {})


def _text_of(result: Any) -> str:
    return " ".join(block.text for block in result.content if getattr(block, "text", ""))[:500]


_pools: "WeakKeyDictionary[asyncio.AbstractEventLoop, SessionPool]" = WeakKeyDictionary()


def pool() -> SessionPool:
    """The session pool of the running loop."""
    return _pools.setdefault(asyncio.get_running_loop(), SessionPool())
