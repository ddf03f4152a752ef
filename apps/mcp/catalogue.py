"""The released catalogue of tool servers and of the tools that may be called on them."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings

from apps.core.config import NotReleased, reader
from apps.mcp.errors import ServerUnreachable, ToolUnknown
from apps.mcp.models import Server, Tool

SCOPE, KEY = "mcp", "catalogue"


@dataclass(frozen=True)
class Options:
    """How long one call may take, how often it is made again, and whether that does no harm."""

    timeout: float
    retries: int = 0
    repeatable: bool = False


def collect() -> dict[str, Any]:
    """Where each enabled server is, and its allowed tools as they were approved. Never a token."""
    rows = Server.objects.filter(enabled=True).select_related("secret").prefetch_related("tools")
    return {"schema": 2, "servers": {row.key: _server(row) for row in rows}}


def _server(row: Server) -> dict[str, Any]:
    return address_of(row) | {"tools": {tool.name: _tool(row, tool) for tool in row.tools.all() if tool.allowed}}


def address_of(row: Server) -> dict[str, Any]:
    """How the server is spoken to."""
    secret: Any = getattr(row, "secret", None)
    return {
        "id": row.pk,
        "transport": row.transport,
        "catalogue_id": row.catalogue_id,
        "url": row.url,
        "token_header": row.token_header,
        "token_revision": secret.revision if secret else 0,
        "timeout": row.timeout_seconds,
        "retries": row.max_retries,
    }


def _tool(server: Server, tool: Tool) -> dict[str, Any]:
    repeatable = is_harmless(server.catalogue_id) or (tool.repeatable and tool.says_repeatable)
    retries = server.max_retries if tool.max_retries is None else tool.max_retries
    return tool.as_released() | {
        "title": tool.title,
        "description": tool.description,
        "timeout": tool.timeout_seconds or server.timeout_seconds,
        "retries": retries if repeatable else 0,
        "repeatable": repeatable,
    }


def is_harmless(catalogue_id: str) -> bool:
    """Whether the settings say of a local server that calling its tools twice does no harm."""
    return bool(catalogue_id and settings.MCP_STDIO_CATALOGUE.get(catalogue_id, {}).get("repeatable"))


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


def options(entry: dict[str, Any], tool: str) -> Options:
    """How `tool` is called; one that only an older release of a feature knows, as its server's row says."""
    known = {"retries": 0, "timeout": entry["timeout"], **entry.get("tools", {}).get(tool, {})}
    if "repeatable" not in known:  # released by an older version
        harmless = is_harmless(entry.get("catalogue_id", ""))
        known |= {"repeatable": harmless or known["retries"] > 0}
        known |= {"retries": entry.get("retries", 0)} if harmless else {}
    return Options(float(known["timeout"]), known["retries"], known["repeatable"])


def approved_tool(address: str) -> dict[str, Any]:
    """The allowed tool `server/tool` as it was approved, ready for `client.call_tool`. Raises `ToolUnknown`."""
    server_key, _slash, name = address.partition("/")
    try:
        found: dict[str, Any] = server(server_key)["tools"][name]
    except (ServerUnreachable, KeyError) as exc:
        raise ToolUnknown(tool=address) from exc
    return found
