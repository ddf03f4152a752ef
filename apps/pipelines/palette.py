"""What an editor has to know of node types: in words of the active language, as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.core.publishing.canonical import sha256_of
from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.base import NodeType, Schema
from apps.pipelines.parts import MAX_DEPTH
from apps.pipelines.validator import MAX_NODES
from apps.pipelines.validator.settings import schema_of

MOST_RETRIES: Final = 5  # that the editor offers
MAP_ITEMS: Final = 10_000
_WAYS: Final = {
    "true": _("yes"),
    "false": _("no"),
    "default": _("otherwise"),
    "error": _("failed"),
    "timeout": _("nobody answered"),
    "approve": _("approve"),
    "reject": _("reject"),
}
_DYNAMIC: Final = ("cases", "options")  # settings that name the ways out


def registry() -> dict[str, Any]:
    """Every node type with its settings, inputs, outputs, ways and limits. `version` changes when any of it does."""
    types = [_described(kind) for _name, kind in sorted(node_types().items())]
    limits = {"nodes": MAX_NODES, "depth": MAX_DEPTH, "map_items": MAP_ITEMS}
    return {"version": sha256_of([types, limits])[:16], "types": types, "limits": limits}


def ports(ways: Sequence[str]) -> list[dict[str, str]]:
    """The ways out with what people call them."""
    return [{"id": way, "label": str(_WAYS[way]) if way in _WAYS else way} for way in ways]


def _described(kind: NodeType) -> dict[str, Any]:
    schema, config = schema_of(kind.Config), _unconfigured(kind)
    accepted, defaults = kind.accepts(config, {}), _defaults(kind)
    return {
        "type": kind.type,
        "label": str(kind.label),
        "help": str(kind.help),
        "category": kind.category,
        "icon": kind.icon,
        "doc": f"docs/nodes.md#{kind.type}",
        "effect": kind.effect,
        "single": kind.single,
        "config": {
            "schema": _in_words(schema),
            "ui": {"ui:order": list(schema.get("properties", {}))},
            "defaults": defaults,
        },
        "inputs": {"schema": dict(accepted), "open": accepted.get("additionalProperties") is not False},
        "outputs": {"schema": _plain(kind.produces(config, {}))},
        "ports": {"in": _ways_in(kind), "out": ports(kind.ways(defaults)), "dynamic": _dynamic(kind)},
        "policy": _policy(kind),
    }


def _unconfigured(kind: NodeType) -> Any:
    """Settings with their defaults, and nothing where something has to be said."""
    empty: dict[str, Any] = dict.fromkeys(schema_of(kind.Config).get("required", []), "")
    return kind.Config.model_construct(**empty)


def _defaults(kind: NodeType) -> dict[str, Any]:
    fields = schema_of(kind.Config).get("properties", {})
    return {name: field["default"] for name, field in fields.items() if "default" in field}


def _in_words(schema: Any) -> Any:
    """The schema with its titles and descriptions in the active language."""
    if isinstance(schema, list):
        return [_in_words(inner) for inner in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {name: _word(name, value) if isinstance(value, str) else _in_words(value) for name, value in schema.items()}


def _word(name: str, value: str) -> str:
    return gettext(value) if name in ("title", "description") and value else value


def _plain(schema: Schema | None) -> dict[str, Any] | None:
    return None if schema is None else dict(schema)


def _ways_in(kind: NodeType) -> list[dict[str, str]]:
    return [] if kind.type == "start" else [{"id": "in"}]


def _dynamic(kind: NodeType) -> str | None:
    fields = schema_of(kind.Config).get("properties", {})
    return next((name for name in _DYNAMIC if name in fields), None)


def _policy(kind: NodeType) -> dict[str, Any]:
    goes_on = not kind.single and bool(kind.ways(_defaults(kind)))
    return {
        "timeout": {"default": kind.default_timeout, "max": kind.max_timeout},
        "retries": {"default": kind.retries, "max": MOST_RETRIES},
        "on_error": ["fail", "continue", "fallback"] if goes_on else ["fail"],
        "unknown": [] if kind.effect == "pure" else ["retry", "ask", "fail"],
    }
