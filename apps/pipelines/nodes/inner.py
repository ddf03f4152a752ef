"""Pipelines that steps run: what they take, what they give, what they cost at the most."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from apps.pipelines.graph import Graph, Node, readable_graph
from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.base import Schema
from apps.pipelines.wiring import lone_path

MAX_DEPTH = 5


def graph_of(parts: Mapping[str, Any], key: str) -> Graph | None:
    """The graph of a pipeline of this release; None where it has none of that name."""
    found = parts.get("pipelines", {}).get(key)
    return readable_graph(found["graph"]) if found else None


def taken(parts: Mapping[str, Any], key: str) -> Schema | None:
    """What the pipeline's start says it takes; None when it does not say."""
    graph = graph_of(parts, key)
    starts = graph.of_type("start") if graph else []
    schema = starts[0].config.get("schema") if starts else None
    return schema if isinstance(schema, Mapping) else None


def given(parts: Mapping[str, Any], key: str) -> Schema | None:
    """What the pipeline's end hands out; None when the pipeline is not known."""
    graph = graph_of(parts, key)
    ends = graph.of_type("end") if graph else []
    if graph is None or not ends:
        return None
    return {
        "type": "object",
        "properties": {name: dict(_type(graph, parts, template)) for name, template in ends[0].inputs.items()},
        "required": sorted(ends[0].inputs),
    }


def _type(graph: Graph, parts: Mapping[str, Any], template: Any) -> Schema:
    """The schema of what `template` resolves to, as far as it can be told without going further down."""
    path = lone_path(template) if isinstance(template, str) else None
    if path is None:
        return {"type": "string"} if isinstance(template, str) else {}
    source = graph.by_id.get(path[0])
    schema = _produced(source, parts) if source else None
    for name in path[1:]:
        fields = schema.get("properties") if isinstance(schema, Mapping) else None
        schema = fields.get(name) if isinstance(fields, Mapping) else None
    return schema if isinstance(schema, Mapping) else {}


def _produced(node: Node, parts: Mapping[str, Any]) -> Schema | None:
    kind = node_types().get(node.type)
    if kind is None or kind.needs(node.config).pipelines:
        return None
    try:
        inner = {name: part for name, part in parts.items() if name != "form"}  # that is the outermost one's
        return kind.produces(kind.Config.model_validate(dict(node.config)), inner)
    except ValidationError:
        return None
