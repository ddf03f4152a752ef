"""A tool is not what was approved: it is written down and told once, whoever noticed it."""

from typing import Any

import structlog
from django.db.models import F, Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import ngettext

from apps.core.notices import Notice
from apps.mcp.models import Server, Tool
from apps.mcp.shown import DiscoveredTool

log = structlog.get_logger("mcp")


def note_changed(server_key: str, shown: DiscoveredTool, server_version: str) -> bool:
    """Remember what is shown instead of the approved tool; returns whether that was news.

    Concurrency: of many processes that notice it at once, one logs it.
    """
    rows = Tool.objects.filter(server__key=server_key, name=shown.name, allowed=True)
    moved = rows.filter(Q(changed_at__isnull=True) | ~Q(seen_sha256=shown.sha256)).update(
        seen_sha256=shown.sha256, seen=shown.as_shown(server_version), changed_at=timezone.now()
    )
    if moved:
        Server.objects.filter(key=server_key).update(server_version=server_version)
        log.warning("tool.changed", tool=f"{server_key}/{shown.name}", sha256=shown.sha256, version=server_version)
    return bool(moved)


def blocked_tools() -> Any:
    """The allowed tools whose server shows something else."""
    version = Q(server__pin_version=True) & ~Q(server_version="") & ~Q(server_version=F("server__server_version"))
    return Tool.objects.filter(allowed=True).filter(~Q(seen_sha256=F("sha256")) | version)


def notice(request: HttpRequest) -> Notice | None:
    """Stands on every page of the admin, for who may look at tools."""
    if not request.user.has_perm("mcp.view_server"):
        return None
    addresses = [tool.address for tool in blocked_tools().select_related("server")[:5]]
    if not addresses:
        return None
    title = ngettext("A tool is blocked.", "Tools are blocked.", len(addresses))
    words = ngettext(
        "%(tools)s is not what was approved. Features that use it fail until somebody looks at the differences.",
        "%(tools)s are not what was approved. Features that use them fail until somebody looks at the differences.",
        len(addresses),
    )
    return Notice(title, words % {"tools": ", ".join(addresses)})
