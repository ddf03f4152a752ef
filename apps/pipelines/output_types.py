"""Of which type the value of an input will be, as far as it can be known before the run."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from apps.pipelines.graph import Graph, Node
from apps.pipelines.nodes import node_types
from apps.pipelines.wiring import Path, choice_of, lone_path

Types = frozenset[str]
_TEXT: Final = {"type": "string"}
_RUN: Final = {"properties": dict.fromkeys(("id", "feature", "user", "language", "started_at"), _TEXT)}
_ERROR: Final = {"properties": dict.fromkeys(("code", "message", "node"), _TEXT)}
MAX_STEPS: Final = 20  # references in references


def known_types(template: Any, graph: Graph, parts: Mapping[str, Any]) -> Types | None:
    """The JSON types that `template`, an input of a node of `graph`, may resolve to; None when nothing is known."""
    if not isinstance(template, str) or "{" not in template:
        return frozenset({_type_of(template)})
    if lone_path(template) is None and (options := choice_of(template)) is not None:
        return _any_of(options, graph, parts)
    if lone_path(template) is None:
        return frozenset({"string"})  # a text with values in it
    return types_of(known_schema(template, graph, parts))


def known_schema(template: Any, graph: Graph, parts: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The schema of what a lone `{{ path }}` stands for; None when it is not known, or the template is another."""
    path = lone_path(template) if isinstance(template, str) else None
    return schema_at(path, graph, parts) if path else None


def schema_at(path: Path, graph: Graph, parts: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The schema of what a path leads to, as far as it is known."""
    if path[0] == "vars":
        schema: Any = {"properties": {variable.name: variable.schema for variable in graph.variables}}
    elif path[0] in ("run", "error"):
        schema = _RUN if path[0] == "run" else _ERROR
    else:
        source = graph.by_id.get(path[0])
        schema = _outputs(source, parts) if source else None
    return _named(schema, path[1:])


def types_of(schema: Any) -> Types | None:
    """The JSON types that a schema lets through, but for null; None when it does not say, or means a file."""
    if not isinstance(schema, Mapping) or _is_file(schema):
        return None
    kind = schema.get("type")
    if isinstance(kind, str | list):
        kinds = {kind} if isinstance(kind, str) else {one for one in kind if isinstance(one, str)}
        return frozenset(kinds - {"null"}) or None
    for word in ("anyOf", "oneOf"):
        if isinstance(options := schema.get(word), list) and options:
            return _union(options)
    if "const" in schema:
        return frozenset({_type_of(schema["const"])})
    values = schema.get("enum")
    return frozenset(map(_type_of, values)) - {"null"} or None if isinstance(values, list) else None


def _union(options: list[Any]) -> Types | None:
    found: set[str] = set()
    for option in options:
        if isinstance(option, Mapping) and option.get("type") == "null":
            continue
        kinds = types_of(option)
        if kinds is None:
            return None
        found |= kinds
    return frozenset(found) or None


def _any_of(options: tuple[Any, ...], graph: Graph, parts: Mapping[str, Any]) -> Types | None:
    found: set[str] = set()
    for option in options:
        known = frozenset({_type_of(option[0])}) if isinstance(option, list) else None
        kinds = known or (types_of(schema_at(option, graph, parts)) if isinstance(option, tuple) else None)
        if kinds is None:
            return None
        found |= kinds
    return frozenset(found) or None


def _outputs(node: Node, parts: Mapping[str, Any]) -> Any:
    """A schema of what the node produces, as far as it is known."""
    kind = node_types().get(node.type)
    try:
        return kind.produces(kind.Config.model_validate(dict(node.config)), parts) if kind else None
    except ValidationError:
        return None  # the settings are told of elsewhere


def _named(schema: Any, path: Path) -> Mapping[str, Any] | None:
    root = schema
    for name in path:
        fields = schema.get("properties") if isinstance(schema, Mapping) else None
        schema = _followed(fields.get(name), root) if isinstance(fields, Mapping) else None
    return schema if isinstance(schema, Mapping) else None


def _followed(schema: Any, root: Any) -> Any:
    """What a reference within the schema stands for."""
    for _step in range(MAX_STEPS):
        reference = schema.get("$ref") if isinstance(schema, Mapping) else None
        if not isinstance(reference, str) or not reference.startswith("#/"):
            return schema
        schema = root
        for step in reference[2:].split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            schema = schema.get(name) if isinstance(schema, Mapping) else None
    return None


def _is_file(schema: Mapping[str, Any]) -> bool:
    """A file comes out of a tool as an object and goes on as its id."""
    fields = schema.get("properties")
    return schema.get("format") == "file" or (isinstance(fields, Mapping) and "uri" in fields)


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    kinds = ((str, "string"), (int, "integer"), (float, "number"), (list, "array"), (dict, "object"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "null")
