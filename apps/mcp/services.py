"""Discover tools, allow them, and release where the servers are."""

from contextlib import AbstractContextManager
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from apps.core import aio
from apps.core.lock import Lock, with_lock
from apps.core.publishing.services import release
from apps.mcp.catalogue import KEY, SCOPE, collect
from apps.mcp.client import list_tools
from apps.mcp.models import Server, Tool
from apps.mcp.sessions import DiscoveredTool

__all__ = ["allow_tools", "discover_tools", "release_catalogue"]

log = structlog.get_logger("mcp")

LEASE = 15.0  # seconds until a server may be asked again after whoever asked it was killed
PATIENCE = 90.0  # seconds; an answer may take 60


def discover_tools(server: Server, *, by: Any) -> list[Tool]:
    """Ask the server for its tools and store what it shows.

    A new tool is not allowed until somebody allows it. A changed tool keeps its approved schema and is blocked.
    Raises `ServerUnreachable`, or `LockBusy` while somebody else asks the same server; nothing changes then.
    """
    with _asking(server) as lock:
        shown = aio.run(list_tools(server.key, server.catalogue_id), timeout=60)
        with transaction.atomic():
            tools = [_store(server, tool) for tool in shown]
            Server.objects.filter(pk=server.pk).update(discovered_at=timezone.now())
            lock.check()
    log.info("tools.discovered", server=server.key, count=len(tools), by=by.pk if by else None)
    return tools


def _store(server: Server, shown: DiscoveredTool) -> Tool:
    tool, created = Tool.objects.get_or_create(
        server=server,
        name=shown.name,
        defaults={**_described(shown), "sha256": shown.sha256, "seen_sha256": shown.sha256},
    )
    if created:
        return tool
    tool.seen_sha256 = shown.sha256
    if not tool.allowed:
        tool.sha256 = shown.sha256
        for field, value in _described(shown).items():
            setattr(tool, field, value)
    tool.save()
    return tool


def _described(shown: DiscoveredTool) -> dict[str, Any]:
    return {
        "description": shown.description,
        "input_schema": shown.input_schema,
        "output_schema": shown.output_schema,
    }


def allow_tools(server: Server, *, by: Any) -> int:
    """Approve every tool of `server` as it is shown now, after whoever is asking it; returns how many."""
    with _asking(server, wait=PATIENCE) as lock:
        discovered = aio.run(list_tools(server.key, server.catalogue_id), timeout=60)
        with transaction.atomic():
            for shown in discovered:
                _allow(server, shown)
            lock.check()
    log.info("tools.allowed", server=server.key, count=len(discovered), by=by.pk if by else None)
    return len(discovered)


def _allow(server: Server, shown: DiscoveredTool) -> None:
    approved = {**_described(shown), "sha256": shown.sha256, "seen_sha256": shown.sha256, "allowed": True}
    Tool.objects.update_or_create(server=server, name=shown.name, defaults=approved)


def _asking(server: Server, *, wait: float = 0.0) -> AbstractContextManager[Lock]:
    """One process asks a server at a time: of two answers the older one could be stored last."""
    return with_lock(f"mcp.discover:{server.key}", ttl=LEASE, wait=wait, required=False)


def release_catalogue(*, by: Any) -> None:
    """Where a server is takes effect at once; which tools a feature may use is part of the feature's release."""
    release(SCOPE, KEY, collect, by=by)
