"""Kept sessions to tool servers: opened once per process, reopened when they break, closed when nobody calls.

A `Client` has to be closed by the asyncio task that opened it, so each session has one owner task that holds it open
and hands the client out.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NoReturn, TypeVar
from weakref import WeakKeyDictionary

import structlog
from mcp import Client
from mcp.types import InputRequiredResult, PaginatedRequestParams

from apps.core.errors import ApiError
from apps.mcp.errors import (
    AnswerInvalid,
    ArgumentsInvalid,
    InputWanted,
    ServerBusy,
    ServerFailed,
    ServerUnreachable,
    ToolFailed,
    ToolTimeout,
    ToolUnknown,
)
from apps.mcp.failures import Watch, ended_by_server, to_error, unreachable, words_of
from apps.mcp.retries import pause
from apps.mcp.shown import MAX_TOOLS, DiscoveredTool, Listing, read_tools
from apps.mcp.target import Credential, Target
from apps.mcp.transports import connect

log = structlog.get_logger("mcp")
T = TypeVar("T")

OPEN_SECONDS = 20
LIST_SECONDS = 20
CLOSE_SECONDS = 8  # a local process is asked, told and killed, two seconds each
IDLE_SECONDS = 300  # a local server takes a second to start, and memory while it waits
MAX_PAGES = 100
MAX_WORDS = 300  # of a progress message
OnProgress = Callable[[float, str], Awaitable[None]]
FindCredential = Callable[[], Awaitable[Credential]]

# After these the connection is as good as before.
_HARMLESS = (ToolFailed, ToolTimeout, ToolUnknown, ArgumentsInvalid, ServerFailed, InputWanted, ServerBusy)


class SessionEnded(Exception):
    """The server has forgotten the session; what was asked did not happen."""


class Session:
    """One live connection to one server."""

    def __init__(self, target: Target, find: FindCredential) -> None:
        self.target = target
        self.watch = Watch(target.server, Credential())
        self._find = find
        self._ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._stop = asyncio.Event()
        self._calls, self._used = 0, time.monotonic()
        self._listing: Listing | None = None
        self._list_began = 0.0
        self._list_lock = asyncio.Lock()
        self._owner = asyncio.create_task(self._own(), name=f"mcp-{target.server}")

    async def client(self) -> Client:
        """The open client. Raises what kept it from opening, within `OPEN_SECONDS`."""
        self._used = time.monotonic()  # whoever asks is about to call
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                return await asyncio.shield(self._ready)
        except Exception as exc:
            self._end()
            log.warning("server.open_failed", server=self.target.server, error=self._words(exc))
            raise to_error(exc, self.watch) from exc

    async def close(self) -> None:
        """End the session and its process."""
        self._end()
        await asyncio.wait([self._owner], timeout=CLOSE_SECONDS)

    def _end(self) -> None:
        self._stop.set()
        if not self._ready.done():
            self._owner.cancel()  # still waiting for a server that does not answer

    @property
    def is_closed(self) -> bool:
        return self._owner.done() or self._stop.is_set() or self.watch.broken.is_set()

    async def listing(self) -> Listing:
        """What the server shows now: asked after this call began, by whoever of those waiting is first."""
        asked = time.monotonic()
        async with self._list_lock:
            if self._listing is None or self._list_began < asked:
                began = time.monotonic()
                self._listing = await self._guarded(self._list(await self.client()), LIST_SECONDS)
                self._list_began = began
            return self._listing

    async def call(self, tool: str, arguments: dict[str, Any], *, seconds: float, on_progress: OnProgress) -> Any:
        """The SDK's result of one call.

        Raises `ToolFailed` with the tool's own words, `SessionEnded` when nothing happened, else what `to_error` knows.
        """

        async def report(progress: float, total: float | None, message: str | None) -> None:
            await on_progress(_fraction(progress, total), (message or "")[:MAX_WORDS])

        client = await self.client()
        work = client.session.call_tool(
            tool, arguments, read_timeout_seconds=seconds, progress_callback=report, allow_input_required=True
        )
        result = await self._guarded(work, seconds + 1, tool)
        if isinstance(result, InputRequiredResult):
            raise InputWanted(tool=tool)
        return result

    async def _guarded(self, work: Coroutine[Any, Any, T], seconds: float, tool: str = "") -> T:
        """The result of `work`, or the error of what broke the connection meanwhile."""
        self._calls += 1
        running = asyncio.ensure_future(work)
        broken = asyncio.ensure_future(self.watch.broken.wait())
        try:
            await asyncio.wait({running, broken, self._owner}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            return running.result() if running.done() else self._give_up(tool)
        except Exception as exc:
            if ended_by_server(exc):
                raise SessionEnded() from exc
            raise to_error(exc, self.watch, tool) from exc
        finally:
            self._calls -= 1
            self._used = time.monotonic()
            for task in (running, broken):
                task.cancel()
            await asyncio.wait({running, broken}, timeout=1)

    def _give_up(self, tool: str) -> NoReturn:
        """Raises why there is no answer: the wire broke, the owner ended, or it took too long."""
        if self.watch.error is not None:
            raise self.watch.error
        if self._owner.done():
            raise unreachable(self.watch)
        raise ToolTimeout(tool=tool) if tool else unreachable(self.watch, TimeoutError("no answer in time"))

    async def _list(self, client: Client) -> Listing:
        began = time.perf_counter()
        shown: list[Any] = []
        cursor = None
        for _page in range(MAX_PAGES):
            page = await client.session.list_tools(params=PaginatedRequestParams(cursor=cursor))
            shown += page.tools
            cursor = page.next_cursor
            if len(shown) > MAX_TOOLS:
                raise AnswerInvalid(server=self.target.server, what=f"more than {MAX_TOOLS} tools")
            if cursor is None:
                break
        else:
            raise AnswerInvalid(server=self.target.server, what="a list of tools without end")
        tools, left_out = read_tools(self.target.server, shown)
        info = client.server_info
        return Listing(
            tools,
            tuple(left_out),
            server_name=(info.title or info.name)[:200] if info else "",
            server_version=info.version[:100] if info else "",
            protocol=client.protocol_version,
            ms=round((time.perf_counter() - began) * 1000),
        )

    async def _own(self) -> None:
        started = time.perf_counter()
        try:
            self.watch.credential = await self._find()
            async with Client(connect(self.target, self.watch), cache=None) as client:
                self._used = time.monotonic()
                self._ready.set_result(client)
                ms = round((time.perf_counter() - started) * 1000)
                log.info("server.opened", server=self.target.server, protocol=client.protocol_version, ms=ms)
                await self._until_idle()
        except Exception as exc:
            if not self._ready.done():
                self._ready.set_exception(exc)
            else:
                log.warning("server.lost", server=self.target.server, error=self._words(exc))
        finally:
            if not self._ready.done():
                self._ready.cancel()

    def _words(self, exc: BaseException) -> str:
        return self.watch.credential.redacted(words_of(exc))

    async def _until_idle(self) -> None:
        """Returns when it was told to stop, when the wire broke, or when nobody called for long."""
        while not (self._stop.is_set() or self.watch.broken.is_set()):
            idle = 0.0 if self._calls else time.monotonic() - self._used
            if idle >= IDLE_SECONDS:
                self._stop.set()
                return
            waiting = [asyncio.ensure_future(event.wait()) for event in (self._stop, self.watch.broken)]
            await asyncio.wait(waiting, timeout=IDLE_SECONDS - idle, return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()


def _fraction(progress: float, total: float | None) -> float:
    """Between 0 and 1, whatever the server says."""
    share = progress / (total or 1.0)
    return min(max(share, 0.0), 1.0) if share == share else 0.0  # noqa: PLR0124 - not a number


class SessionPool:
    """The open sessions of one event loop, one per server."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def session(self, target: Target, find: FindCredential) -> Session:
        """An open session. One for another address or token than the kept one's takes its place.

        Raises what kept it from opening.
        """
        found = self._sessions.get(target.server)
        if found is not None and (found.is_closed or found.target != target):
            self.drop(found)
            found = None
        if found is None:
            found = self._sessions[target.server] = Session(target, find)
        await found.client()
        return found

    async def listed(self, target: Target, find: FindCredential) -> tuple[Session, Listing]:
        """An open session and what its server shows now.

        Opening and listing change nothing, so they are tried again as often as the server's row says, and once more
        when a kept session turns out to be dead.
        """
        tries = target.retries + 1 + (target.server in self._sessions)
        for attempt in range(1, tries + 1):
            try:
                return await self._listed_once(target, find)
            except (ServerUnreachable, ServerBusy, SessionEnded) as exc:
                if attempt == tries:
                    raise exc if isinstance(exc, ApiError) else unreachable_now(target) from exc
                log.info("server.retried", server=target.server, attempt=attempt)
                await pause(attempt)
        raise AssertionError("unreachable")

    async def _listed_once(self, target: Target, find: FindCredential) -> tuple[Session, Listing]:
        session = await self.session(target, find)
        try:
            return session, await session.listing()
        except (ApiError, SessionEnded):
            self.drop(session)
            raise

    def settle(self, session: Session, error: BaseException) -> None:
        """Drop `session` unless it is as good as before `error`."""
        if not isinstance(error, _HARMLESS):
            self.drop(session)

    def forget(self, server: str) -> None:
        """Close what is kept for `server`, if anything is."""
        if found := self._sessions.get(server):
            self.drop(found)

    def drop(self, session: Session) -> None:
        """Close a session, so that the next call opens a new one."""
        if self._sessions.get(session.target.server) is session:
            del self._sessions[session.target.server]
        task = asyncio.ensure_future(session.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Close all of them."""
        for session in list(self._sessions.values()):
            self.drop(session)
        if self._closing:
            await asyncio.wait(self._closing)


def unreachable_now(target: Target) -> ApiError:
    return ServerUnreachable(server=target.server)


_pools: "WeakKeyDictionary[asyncio.AbstractEventLoop, SessionPool]" = WeakKeyDictionary()


def pool() -> SessionPool:
    """The session pool of the running loop."""
    return _pools.setdefault(asyncio.get_running_loop(), SessionPool())


__all__ = ["DiscoveredTool", "Listing", "OnProgress", "Session", "SessionEnded", "SessionPool", "pool"]
