"""The whole closure of a feature: everything its run needs, frozen into one payload."""

from typing import Any

from apps.features.models import Feature
from apps.features.schema import SCHEMA_VERSION
from apps.pipelines.graph import readable_graph
from apps.pipelines.parts import capabilities_named, models_named, parts_of_graph


def collect(feature: Feature) -> dict[str, Any]:
    """The payload of the draft as it stands; parts that do not exist are left out, the checks name them."""
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
        "table": feature.table,
        "degrade": feature.degrade,
        "needs_approval": feature.needs_approval,
        **_run(feature),
    }


def parts_of(payload: dict[str, Any]) -> dict[str, Any]:
    """What nodes may see of a payload."""
    return {
        "form": payload["form"]["schema"],
        "prompts": payload["prompts"],
        "tools": payload["tools"],
        "pipelines": payload["pipelines"],
        "degrade": payload["degrade"],
    }


def _run(feature: Feature) -> dict[str, Any]:
    """The pipeline with everything it needs."""
    key, graph = feature.pipeline.key, readable_graph(feature.pipeline.graph)
    parts = parts_of_graph(graph, key=key)
    graphs = [graph, *(readable_graph(sub["graph"]) for sub in parts["pipelines"].values())]
    return {
        "pipeline": {"key": key, "graph": feature.pipeline.graph},
        **parts,
        "routes": capabilities_named(graphs),
        "models": models_named(graphs),
    }


def _menu(feature: Feature) -> dict[str, Any]:
    group = feature.menu
    return {
        "group": group.key,
        "title": {"en": group.title, "zh-hans": group.title_zh or group.title},
        "group_order": group.order,
        "order": feature.order,
    }
