"""The most that one run can cost, as far as it is known before it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from apps.pipelines.graph import Graph, Node, readable_graph
from apps.pipelines.validator.subject import Subject

MAX_SETS: Final = 256  # of outcomes that are told apart by what they cost


@dataclass(frozen=True)
class WorstCase:
    """What is known of the most that a run costs; `unknown` are the nodes of which nothing is."""

    micro: int
    unknown: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return {"worst_micro": self.micro, "unknown": list(self.unknown)}


def worst_case(subject: Subject, *, above: frozenset[str] = frozenset()) -> WorstCase:
    """The worst of all outcomes, with retries, items of lists and the pipelines that nodes run.

    `above` are the pipelines that it is run by: a circle costs nothing here, it is told elsewhere.
    """
    costs = {node.id: _of_node(subject, node, above) for node in subject.graph.nodes}
    unknown = tuple(node_id for node_id, cost in costs.items() if cost is None)
    return WorstCase(_dearest(subject, {node_id: cost for node_id, cost in costs.items() if cost}), unknown)


def _of_node(subject: Subject, node: Node, above: frozenset[str]) -> int | None:
    config = subject.configs.get(node.id)
    if config is None:
        return None
    inner = subject.needs(node).pipelines
    once = _of_inner(subject, inner, above) if inner else subject.kind(node).worst_cost(config, subject.parts)
    tries = 1 + (subject.kind(node).retries if node.policy.retries is None else node.policy.retries)
    return None if once is None else once * tries * (_items(subject, node) if inner else 1)


def _of_inner(subject: Subject, keys: frozenset[str], above: frozenset[str]) -> int | None:
    """The sum over the pipelines that a node runs; None where one of them is not known."""
    total = 0
    for key in keys:
        cost = worst_cost_of(key, subject.parts, above=above)
        if cost is None:
            return None
        total += cost
    return total


def worst_cost_of(key: str, parts: Mapping[str, Any], *, above: frozenset[str] = frozenset()) -> int | None:
    """The most that one run of the pipeline `key` of `parts` costs; None when that is not known."""
    found = parts.get("pipelines", {}).get(key)
    if found is None or key in above:
        return None
    return worst_cost(readable_graph(found["graph"]), parts, above=above | {key})


def worst_cost(graph: Graph, parts: Mapping[str, Any], *, above: frozenset[str] = frozenset()) -> int | None:
    """The most that one run of `graph` costs, in micro-credits; None when that is not known."""
    from apps.pipelines.validator import subject_of  # the validator asks here, too

    subject = subject_of(graph, {name: part for name, part in parts.items() if name != "form"})
    if subject is None or subject.lineage is None:
        return None
    worst = worst_case(subject, above=above)
    return None if worst.unknown else worst.micro


def _items(subject: Subject, node: Node) -> int:
    """How many items a node that runs a pipeline takes; 1 where it takes no list."""
    fields = subject.accepts(node).get("properties", {})
    counts = [field.get("maxItems") for field in fields.values() if isinstance(field, Mapping)]
    return max((count for count in counts if isinstance(count, int)), default=1)


def _dearest(subject: Subject, costs: Mapping[str, int]) -> int:
    """The dearest outcome: outcomes are told apart only where their costs differ.

    With very many different sums, branches that exclude each other are added up: too much rather than too little.
    """
    lineage = subject.lineage
    if lineage is None:
        return sum(costs.values())
    sums = {0: lineage.all}  # outcomes by what they cost so far
    for node_id, cost in costs.items():
        active, after = lineage.active[node_id], dict[int, int]()
        for total, outcomes in sums.items():
            for amount, some in ((total + cost, outcomes & active), (total, outcomes & ~active)):
                if some:
                    after[amount] = after.get(amount, 0) | some
        sums = after
        if len(sums) > MAX_SETS:
            return sum(costs.values())
    return max(sums)
