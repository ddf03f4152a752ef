"""The drafts that a graph names: what a release freezes, and what its references are checked against."""

from collections.abc import Iterable, Set
from typing import Any

from apps.core.publishing.canonical import sha256_of
from apps.mcp.models import Tool
from apps.pipelines.graph import Graph, Node, readable_graph
from apps.pipelines.models import Pipeline
from apps.pipelines.nodes import needs_of
from apps.prompts.services import collect_prompts

MAX_DEPTH = 5  # pipelines in one chain, below the first


def parts_of_graph(graph: Graph, *, key: str = "") -> dict[str, Any]:
    """What `graph`, the draft of pipeline `key`, needs: sub-pipelines, and the prompts and tools of all of them.

    Everything is followed to its end, in one query for each level of sub-pipelines, one for each level of included
    prompts, and one for the tools. Parts that do not exist or may not be used are left out.
    """
    pipelines = _pipelines(graph, key)
    graphs = [graph, *(readable_graph(pipeline["graph"]) for pipeline in pipelines.values())]
    prompts = {name for one in graphs for name in prompts_named(one)}
    tools = {name for one in graphs for name in tools_named(one)}
    return {"pipelines": pipelines, "prompts": collect_prompts(prompts), "tools": _tools(tools)}


def pipelines_named(graph: Graph) -> set[str]:
    """The keys of the pipelines that nodes run."""
    return {name for node in graph.nodes for name in needs_of(node).pipelines}


def prompts_named(graph: Graph) -> set[str]:
    """The prompts that nodes fill, as they are written there."""
    return {name for node in graph.nodes for name in needs_of(node).prompts}


def tools_named(graph: Graph) -> set[str]:
    """The addresses of the tools that nodes call."""
    return {address for node in graph.nodes for address in needs_of(node).tools}


def capabilities_named(graphs: Iterable[Graph]) -> list[str]:
    """What nodes ask models for; a node that talks to a model and says nothing asks for `chat`."""
    return sorted({name for graph in graphs for node in graph.nodes for name in needs_of(node).capabilities})


def models_named(graphs: Iterable[Graph]) -> list[str]:
    """The models that nodes ask for by name."""
    return sorted({name for graph in graphs for node in graph.nodes for name in needs_of(node).models})


def routes_named(graphs: Iterable[Graph]) -> set[tuple[str, str]]:
    """What nodes ask models for, as (capability, model); the model is "" where none is named."""
    return {route for graph in graphs for node in graph.nodes for route in needs_of(node).routes}


def talking(graph: Graph) -> list[Node]:
    """The nodes that ask models."""
    return [node for node in graph.nodes if needs_of(node).capabilities]


def schema_hash(input_schema: Any, output_schema: Any) -> str:
    """The hash of what a tool takes and gives; unlike the tool's own it can be computed from a release."""
    return sha256_of({"input_schema": input_schema, "output_schema": output_schema})


def refused_tools(addresses: Set[str]) -> dict[str, str]:
    """Why each of these tools may not be called, as the code of a problem; of one that may, and is there, nothing."""
    if not addresses:
        return {}
    servers = {address.split("/", 1)[0] for address in addresses}
    rows = {tool.address: tool for tool in Tool.objects.filter(server__key__in=servers).select_related("server")}
    found = {address: _reason(rows.get(address)) for address in sorted(addresses)}
    return {address: reason for address, reason in found.items() if reason}


def _reason(tool: Tool | None) -> str:
    if tool is None:
        return "E_TOOL_UNKNOWN"
    if not tool.server.enabled:
        return "E_TOOL_SERVER_OFF"
    if not tool.allowed:
        return "E_TOOL_NOT_ALLOWED"
    return "E_TOOL_CHANGED" if tool.is_changed else ""


def repeatable_tools(addresses: Set[str]) -> list[str]:
    """Those of the tools that both the operator and the server call harmless to repeat."""
    if not addresses:
        return []
    servers = {address.split("/", 1)[0] for address in addresses}
    rows = Tool.objects.filter(server__key__in=servers, repeatable=True).select_related("server")
    return sorted(tool.address for tool in rows if tool.address in addresses and tool.says_repeatable)


def _pipelines(graph: Graph, key: str) -> dict[str, Any]:
    """Sub-pipelines by key, those below them too; `key` itself is never one, a circle is for the checks to tell."""
    found: dict[str, Any] = {}
    wanted = pipelines_named(graph) - {key}
    for _level in range(MAX_DEPTH + 1):
        if not wanted:
            break
        level = {row.key: {"graph": row.graph} for row in Pipeline.objects.filter(key__in=wanted)}
        found |= level
        named = {name for one in level.values() for name in pipelines_named(readable_graph(one["graph"]))}
        wanted = named - found.keys() - {key}
    return dict(sorted(found.items()))


def _tools(wanted: set[str]) -> dict[str, Any]:
    if not wanted:
        return {}
    servers = {address.split("/", 1)[0] for address in wanted}
    usable = Tool.objects.filter(server__key__in=servers, server__enabled=True, allowed=True).select_related("server")
    found = {tool.address: _released(tool) for tool in usable if tool.address in wanted and not tool.is_changed}
    return dict(sorted(found.items()))


def _released(tool: Tool) -> dict[str, Any]:
    described = {"description": tool.description, "schema_sha256": schema_hash(tool.input_schema, tool.output_schema)}
    return tool.as_released() | described
