"""What each node of a graph takes, gives and may refer to: for typed handles and for the picker of variables."""

from collections.abc import Iterator, Mapping, Set
from typing import Any, Final

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.pipelines.graph import Graph, Node, readable_graph
from apps.pipelines.nodes import node_types
from apps.pipelines.output_types import types_of
from apps.pipelines.palette import ports
from apps.pipelines.validator import Subject, subject_of
from apps.pipelines.validator.lineage import FAILED
from apps.pipelines.validator.rules_lineage import ERROR, RUN

DEEP: Final = 3  # fields in fields that are offered
MANY: Final = 400  # values that are offered to one node

Offer = dict[str, Any]


def describe(raw: Any, parts: Mapping[str, Any], *, wanted: Set[str] | None = None) -> dict[str, Any]:
    """By node: schemas of inputs and outputs, ways out, and what its inputs may read (`scope`).

    Drafts may be wrong: of nodes of unknown types, and of a graph with circles or with one id twice, nothing is said.
    """
    subject = subject_of(_of_known_types(readable_graph(raw)), parts)
    if subject is None:
        return {}
    return {node.id: _described(subject, node) for node in subject.graph.nodes if wanted is None or node.id in wanted}


def _of_known_types(graph: Graph) -> Graph:
    nodes = tuple(node for node in graph.nodes if node.type in node_types())
    known = {node.id for node in nodes}
    edges = tuple(edge for edge in graph.edges if edge.source in known and edge.target in known)
    return Graph(nodes, edges, graph.variables, graph.limits)


def _described(subject: Subject, node: Node) -> dict[str, Any]:
    produced = subject.produces(node)
    return {
        "inputs": dict(subject.accepts(node)),
        "outputs": None if produced is None else dict(produced),
        "ports": {"out": ports(subject.ways[node.id])},
        "scope": list(_scope(subject, node))[:MANY],
    }


def _scope(subject: Subject, node: Node) -> Iterator[Offer]:
    """The nearest node first: its values are those that are wanted most often."""
    lineage = subject.lineage
    if lineage is not None:
        for other in reversed(lineage.before(node.id)):
            failed = lineage.gone(other, FAILED) & lineage.active[node.id]
            yield from _values(subject, other, sure=lineage.always_with(node.id, other) and not failed)
        if _behind_a_failure(subject, node):
            yield from (_offer(f"error.{name}", "string", name, sure=True) for name in sorted(ERROR))
    for variable in subject.graph.variables:
        kind = _type(variable.schema)
        yield _offer(f"vars.{variable.name}", kind, _worded(variable.title) or variable.name, sure=True)
    yield from (_offer(f"run.{name}", "string", name, sure=True) for name in sorted(RUN))


def _behind_a_failure(subject: Subject, node: Node) -> bool:
    lineage, failed = subject.lineage, 0
    if lineage is None or not lineage.active[node.id]:
        return False
    for other in subject.graph.nodes:
        if other.policy.on_error == "continue" and lineage.comes_before(other.id, node.id):
            failed |= lineage.gone(other.id, FAILED)
    return not lineage.active[node.id] & ~failed


def _values(subject: Subject, node_id: str, *, sure: bool) -> Iterator[Offer]:
    schema = subject.produces(subject.graph.by_id[node_id])
    if not isinstance(schema, Mapping) or not isinstance(schema.get("properties"), Mapping):
        yield _offer(node_id, "any", _("everything it gives"), sure=sure)
        return
    yield from _fields(schema, node_id, sure=sure)


def _fields(schema: Mapping[str, Any], path: str, *, sure: bool, depth: int = 1) -> Iterator[Offer]:
    fields = schema.get("properties")
    for name, field in fields.items() if isinstance(fields, Mapping) else ():
        yield _offer(f"{path}.{name}", _type(field), _title(field) or name, sure=sure)
        if depth < DEEP and isinstance(field, Mapping) and _type(field) == "object":
            yield from _fields(field, f"{path}.{name}", sure=sure, depth=depth + 1)


def _offer(path: str, kind: str, title: str, *, sure: bool) -> Offer:
    return {"path": path, "type": kind, "title": title, "sure": sure}


def _type(schema: Any) -> str:
    """One word for a schema's type; `file` for one, `any` where nothing or several things are known."""
    if isinstance(schema, Mapping):
        fields = schema.get("properties")
        if schema.get("format") == "file" or (isinstance(fields, Mapping) and "uri" in fields):
            return "file"
    kinds = types_of(schema)
    return next(iter(kinds)) if kinds is not None and len(kinds) == 1 else "any"


def _title(schema: Any) -> str:
    """A field's title in the active language."""
    if not isinstance(schema, Mapping):
        return ""
    overlays = schema.get("x-i18n")
    overlay = overlays.get(get_language() or "en") if isinstance(overlays, Mapping) else None
    title = overlay.get("title") if isinstance(overlay, Mapping) else None
    return _worded(title or schema.get("title"))


def _worded(title: Any) -> str:
    if isinstance(title, Mapping):
        title = title.get(get_language() or "en") or title.get("en") or next(iter(title.values()), "")
    return title if isinstance(title, str) else ""
