"""What differs between two graphs, node by node: for the canvas, and for people who merge."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from apps.core.publishing.canonical import canonical_json
from apps.pipelines.shape import readable

# Of these the single settings are named; the other fields of a node are told whole.
_OPENED: Final = ("config", "inputs", "policy")
Json = Mapping[str, Any]


def compare(old: Any, new: Any, *, old_layout: Any = None, new_layout: Any = None) -> dict[str, Any]:
    """Nodes by id with their change and the fields in it, edges, and other settings (`variables.x`, `limits.y`).

    Drafts may be wrong: what can be read of them is compared. A node that only stands elsewhere is `moved`.
    """
    before, after = _opened(old), _opened(new)
    nodes = dict(_nodes(before, after, _places(old_layout), _places(new_layout)))
    return {"nodes": nodes, "edges": list(_edges(before, after)), "settings": _settings(before, after)}


def _opened(graph: Any) -> Json:
    try:
        found = readable(graph)
    except (ValueError, TypeError, AttributeError, KeyError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _by_id(graph: Json) -> dict[str, Json]:
    nodes = graph.get("nodes", [])
    rows = [node for node in nodes if isinstance(node, Mapping)] if isinstance(nodes, list) else []
    return {str(node.get("id")): node for node in rows}


def _places(layout: Any) -> Json:
    places = layout.get("positions") if isinstance(layout, Mapping) else None
    return places if isinstance(places, Mapping) else {}


def _nodes(before: Json, after: Json, old_at: Json, new_at: Json) -> Iterator[tuple[str, dict[str, Any]]]:
    old, new = _by_id(before), _by_id(after)
    for node_id in [*old, *(name for name in new if name not in old)]:
        if node_id not in new:
            yield node_id, {"change": "removed", "fields": []}
        elif node_id not in old:
            yield node_id, {"change": "added", "fields": []}
        elif fields := sorted(_fields(old[node_id], new[node_id])):
            yield node_id, {"change": "changed", "fields": fields}
        elif node_id in old_at and node_id in new_at and _text(old_at[node_id]) != _text(new_at[node_id]):
            yield node_id, {"change": "moved", "fields": []}


def _fields(old: Json, new: Json) -> Iterator[str]:
    for name in old.keys() | new.keys():
        a, b = old.get(name), new.get(name)
        if name in _OPENED and isinstance(a or {}, Mapping) and isinstance(b or {}, Mapping):
            yield from (f"{name}.{field}" for field in _different(a or {}, b or {}))
        elif _text(a) != _text(b):
            yield name


def _different(old: Json, new: Json) -> Iterator[str]:
    for name in old.keys() | new.keys():
        if (name in old) != (name in new) or _text(old.get(name)) != _text(new.get(name)):
            yield str(name)


def _text(value: Any) -> str:
    return canonical_json(value)


def _edges(before: Json, after: Json) -> Iterator[dict[str, Any]]:
    old, new = _edges_of(before), _edges_of(after)
    for change, some, others in (("removed", old, new), ("added", new, old)):
        for key, edge in some.items():
            if key not in others:
                yield {"edge": edge, "change": change}


def _edges_of(graph: Json) -> dict[tuple[str, ...], Json]:
    edges = graph.get("edges", [])
    rows = [edge for edge in edges if isinstance(edge, Mapping)] if isinstance(edges, list) else []
    return {tuple(str(edge.get(name, "")) for name in ("source", "target", "when")): edge for edge in rows}


def _settings(before: Json, after: Json) -> list[str]:
    limits = [f"limits.{name}" for name in _different(_limits(before), _limits(after))]
    return sorted([*limits, *(f"variables.{name}" for name in _different(_variables(before), _variables(after)))])


def _limits(graph: Json) -> Json:
    limits = graph.get("limits", {})
    return limits if isinstance(limits, Mapping) else {}


def _variables(graph: Json) -> Json:
    rows = graph.get("variables", [])
    return {str(row.get("name")): row for row in rows if isinstance(row, Mapping)} if isinstance(rows, list) else {}
