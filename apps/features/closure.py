"""The whole closure of a feature: everything its run needs, frozen into one payload."""

from typing import Any

from apps.features.models import Feature
from apps.pipelines.graph import Graph, parse_graph
from apps.pipelines.parts import parts_of_graph

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
        **parts_of_graph(graph),
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
