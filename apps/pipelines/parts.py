"""The drafts that a graph names: what a release freezes, and what its references are checked against."""

from typing import Any

from apps.mcp.models import Tool
from apps.pipelines.graph import Graph
from apps.prompts.models import Prompt


def parts_of_graph(graph: Graph) -> dict[str, Any]:
    """The prompts and tools of `graph`; those that do not exist or may not be used are left out."""
    return {"prompts": _prompts(graph), "tools": _tools(graph)}


def _prompts(graph: Graph) -> dict[str, Any]:
    wanted = {str(node.config.get("prompt", "")) for node in graph.of_type("prompt")}
    return {prompt.key: prompt.as_released() for prompt in Prompt.objects.filter(key__in=wanted)}


def _tools(graph: Graph) -> dict[str, Any]:
    wanted = {f"{n.config.get('server')}/{n.config.get('tool')}" for n in graph.of_type("mcp_tool")}
    servers = {address.split("/", 1)[0] for address in wanted}
    usable = Tool.objects.filter(server__key__in=servers, server__enabled=True, allowed=True).select_related("server")
    return {tool.address: tool.as_released() for tool in usable if tool.address in wanted and not tool.is_changed}
