"""The released catalogue of tool servers."""

from typing import Any

from apps.core.config import NotReleased, reader
from apps.mcp.errors import ServerUnreachable
from apps.mcp.models import Server

SCOPE, KEY = "mcp", "catalogue"


def collect() -> dict[str, Any]:
    """Where each enabled server is."""
    rows = Server.objects.filter(enabled=True)
    return {
        "schema": 1,
        "servers": {
            row.key: {
                "transport": row.transport,
                "catalogue_id": row.catalogue_id,
                "timeout": row.timeout_seconds,
            }
            for row in rows
        },
    }


def server(key: str) -> dict[str, Any]:
    """The released entry of a server. Raises `ServerUnreachable` when it is unknown or switched off."""
    try:
        _version, catalogue = reader.get(SCOPE, KEY)
    except NotReleased as exc:
        raise ServerUnreachable(server=key) from exc
    if key not in catalogue["servers"]:
        raise ServerUnreachable(server=key)
    found: dict[str, Any] = catalogue["servers"][key]
    return found
