"""What a graph is: nodes with names, of known types, and edges between them that never lead back."""

import re
from collections import Counter
from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from apps.pipelines.graph import RESERVED_IDS, Graph
from apps.pipelines.nodes import node_types
from apps.pipelines.validator.problems import GraphProblem, rule

MAX_NODES = 300
MAX_EDGES = 2_000  # of 300 nodes with five ways each, and some more
_ID = re.compile(r"[a-z][a-z0-9_]{0,39}")

SHAPE = rule("E_GRAPH_SHAPE", _("This is not what the JSON of a graph looks like."))
TOO_MANY_NODES = rule("E_TOO_MANY_NODES", _("More than %(max)s nodes."))
TOO_MANY_EDGES = rule("E_TOO_MANY_EDGES", _("More than %(max)s connections."))
DUPLICATE = rule("E_NODE_DUPLICATE", _("Two nodes have this id."))
ID = rule("E_NODE_ID", _("An id starts with a letter and holds lower-case letters, digits and underscores."))
RESERVED = _("“%(id)s” means something else in references; choose another id.")
TYPE = rule("E_NODE_TYPE", _("There is no node type “%(type)s”."))
START = rule("E_START", _("A pipeline has exactly one %(kind)s node."))
END = rule("E_END", _("A pipeline has exactly one %(kind)s node."))
EDGE_UNKNOWN = rule("E_EDGE_UNKNOWN", _("An edge leads to or from nothing."))
EDGE_LOOP = rule("E_EDGE_LOOP", _("A node cannot follow itself."))
EDGE_DUPLICATE = rule("E_EDGE_DUPLICATE", _("This connection exists twice."))
CYCLE = rule("E_CYCLE", _("This node is part of, or behind, a circle."))


def too_large(graph: Graph) -> Iterator[GraphProblem]:
    """Told alone: nobody should wait for the rest."""
    if len(graph.nodes) > MAX_NODES:
        yield TOO_MANY_NODES.at(max=MAX_NODES)
    if len(graph.edges) > MAX_EDGES:
        yield TOO_MANY_EDGES.at(max=MAX_EDGES)


def _ids(graph: Graph) -> Iterator[GraphProblem]:
    for node_id, count in Counter(node.id for node in graph.nodes).items():
        if count > 1:
            yield DUPLICATE.at(node_id)
        if not _ID.fullmatch(node_id):
            yield ID.at(node_id)
        if node_id in RESERVED_IDS:
            yield ID.at(node_id, words=RESERVED, id=node_id)


def _types(graph: Graph) -> Iterator[GraphProblem]:
    for node in graph.nodes:
        if node.type not in node_types():
            yield TYPE.at(node.id, type=node.type[:64])


def _one_start_one_end(graph: Graph) -> Iterator[GraphProblem]:
    for kind, broken in (("start", START), ("end", END)):
        if len(graph.of_type(kind)) != 1:
            yield broken.at(kind=kind)


def _edges(graph: Graph) -> Iterator[GraphProblem]:
    for edge in graph.edges:
        for end in (edge.source, edge.target):
            if end not in graph.by_id:
                yield EDGE_UNKNOWN.at(end)
        if edge.source == edge.target:
            yield EDGE_LOOP.at(edge.source)
    for edge, count in Counter(graph.edges).items():
        if count > 1:
            yield EDGE_DUPLICATE.at(edge.source)


def _cycles(graph: Graph) -> Iterator[GraphProblem]:
    for node_id in sorted(set(graph.by_id) - set(graph.order)):
        yield CYCLE.at(node_id)


def unsound(graph: Graph) -> Iterator[GraphProblem]:
    """What keeps anybody from asking what runs when: doubtful ids, edges from nowhere, circles."""
    for check in (_ids, _edges, _cycles):
        yield from check(graph)


CHECKS = (_ids, _types, _one_start_one_end, _edges, _cycles)
