"""Try a server and its tools by hand: what answers, how fast, and what it really says."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import structlog
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType

from apps.core import aio
from apps.core.errors import ApiError
from apps.mcp import tokens
from apps.mcp.client import check_arguments, fixed
from apps.mcp.errors import ServerUnreachable, ToolMoved, ToolUnknown
from apps.mcp.models import Server, Tool
from apps.mcp.results import read_result
from apps.mcp.services.tools import note_answer, note_failure, target_of
from apps.mcp.sessions import FindCredential, Session, SessionEnded, pool
from apps.mcp.shown import Listing
from apps.mcp.target import Credential, Target

log = structlog.get_logger("mcp")

MAX_TRIAL_SECONDS = 60  # somebody sits before the page
MAX_STEPS = 100  # progress messages that are shown


@dataclass(frozen=True)
class Trial:
    """One call by hand: its result or its error, and how long it took."""

    tool: str
    ok: bool
    ms: int
    result: Any = None
    error: dict[str, Any] | None = None
    progress: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Probe:
    """What a fresh connection found. `error` is in our words, with the server's own under `details.upstream`."""

    ok: bool
    token: str
    open_ms: int | None = None
    list_ms: int | None = None
    protocol: str = ""
    server_name: str = ""
    server_version: str = ""
    tools: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    error: dict[str, Any] | None = None
    call: Trial | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def probe_server(server: Server, *, by: Any, tool: str = "", arguments: Mapping[str, Any] | None = None) -> Probe:
    """Open a connection of its own, list the tools, and call one when `tool` is named. Never raises `ApiError`."""
    state = tokens.state(server)
    try:
        find = fixed(tokens.credential_of(server))
        opened, listing = aio.run(_probe(target_of(server), find), timeout=MAX_TRIAL_SECONDS)
    except ApiError as exc:
        note_failure(server, exc)
        log.info("server.tested", server=server.key, code=exc.code, by=by.pk if by else None)
        return Probe(ok=False, token=state, error=told(exc))
    note_answer(server, listing)
    log.info("server.tested", server=server.key, ms=opened, by=by.pk if by else None)
    return Probe(
        ok=True,
        token=state,
        open_ms=opened,
        list_ms=listing.ms,
        protocol=listing.protocol,
        server_name=listing.server_name,
        server_version=listing.server_version,
        tools=sorted(listing.tools),
        left_out=list(listing.left_out),
        call=_sample(server, listing, tool, dict(arguments or {}), by=by) if tool else None,
    )


def try_tool(tool: Tool, arguments: Mapping[str, Any], *, by: Any) -> Trial:
    """Call a tool, allowed or not, as it was shown at the last discovery.

    Never raises `ApiError`: the trial says what went wrong. Nothing is sent when the arguments do not fit, or when
    the server shows something else by now.
    """
    seen = tool.seen or tool.as_approved()
    return _timed(tool.server, tool.name, dict(arguments), seen["inputSchema"], tool.seen_sha256, by=by)


async def _probe(target: Target, find: FindCredential) -> tuple[int, Listing]:
    began = time.perf_counter()
    session = Session(target, find)
    try:
        await session.client()
        opened = round((time.perf_counter() - began) * 1000)
        return opened, await session.listing()
    except SessionEnded as exc:
        raise ServerUnreachable(server=target.server) from exc
    finally:
        await session.close()


def _sample(server: Server, listing: Listing, tool: str, arguments: dict[str, Any], *, by: Any) -> Trial:
    shown = listing.tools.get(tool)
    if shown is None:
        return Trial(tool, ok=False, ms=0, error=told(ToolUnknown(tool=f"{server.key}/{tool}")))
    return _timed(server, tool, arguments, shown.input_schema, shown.sha256, by=by)


def _timed(server: Server, tool: str, arguments: dict[str, Any], schema: Any, sha256: str, *, by: Any) -> Trial:
    progress: list[str] = []
    began = time.perf_counter()
    try:
        check_arguments(tool, schema, arguments)
        credential = tokens.credential_of(server)
        _audit(server, tool, by)
        call = (tool, arguments, float(min(server.timeout_seconds, MAX_TRIAL_SECONDS)))
        result = aio.run(_call(target_of(server), credential, call, sha256, progress))
        trial = Trial(tool, ok=True, ms=_since(began), result=result, progress=progress)
    except ApiError as exc:
        trial = Trial(tool, ok=False, ms=_since(began), error=told(exc), progress=progress)
    code = trial.error["code"] if trial.error else None
    log.info("tool.tried", tool=f"{server.key}/{tool}", ms=trial.ms, code=code, by=by.pk if by else None)
    return trial


async def _call(
    target: Target, credential: Credential, call: tuple[str, dict[str, Any], float], sha256: str, progress: list[str]
) -> dict[str, Any]:
    """One call without a second try: who sits before the page decides about that."""
    tool, arguments, seconds = call

    async def on_progress(fraction: float, message: str) -> None:
        if len(progress) < MAX_STEPS:
            progress.append(f"{fraction:.0%} {message}".strip())

    session, listing = await pool().listed(target, fixed(credential))
    shown = listing.tools.get(tool)
    if shown is None:
        raise ToolUnknown(tool=f"{target.server}/{tool}")
    if shown.sha256 != sha256:
        raise ToolMoved(tool=f"{target.server}/{tool}")
    try:
        result = await session.call(tool, arguments, seconds=seconds, on_progress=on_progress)
    except SessionEnded as exc:
        pool().drop(session)
        raise ServerUnreachable(server=target.server) from exc
    except ApiError as exc:
        pool().settle(session, exc)
        raise
    return await read_result(result, server=target.server, tool=tool)


def told(error: ApiError) -> dict[str, Any]:
    """An error for whoever tries something out: with the upstream's own words, which hold no token."""
    return error.as_dict() | {"details": error.details}


def _since(began: float) -> int:
    return round((time.perf_counter() - began) * 1000)


def _audit(server: Server, tool: str, by: Any) -> None:
    """A tool may have effects outside; who called it by hand stays written down. Never the arguments."""
    if by is None:
        return
    LogEntry.objects.create(
        user=by,
        content_type=ContentType.objects.get_for_model(Server),
        object_id=str(server.pk),
        object_repr=str(server)[:200],
        action_flag=CHANGE,
        change_message=f"Called the tool {tool} by hand.",
    )
