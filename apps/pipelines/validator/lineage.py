"""Which nodes run together: every combination of outcomes at once, as the bits of whole numbers.

Each node that decides (a condition, a switch, a step that may fail and go on) adds a digit to the number of an
outcome; a set of outcomes is one Python integer with a bit for each. So "b runs whenever a runs" is one subtraction of
sets, where it was a walk for each combination.
"""

from collections.abc import Mapping
from typing import Final

from apps.pipelines.graph import Edge, Graph

MAX_CONDITIONS: Final = 16  # with two ways each
MAX_OUTCOMES: Final = 2**MAX_CONDITIONS  # a set of outcomes has 8 KB then
FAILED: Final = "error"  # the way of a step that failed and goes on


class TooManyOutcomes(ValueError):
    """More combinations than anybody could look at."""


class Lineage:
    """What runs when, in a graph without circles. `ways` are the ways out of every node.

    Raises `TooManyOutcomes`.
    """

    def __init__(self, graph: Graph, ways: Mapping[str, tuple[str, ...]]) -> None:
        self._graph, self._ways = graph, ways
        self._number = {node_id: number for number, node_id in enumerate(graph.order)}
        self._masks = self._digits()
        self.active: dict[str, int] = {}  # the outcomes in which a node runs
        self._before: dict[str, int] = {}  # the nodes before it, as bits
        for node_id in graph.order:
            self._look_at(node_id)

    def _digits(self) -> dict[tuple[str, str], int]:
        """The outcomes in which a node goes a certain way."""
        deciding = {node_id: self._ways[node_id] for node_id in self._graph.order if len(self._ways[node_id]) > 1}
        self.outcomes = 1
        for ways in deciding.values():
            self.outcomes *= len(ways)
            if self.outcomes > MAX_OUTCOMES:
                raise TooManyOutcomes
        self.all = (1 << self.outcomes) - 1
        masks, stride = {}, 1
        for node_id, ways in deciding.items():
            period = stride * len(ways)
            repeated = self.all // ((1 << period) - 1)
            for place, way in enumerate(ways):
                masks[node_id, way] = (((1 << stride) - 1) << (place * stride)) * repeated
            stride = period
        return masks

    def _look_at(self, node_id: str) -> None:
        edges = self._graph.incoming.get(node_id, [])
        active, before = (0, 0) if edges else (self.all, 0)
        for edge in edges:
            active |= self.taken(edge)
            before |= self._before[edge.source] | (1 << self._number[edge.source])
        self.active[node_id], self._before[node_id] = active, before

    def taken(self, edge: Edge) -> int:
        """The outcomes in which `edge` is gone."""
        if len(self._ways[edge.source]) < 2:
            return self.active[edge.source] if edge.when == "" else 0
        always = self.all if edge.when == "" else 0  # an edge that does not say which way; the rules tell
        return self.active[edge.source] & self._masks.get((edge.source, edge.when), always)

    def gone(self, node_id: str, way: str) -> int:
        """The outcomes in which the node runs and goes this way."""
        return self.active[node_id] & self._masks.get((node_id, way), 0)

    def comes_before(self, earlier: str, later: str) -> bool:
        """Whether some path leads from the one to the other."""
        return bool(self._before[later] >> self._number[earlier] & 1)

    def always_with(self, node_id: str, other: str) -> bool:
        """Whether `other` runs whenever `node_id` runs."""
        return self.active[node_id] & ~self.active[other] == 0

    def before(self, node_id: str) -> list[str]:
        """Every node from which a path leads here, in topological order."""
        bits = self._before[node_id]
        return [other for other in self._graph.order if bits >> self._number[other] & 1]
