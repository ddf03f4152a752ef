"""`docs/nodes.md`: the node types, as their classes describe them."""

import inspect
import json
import sys
from typing import Any

from apps.core.references import notice, table
from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.base import NodeType, known_names

INTRODUCTION = """
A pipeline is JSON: `{"nodes": [{"id", "type", "title", "config", "inputs"}], "edges": [{"source", "target", "when"}]}`.
`config` holds the settings listed here. `inputs` are values or Liquid templates that name the output of earlier nodes,
such as `{{ cut.image }}`. `when` is `true` or `false` on the edges behind a condition, and absent elsewhere. A retry
follows a failure that its error calls retryable, after a growing, random pause.

A type is one file in `apps/pipelines/nodes/`; being there registers it.
"""


def build() -> str:
    """Each type with its settings, outputs and limits."""
    parts = ["# Node types", notice("apps/pipelines/nodes"), INTRODUCTION.strip()]
    for _name, kind in sorted(node_types().items()):
        parts += _section(kind)
    return "\n\n".join(parts)


def _section(kind: NodeType) -> list[str]:
    words = inspect.getdoc(sys.modules[type(kind).__module__]) or ""
    facts = [
        ("Label in the editor", str(kind.label)),
        ("Produces", _outputs(kind)),
        ("Time limit", f"{kind.default_timeout:g} s"),
        ("Retries", str(kind.retries)),
    ]
    parts = [f"## {kind.type}", words, table(("", ""), facts)]
    rows = _settings(kind.Config.model_json_schema())
    return [*parts, table(("Setting", "Type", "Default"), rows)] if rows else [*parts, "No settings."]


def _outputs(kind: NodeType) -> str:
    """The names of its outputs as far as they are known before anything is configured."""
    empty: dict[str, Any] = dict.fromkeys(kind.Config.model_json_schema().get("required", []), "")
    names = known_names(kind.produces(kind.Config.model_construct(**empty), {}))
    if names is None:
        return "depends on the form or the tool"
    return ", ".join(f"`{name}`" for name in sorted(names)) or "the task's result: its own inputs"


def _settings(schema: dict[str, Any]) -> list[tuple[str, ...]]:
    required = schema.get("required", [])
    return [
        (f"`{name}`", _type(field), "required" if name in required else f"`{json.dumps(field.get('default'))}`")
        for name, field in schema.get("properties", {}).items()
    ]


def _type(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_type(option) for option in field["anyOf"])
    if "const" in field or "enum" in field:
        return "one of " + ", ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    limits = [f"{sign} {field[key]}" for key, sign in (("minimum", "≥"), ("maximum", "≤")) if key in field]
    return " ".join([str(field.get("type", "any")), *limits])
