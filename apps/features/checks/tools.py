"""Tools may be used, and are what was approved; each that is not says why."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from apps.core.publishing.registry import Problem
from apps.features.checks.graphs import graphs_of
from apps.mcp.models import Tool
from apps.pipelines.graph import Node
from apps.pipelines.nodes import needs_of


def tools_usable(payload: dict[str, Any]) -> Iterator[Problem]:
    """Every tool that a node calls is frozen in the payload; those that are not could not be."""
    missing = list(_missing(payload))
    rows = _rows({address for _path, address in missing})
    for path, address in missing:
        code, words = _reason(rows.get(address))
        yield Problem(code, path, words % {"tool": address})


def _missing(payload: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for placed in graphs_of(payload):
        for node in placed.graph.nodes:
            for address in sorted(needs_of(node).tools - payload["tools"].keys()):
                yield f"{placed.path}/{node.id}/config.{_setting(node)}", address


def _setting(node: Node) -> str:
    """Where a node says which tool it calls."""
    return next((name for name in ("tool", "tools", "operation") if name in node.config), "tool")


def _rows(addresses: set[str]) -> dict[str, Tool]:
    if not addresses:
        return {}
    servers = {address.split("/", 1)[0] for address in addresses}
    return {tool.address: tool for tool in Tool.objects.filter(server__key__in=servers).select_related("server")}


def _reason(tool: Tool | None) -> tuple[str, str]:
    if tool is None:
        return "E_TOOL_UNKNOWN", _("There is no tool %(tool)s, or no longer. Discover the tools of its server.")
    if not tool.server.enabled:
        return "E_TOOL_SERVER_OFF", _("The server of the tool %(tool)s is switched off.")
    if not tool.allowed:
        return "E_TOOL_NOT_ALLOWED", _("The tool %(tool)s is not allowed. Look at it and allow it.")
    return "E_TOOL_CHANGED", _("The tool %(tool)s is not what was approved. Look at it and approve it again.")
