"""Discover tools, approve what was looked at, and say how they are called."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone
from simple_history.utils import bulk_create_with_history

from apps.core import aio
from apps.core.errors import ApiError, NotFound
from apps.core.lock import Lock, with_lock
from apps.core.publishing.diff import Change, diff
from apps.core.publishing.usage import refuse_used
from apps.mcp import tokens
from apps.mcp.catalogue import address_of
from apps.mcp.client import fixed, list_tools
from apps.mcp.errors import ToolGone, ToolMoved
from apps.mcp.models import Server, Tool
from apps.mcp.services.servers import release_catalogue
from apps.mcp.shown import DiscoveredTool, Listing
from apps.mcp.target import Target

log = structlog.get_logger("mcp")

DISCOVER_SECONDS = 60
LEASE = 15.0  # seconds until a server may be asked again after whoever asked it was killed
PATIENCE = 90.0  # seconds; an answer may take 60
OPTIONS = frozenset({"allowed", "timeout_seconds", "repeatable", "max_retries"})


def tool(server_key: str, name: str) -> Tool:
    """The row. Raises `NotFound`."""
    found = Tool.objects.select_related("server").filter(server__key=server_key, name=name).first()
    if found is None:
        raise NotFound()
    return found


def tool_changes(row: Tool) -> list[Change]:
    """What the server shows against what was approved; a version that it is not held to is no difference."""
    if not row.seen:
        return []
    skipped = () if row.server.pin_version else ("serverVersion",)
    old, new = ({k: v for k, v in one.items() if k not in skipped} for one in (row.as_approved(), row.seen))
    return diff(old, new)


def target_of(server: Server) -> Target:
    """The row as it is now, saved or not."""
    return Target.of_entry(server.key, address_of(server))


def ask(server: Server) -> Listing:
    """What the server shows now. Raises what kept it from being asked, after noting that in the row."""
    try:
        credential = fixed(tokens.credential_of(server))
        listing = aio.run(list_tools(target_of(server), credential), timeout=DISCOVER_SECONDS)
    except ApiError as exc:
        note_failure(server, exc)
        raise
    note_answer(server, listing)
    return listing


def note_failure(server: Server, error: ApiError) -> None:
    """The row says what went wrong last. Not a change of the server, so in no history."""
    said = error.details.get("upstream", "")
    words = f"{error.text()} {said}".strip()[:500]
    Server.objects.filter(pk=server.pk).update(last_error=words, checked_at=timezone.now())


def note_answer(server: Server, listing: Listing) -> None:
    """The row says who answered last, and which tools could not be taken over."""
    Server.objects.filter(pk=server.pk).update(
        last_error="; ".join(listing.left_out)[:500],
        checked_at=timezone.now(),
        latency_ms=listing.ms,
        protocol=listing.protocol,
        server_name=listing.server_name,
        server_version=listing.server_version,
    )


def discover_tools(server: Server, *, by: Any) -> list[Tool]:
    """Ask the server for its tools and store what it shows; returns those, in the order of their names.

    A new tool is not allowed until somebody allows it. A changed tool keeps its approved schema and is blocked. One
    that is not shown any more is marked. Raises the errors of the connection, or `LockBusy` while somebody else asks
    the same server; no tool changes then.
    """
    with _asking(server) as lock:
        listing = ask(server)
        with transaction.atomic():
            tools = store(server, listing, by=by)
            Server.objects.filter(pk=server.pk).update(discovered_at=timezone.now())
            lock.check()
    log.info("tools.discovered", server=server.key, count=len(tools), by=by.pk if by else None)
    return tools


def store(server: Server, listing: Listing, *, by: Any) -> list[Tool]:
    """Bring the rows up to `listing`. For use in a transaction."""
    server.server_version = listing.server_version  # what the rows below are compared with
    known = {tool.name: tool for tool in server.tools.all()}
    new = [_new(server, shown, listing) for name, shown in listing.tools.items() if name not in known]
    if new:
        bulk_create_with_history(new, Tool, default_user=by)
    for name, tool in known.items():
        tool.server = server
        _bring_up(tool, listing.tools.get(name), listing, by=by)
    return list(server.tools.filter(name__in=listing.tools).select_related("server"))


def _new(server: Server, shown: DiscoveredTool, listing: Listing) -> Tool:
    return Tool(server=server, name=shown.name, **_approved(shown, listing.server_version))


def _approved(shown: DiscoveredTool, server_version: str) -> dict[str, Any]:
    return {
        "title": shown.title[:200],
        "description": shown.description,
        "input_schema": shown.input_schema,
        "output_schema": shown.output_schema,
        "annotations": shown.annotations,
        "sha256": shown.sha256,
        "seen_sha256": shown.sha256,
        "server_version": server_version,
        "seen": {},
        "changed_at": None,
        "gone_at": None,
    }


def _bring_up(tool: Tool, shown: DiscoveredTool | None, listing: Listing, *, by: Any) -> None:
    """Saves what changed, so that the history tells of changes alone."""
    if shown is None:
        changes: dict[str, Any] = {} if tool.is_gone else {"gone_at": timezone.now()}
    elif not tool.allowed:
        changes = _approved(shown, listing.server_version)
    else:
        changes = _seen(tool, shown, listing)
    changes = {name: value for name, value in changes.items() if getattr(tool, name) != value}
    if changes:
        _save(tool, changes, by=by)
    if "changed_at" in changes and tool.changed_at:
        log.warning("tool.changed", tool=tool.address, sha256=tool.seen_sha256, version=listing.server_version)


def _seen(tool: Tool, shown: DiscoveredTool, listing: Listing) -> dict[str, Any]:
    """Of an allowed tool only what is shown beside it changes."""
    differs = shown.sha256 != tool.sha256 or tool.is_other_version
    news = shown.sha256 != tool.seen_sha256 or tool.changed_at is None
    # Rows of the first release were approved with all of it, and kept only some.
    known = {} if differs else {"title": shown.title[:200], "annotations": shown.annotations}
    return known | {
        "seen_sha256": shown.sha256,
        "seen": shown.as_shown(listing.server_version) if differs else {},
        "changed_at": (timezone.now() if news else tool.changed_at) if differs else None,
        "gone_at": None,
    }


def allow_tools(server: Server, *, by: Any) -> int:
    """Approve every tool of `server` as it is shown now, after whoever is asking it; returns how many.

    For servers that one trusts as a whole.
    """
    with _asking(server, wait=PATIENCE) as lock:
        listing = ask(server)
        with transaction.atomic():
            store(server, listing, by=by)
            for tool in server.tools.filter(name__in=listing.tools):
                shown = listing.tools[tool.name]
                _save(tool, {**_approved(shown, listing.server_version), "allowed": True}, by=by)
            Server.objects.filter(pk=server.pk).update(discovered_at=timezone.now())
            release_catalogue(by=by)
            lock.check()
    log.info("tools.allowed", server=server.key, count=len(listing.tools), by=by.pk if by else None)
    return len(listing.tools)


def _asking(server: Server, *, wait: float = 0.0) -> AbstractContextManager[Lock]:
    """One process asks a server at a time: of two answers the older one could be stored last."""
    return with_lock(f"mcp.discover:{server.key}", ttl=LEASE, wait=wait, required=False)


def approve_tool(tool: Tool, *, seen_sha256: str, by: Any) -> Tool:
    """Allow the tool as it was shown at the last discovery, which is what the person looked at.

    Raises `ToolMoved` when it is not `seen_sha256` any more, `ToolGone`.
    Concurrency: the hash is claimed by a conditional update before anything is written.
    """
    with transaction.atomic():
        rows = Tool.objects.filter(pk=tool.pk, gone_at=None)
        if not rows.filter(seen_sha256=seen_sha256).update(changed_at=None):
            raise ToolMoved(tool=tool.address) if rows.exists() else ToolGone(tool=tool.address)
        row = Tool.objects.select_related("server").get(pk=tool.pk)
        _save(row, {**_from_seen(row), "allowed": True}, by=by)
        release_catalogue(by=by)
    log.info("tool.approved", tool=row.address, sha256=row.sha256, by=by.pk if by else None)
    return row


def _from_seen(row: Tool) -> dict[str, Any]:
    """The approved fields, taken from what was shown last; an unchanged tool has nothing beside them."""
    seen = row.seen
    fields: dict[str, Any] = {"sha256": row.seen_sha256, "seen": {}, "changed_at": None}
    fields["server_version"] = row.server.server_version
    if not seen:
        return fields
    return fields | {
        "title": seen["title"][:200],
        "description": seen["description"],
        "input_schema": seen["inputSchema"],
        "output_schema": seen["outputSchema"],
        "annotations": seen["annotations"],
        "server_version": seen["serverVersion"],
    }


def set_tool_options(tool: Tool, options: Mapping[str, Any], *, by: Any) -> Tool:
    """How the tool is called, and whether at all; to allow it is `approve_tool`'s.

    Raises `PartInUse` when features need a tool that is to be forbidden, `ValidationError`.
    """
    with transaction.atomic():
        if tool.allowed and options.get("allowed") is False:
            refuse_used("tool", [tool.address])
        _save(tool, {name: value for name, value in options.items() if name in OPTIONS}, by=by, clean=True)
        release_catalogue(by=by)
    log.info("tool.options", tool=tool.address, by=by.pk if by else None, **options)
    return tool


def forget_tools(server: Server, *, by: Any) -> int:
    """Allow none of the server's tools: it was given another name, under which nothing was approved."""
    tools = list(server.tools.filter(allowed=True))
    for tool in tools:
        _save(tool, {"allowed": False}, by=by)
    return len(tools)


def _save(tool: Tool, changes: Mapping[str, Any], *, by: Any, clean: bool = False) -> None:
    for name, value in changes.items():
        setattr(tool, name, value)
    if clean:
        tool.clean_fields(exclude={field.name for field in Tool._meta.fields} - OPTIONS)
    tool._history_user = by  # type: ignore[attr-defined]  # simple-history's documented attribute
    tool.save()
