"""The graph as typed values, and the few questions everybody asks of it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Node:
    """One node: `inputs` are templates over earlier nodes' outputs, `config` is the node type's own."""

    id: str
    type: str
    title: Any = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Edge:
    """`when` is set on edges that leave a condition: "true" or "false"."""

    source: str
    target: str
    when: str = ""


@dataclass(frozen=True)
class Graph:
    """A pipeline's nodes and edges."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @cached_property
    def by_id(self) -> dict[str, Node]:
        return {node.id: node for node in self.nodes}

    @cached_property
    def incoming(self) -> dict[str, list[Edge]]:
        return self._grouped("target")

    @cached_property
    def outgoing(self) -> dict[str, list[Edge]]:
        return self._grouped("source")

    def _grouped(self, end: str) -> dict[str, list[Edge]]:
        groups: defaultdict[str, list[Edge]] = defaultdict(list)
        for edge in self.edges:
            groups[getattr(edge, end)].append(edge)
        return groups

    @cached_property
    def order(self) -> list[str]:
        """The ids in topological order (Kahn 1962); nodes on a cycle are left out."""
        waiting = {node.id: len(self.incoming.get(node.id, [])) for node in self.nodes}
        ready = [node_id for node_id, count in waiting.items() if count == 0]
        ordered: list[str] = []
        while ready:
            node_id = ready.pop(0)
            ordered.append(node_id)
            for edge in self.outgoing.get(node_id, []):
                if edge.target in waiting:
                    waiting[edge.target] -= 1
                    if waiting[edge.target] == 0:
                        ready.append(edge.target)
        return ordered

    def reachable_from(self, node_id: str, *, backwards: bool = False) -> set[str]:
        """Every node on a path from (or, backwards, to) `node_id`, itself included."""
        step = self.incoming if backwards else self.outgoing
        seen, todo = {node_id}, [node_id]
        while todo:
            for edge in step.get(todo.pop(), []):
                following = edge.source if backwards else edge.target
                if following not in seen:
                    seen.add(following)
                    todo.append(following)
        return seen

    def of_type(self, kind: str) -> list[Node]:
        return [node for node in self.nodes if node.type == kind]


def parse_graph(raw: Any) -> Graph:
    """The graph of its JSON. Raises `ValueError` when the JSON has another shape."""
    if not isinstance(raw, Mapping):
        raise ValueError("the graph must be an object")  # noqa: TRY004 - callers handle one error
    try:
        nodes = tuple(
            Node(
                id=str(n["id"]),
                type=str(n["type"]),
                title=n.get("title", ""),
                config=dict(n.get("config", {})),
                inputs=dict(n.get("inputs", {})),
            )
            for n in raw.get("nodes", [])
        )
        edges = tuple(Edge(str(e["source"]), str(e["target"]), str(e.get("when", ""))) for e in raw.get("edges", []))
    except (KeyError, TypeError, AttributeError, ValueError) as exc:
        raise ValueError(f"a node or an edge lacks a field: {exc}") from exc
    return Graph(nodes, edges)
