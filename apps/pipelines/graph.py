"""The graph as typed values, and the few questions everybody asks of it. What its JSON may hold stands in `shape`."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

from apps.pipelines.shape import Misshapen, misshapen, readable

SCHEMA: Final = 2
# Names that references use for something else than a node.
RESERVED_IDS: Final = frozenset({"vars", "run", "item", "error"})

OnError = Literal["fail", "continue", "fallback"]
Unknown = Literal["retry", "ask", "fail"]
Join = Literal["all", "any"]


@dataclass(frozen=True)
class Policy:
    """How a node's failures are dealt with. What is None is left to the node's type."""

    timeout: float | None = None  # seconds of one attempt
    retries: int | None = None
    backoff: float | None = None  # seconds before the first retry; doubled before each further one
    on_error: OnError = "fail"
    fallback: Mapping[str, Any] | None = None  # the output that stands when `on_error` is "fallback"
    unknown: Unknown | None = None  # what follows a call whose outcome is not known
    join: Join = "all"  # whether it waits for all ways into it, or goes with the first that is taken


@dataclass(frozen=True)
class Variable:
    """A value that all nodes may read as `vars.name`."""

    name: str
    schema: Mapping[str, Any]
    value: Any = None
    title: Any = ""


@dataclass(frozen=True)
class Limits:
    """What one run may use up; None: as much as the installation allows."""

    seconds: int | None = None
    cost_micro: int | None = None
    steps: int | None = None


@dataclass(frozen=True)
class Node:
    """One node: `inputs` are templates over earlier nodes' outputs, `config` is the node type's own."""

    id: str
    type: str
    title: Any = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    policy: Policy = Policy()
    note: str = ""


@dataclass(frozen=True)
class Edge:
    """`when` names the way out of the source that the edge belongs to, such as "true"; "" is the only or usual one."""

    source: str
    target: str
    when: str = ""


@dataclass(frozen=True)
class Graph:
    """A pipeline's nodes and edges."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    variables: tuple[Variable, ...] = ()
    limits: Limits = Limits()

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


class GraphInvalid(ValueError):
    """The JSON is no graph. `mistakes` say where and why; as text it is the first of them."""

    def __init__(self, mistakes: Sequence[Misshapen]) -> None:
        self.mistakes = mistakes
        super().__init__(": ".join(filter(None, (mistakes[0].pointer, mistakes[0].message))))


def parse_graph(raw: Any) -> Graph:
    """The graph of its JSON; one without `schema` is of the first version and means the same in the second.

    Raises `GraphInvalid`, a `ValueError`, when anything in it is of another shape or not known.
    """
    if mistakes := misshapen(raw):
        raise GraphInvalid(mistakes)
    return Graph(
        nodes=tuple(_node(node) for node in raw.get("nodes", [])),
        edges=tuple(Edge(**edge) for edge in raw.get("edges", [])),
        variables=tuple(Variable(**variable) for variable in raw.get("variables", [])),
        limits=Limits(**{name: int(limit) for name, limit in raw.get("limits", {}).items()}),
    )


def _node(raw: Mapping[str, Any]) -> Node:
    if "policy" not in raw:
        return Node(**raw)
    policy = dict(raw["policy"])
    if "retries" in policy:
        policy["retries"] = int(policy["retries"])  # 2.0 is an integer in JSON
    return Node(**{**raw, "policy": Policy(**policy)})


def readable_graph(raw: Any) -> Graph:
    """As much as can be read of a draft's JSON, which may be nothing at all; the checks say what is wrong with it."""
    try:
        return parse_graph(readable(raw))
    except ValueError:
        return Graph((), ())
