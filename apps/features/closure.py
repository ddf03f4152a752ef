"""The whole closure of a feature: everything its run needs, frozen into one payload."""

from typing import Any

from apps.features.models import Feature
from apps.mcp.models import Tool
from apps.pipelines.graph import Graph, parse_graph
from apps.prompts.models import Prompt

SCHEMA_VERSION = 1


def collect(feature: Feature) -> dict[str, Any]:
    """The payload of the draft as it stands; parts that do not exist are left out, the checks name them."""
    try:
        graph = parse_graph(feature.pipeline.graph)
    except ValueError:
        graph = Graph((), ())
    return {
        "schema": SCHEMA_VERSION,
        "key": feature.key,
        **feature.titles(),
        "icon": feature.icon,
        "enabled": feature.enabled,
        "menu": _menu(feature),
        "roles": sorted(feature.roles.values_list("name", flat=True)),
        "cost": feature.cost,
        "form": {"schema": feature.form_schema, "ui": feature.ui_schema},
        "output": {"schema": feature.output_schema, "ui": feature.output_ui},
        "pipeline": {"key": feature.pipeline.key, "graph": feature.pipeline.graph},
        "prompts": _prompts(graph),
        "tools": _tools(graph),
        "routes": sorted({str(n.config.get("capability", "chat")) for n in graph.of_type("llm_chat")}),
    }


def parts_of(payload: dict[str, Any]) -> dict[str, Any]:
    """What nodes may see of a payload."""
    return {"form": payload["form"]["schema"], "prompts": payload["prompts"], "tools": payload["tools"]}


def _menu(feature: Feature) -> dict[str, Any]:
    group = feature.menu
    return {
        "group": group.key,
        "title": {"en": group.title, "zh-hans": group.title_zh or group.title},
        "group_order": group.order,
        "order": feature.order,
    }


def _prompts(graph: Graph) -> dict[str, Any]:
    wanted = {str(node.config.get("prompt", "")) for node in graph.of_type("prompt")}
    return {prompt.key: prompt.as_released() for prompt in Prompt.objects.filter(key__in=wanted)}


def _tools(graph: Graph) -> dict[str, Any]:
    wanted = {f"{n.config.get('server')}/{n.config.get('tool')}" for n in graph.of_type("mcp_tool")}
    servers = {address.split("/", 1)[0] for address in wanted}
    usable = Tool.objects.filter(server__key__in=servers, server__enabled=True, allowed=True).select_related("server")
    return {tool.address: tool.as_released() for tool in usable if tool.address in wanted and not tool.is_changed}
