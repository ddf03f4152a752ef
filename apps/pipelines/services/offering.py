"""The parts that nodes may name: for the pickers of an editor."""

from typing import Any

from django.conf import settings

from apps.mcp.models import Tool
from apps.pipelines.graph import Graph, readable_graph
from apps.pipelines.models import Pipeline
from apps.pipelines.output_types import known_schema, known_types
from apps.prompts.models import Prompt
from apps.prompts.variables import declared_by
from apps.providers.catalogue import every_model


def offered_parts() -> dict[str, Any]:
    """Prompts, tools that may be called, pipelines, models that answer and hosts, in a query for each kind."""
    return {
        "prompts": [_prompt(row) for row in Prompt.objects.order_by("key")],
        "tools": _tools(),
        "pipelines": [_pipeline(row) for row in Pipeline.objects.order_by("key")],
        "models": _models(),
        "hosts": sorted(getattr(settings, "PIPELINE_HOSTS", [])),
    }


def _prompt(row: Prompt) -> dict[str, Any]:
    return {"key": row.key, "name": row.name, "variables": declared_by(row.as_released())}


def _tools() -> list[dict[str, Any]]:
    rows = Tool.objects.filter(server__enabled=True, allowed=True).select_related("server")
    usable = [tool for tool in rows if not tool.is_changed]
    return [
        {
            "address": tool.address,
            "title": tool.title or tool.name,
            "description": tool.description,
            "input_schema": tool.input_schema,
            "output_schema": tool.output_schema,
            "repeatable": tool.repeatable and tool.says_repeatable,
        }
        for tool in sorted(usable, key=lambda tool: tool.address)
    ]


def _pipeline(row: Pipeline) -> dict[str, Any]:
    """What it takes is what its start says; what it gives is what its end is given."""
    graph = readable_graph(row.graph)
    starts, ends = graph.of_type("start"), graph.of_type("end")
    schema = starts[0].config.get("schema") if starts else None
    return {
        "key": row.key,
        "name": row.name,
        "input": schema if isinstance(schema, dict) else None,
        "output": _given(graph, ends[0].inputs) if ends else None,
    }


def _given(graph: Graph, inputs: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {name: _schema(graph, template) for name, template in inputs.items()}}


def _schema(graph: Graph, template: Any) -> dict[str, Any]:
    if (known := known_schema(template, graph, {})) is not None:
        return dict(known)
    types = known_types(template, graph, {})
    return {} if types is None else {"type": sorted(types)[0] if len(types) == 1 else sorted(types)}


def _models() -> list[dict[str, Any]]:
    found: dict[str, set[str]] = {}
    for candidate in every_model():
        found.setdefault(candidate.model, set()).update(candidate.capabilities)
    return [{"model": model, "capabilities": sorted(capabilities)} for model, capabilities in sorted(found.items())]
