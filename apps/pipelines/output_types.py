"""Of which type the value of an input will be, as far as it can be known before the run."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from apps.pipelines.graph import Graph, Node
from apps.pipelines.nodes import node_types
from apps.pipelines.wiring import lone_path

Types = frozenset[str]


def known_types(template: Any, graph: Graph, parts: Mapping[str, Any]) -> Types | None:
    """The JSON types that `template`, an input of a node of `graph`, may resolve to; None when nothing is known."""
    if not isinstance(template, str) or "{" not in template:
        return frozenset({_type_of(template)})
    path = lone_path(template)
    if path is None:
        return frozenset({"string"})  # a text with values in it
    source = graph.by_id.get(path[0])
    return _named(_outputs(source, parts), path[1:]) if source else None


def _outputs(node: Node, parts: Mapping[str, Any]) -> Any:
    """A schema of what the node produces, as far as it is known."""
    kind = node_types().get(node.type)
    try:
        return kind.produces(kind.Config.model_validate(dict(node.config)), parts) if kind else None
    except ValidationError:
        return None  # the settings are told of elsewhere


def _named(schema: Any, path: tuple[str, ...]) -> Types | None:
    for name in path:
        fields = schema.get("properties") if isinstance(schema, Mapping) else None
        schema = fields.get(name) if isinstance(fields, Mapping) else None
    if not isinstance(schema, Mapping) or _is_file(schema):
        return None
    kind = schema.get("type")
    kinds = {kind} if isinstance(kind, str) else set(kind) if isinstance(kind, list) else set()
    return frozenset(kinds - {"null"}) or None


def _is_file(schema: Mapping[str, Any]) -> bool:
    """A file comes out of a tool as an object and goes on as its id."""
    fields = schema.get("properties")
    return isinstance(fields, Mapping) and "uri" in fields


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    kinds = ((str, "string"), (int, "integer"), (float, "number"), (list, "array"), (dict, "object"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "null")
