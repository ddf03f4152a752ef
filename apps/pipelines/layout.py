"""Where boxes, groups and notes stand: what a layout may hold, and how two people's moves go together."""

from collections.abc import Mapping
from typing import Any, Final

from apps.core.form_input import field_errors
from apps.pipelines.graph import Graph

FAR: Final = 1_000_000  # pixels from the middle
MANY: Final = 300  # as many as a graph may have nodes
_ID: Final = {"type": "string", "minLength": 1, "maxLength": 64}
_NUMBER: Final = {"type": "number", "minimum": -FAR, "maximum": FAR}
_POINT: Final = {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 2}
_WORDS: Final = {"type": ["string", "object"], "additionalProperties": {"type": "string"}}


def _list_of(required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    item = {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}
    return {"type": "array", "maxItems": MANY, "items": item}


LAYOUT: Final = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "positions": {"type": "object", "maxProperties": 2 * MANY, "additionalProperties": _POINT},
        "groups": _list_of(
            ("id", "nodes"),
            id=_ID,
            title=_WORDS,
            colour={"type": "string", "maxLength": 32},
            nodes={"type": "array", "maxItems": MANY, "items": _ID},
            collapsed={"type": "boolean"},
        ),
        "notes": _list_of(("id", "text", "at"), id=_ID, text={"type": "string", "maxLength": 2_000}, at=_POINT),
    },
}


def layout_errors(layout: Any) -> list[dict[str, str]]:
    """What is wrong with a layout: `{pointer, code, message}`, the pointer from the draft on."""
    return [one | {"pointer": f"/layout{one['pointer']}"} for one in field_errors(LAYOUT, layout)]


def laid_over(stored: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """`stored` with what `given` says: boxes one by one, so that two people who move different ones both did."""
    before = stored if isinstance(stored, Mapping) else {}
    merged = {**before, **given}
    if "positions" in given:
        merged["positions"] = {**before.get("positions", {}), **given["positions"]}
    return merged


def kept_for(graph: Graph, layout: Mapping[str, Any]) -> dict[str, Any]:
    """`layout` without the places of nodes that `graph` does not have; of a graph that cannot be read, all of it."""
    if not graph.nodes or "positions" not in layout:
        return dict(layout)
    places = {node: at for node, at in layout["positions"].items() if node in graph.by_id}
    return {**layout, "positions": places}
