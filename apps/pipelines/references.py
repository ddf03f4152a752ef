"""`docs/nodes.md`: the node types, as their classes and the docstrings of their modules describe them."""

import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

from apps.core.references import notice, table
from apps.pipelines.graph import Node, parse_graph
from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.base import NodeType, Schema, known_names
from apps.pipelines.nodes.examples import example, parts

INTRODUCTION: Final = """
A pipeline is JSON: `{"schema": 2, "nodes": [{"id", "type", "title", "config", "inputs"}], "edges": [{"source",
"target", "when"}]}`. `config` holds the settings listed here. `inputs` are values or Liquid templates that name the
output of earlier nodes, such as `{{ cut.image }}`; a text that is nothing but one name keeps the type of the value.
Templates inside of settings name the node's own inputs, such as `{{ image }}`. What a node takes is printed bold
where it is needed; what it takes and gives often depends on its settings, and is shown as in the example. `when`
names the way out of a node that has several, and is absent elsewhere. A retry follows a failure that its error calls
retryable, after a growing, random pause. "After a kill" says what happens when the process that runs the step dies in
the middle of it.

A type is one file or folder in `apps/pipelines/nodes/`; being there registers it.
"""
CATEGORIES: Final = ("flow", "logic", "data", "models", "tools", "people")
EFFECTS: Final = {
    "pure": "nothing outside; it may be computed again at any time",
    "read": "asks outside and changes nothing there",
    "effect": "may change something outside",
}
_TOLD: Final = ("Costs", "When it fails", "After a kill")


def build() -> str:
    """Each type with its settings, ports, limits, what it costs, what can happen to it, and an example."""
    kinds = sorted(node_types().values(), key=lambda kind: (CATEGORIES.index(kind.category), kind.type))
    rows = [(f"[`{kind.type}`](#{kind.type})", str(kind.label), str(kind.help)) for kind in kinds]
    found = ["# Node types", notice("apps/pipelines/nodes"), INTRODUCTION.strip()]
    found.append(table(("Type", "Label", ""), rows))
    for kind in kinds:
        found += _section(kind)
    return "\n\n".join(found)


def _section(kind: NodeType) -> Iterator[str]:
    shown = next(node for node in parse_graph(example(kind.type)).nodes if node.type == kind.type)
    words, told = described(kind)
    yield f"## {kind.type}"
    yield words
    yield table(("", ""), [*_facts(kind, shown), *((name, told[name]) for name in _TOLD)])
    rows = list(_settings(kind.Config.model_json_schema()))
    yield table(("Setting", "Type", "Default", "Meaning"), rows) if rows else "No settings."
    yield "An example:"
    yield f"```json\n{_compact(example(kind.type))}\n```"


def described(kind: NodeType) -> tuple[str, dict[str, str]]:
    """The words of a type's module: what it is, and what it costs, how it fails and what a kill does to it."""
    module = type(kind).__module__
    folder = module.rpartition(".")[0]
    home = module if folder.endswith(".nodes") else folder  # a type with much to it has a folder
    words = inspect.getdoc(sys.modules[home]) or ""
    pieces = re.split(rf"^({'|'.join(_TOLD)}): ", words, flags=re.MULTILINE)
    told = {name: " ".join(text.split()) for name, text in zip(pieces[1::2], pieces[2::2], strict=True)}
    return pieces[0].strip(), told


def _facts(kind: NodeType, shown: Node) -> Iterator[tuple[str, str]]:
    config = kind.Config.model_validate(dict(shown.config))
    yield "Label in the editor", str(kind.label)
    yield "Takes", _fields(kind.accepts(config, parts()), nothing="any inputs")
    yield "Gives", _given(kind, kind.produces(config, parts()))
    ways = kind.ways(shown.config)
    yield "Ways out", ", ".join(f"`{way}`" for way in ways) if any(ways) else "one" if ways else "none"
    yield "Effect", EFFECTS[kind.effect]
    most = f"; at most {kind.max_timeout:g} s" if kind.max_timeout > kind.default_timeout else ""
    yield "Time limit", f"{kind.default_timeout:g} s{most}"
    yield "Retries", str(kind.retries)


def _given(kind: NodeType, schema: Schema | None) -> str:
    if not kind.ways({}):
        return "the result of the pipeline: its own inputs"
    return "depends on the settings" if known_names(schema) is None else _fields(schema or {}, nothing="nothing")


def _fields(schema: Schema, *, nothing: str) -> str:
    """The names of an object's fields with their types; those that are needed in bold."""
    fields = schema.get("properties", {})
    needed = [name for name in schema.get("required", []) if name not in fields]
    found = [_field(name, field, name in schema.get("required", [])) for name, field in fields.items()]
    open_too = ["others" if found or needed else ""] if schema.get("additionalProperties", True) is not False else []
    return ", ".join(filter(None, [*(f"**`{name}`**" for name in needed), *found, *open_too])) or nothing


def _field(name: str, field: Any, needed: bool) -> str:
    kind = field.get("type", "") if isinstance(field, Mapping) else ""
    kind = " or ".join(kind) if isinstance(kind, list) else kind
    shown = f"**`{name}`**" if needed else f"`{name}`"
    return f"{shown} ({kind})" if kind else shown


def _settings(schema: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    required = schema.get("required", [])
    for name, field in schema.get("properties", {}).items():
        default = "required" if name in required else _default(field)
        meaning = ": ".join(filter(None, [field.get("title"), field.get("description")]))
        yield f"`{name}`", _type(field, schema), default, meaning


def _default(field: Mapping[str, Any]) -> str:
    return f"`{json.dumps(field['default'])}`" if "default" in field else "empty"


def _type(field: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if "$ref" in field:
        inner = schema["$defs"][field["$ref"].rpartition("/")[2]]
        return "object of " + ", ".join(f"`{name}`" for name in inner["properties"])
    if "anyOf" in field:
        return " or ".join(_type(option, schema) for option in field["anyOf"])
    if "const" in field or "enum" in field:
        return "one of " + ", ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    if field.get("type") == "array":
        return f"list of {_type(field['items'], schema)}"
    limits = [f"{sign} {field[key]}" for key, sign in (("minimum", "≥"), ("maximum", "≤")) if key in field]
    return " ".join([str(field.get("type", "any")), *limits])


def _compact(graph: Mapping[str, Any]) -> str:
    """The graph with each node and each edge in a line of its own."""
    nodes, edges = (
        ",\n  ".join(json.dumps(one, ensure_ascii=False) for one in graph[name]) for name in ("nodes", "edges")
    )
    return f'{{"schema": 2,\n "nodes": [\n  {nodes}],\n "edges": [\n  {edges}]}}'
