"""Says what is wrong with a graph, node by node. Drafts may be wrong; releases may not.

The rules are in `rules_*`, by what they look at, and all of them in `RULES`. They know node types by what these say of
themselves (`ways`, `accepts`, `produces`, `needs`, `mistakes`, `worst_cost`), never by name; start and end alone are
part of what a graph is.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from apps.pipelines.graph import Graph, GraphInvalid, parse_graph
from apps.pipelines.nodes import node_types
from apps.pipelines.validator import (
    rules_config,
    rules_cost,
    rules_flow,
    rules_lineage,
    rules_parts,
    rules_policy,
    rules_shape,
    rules_types,
    rules_variables,
)
from apps.pipelines.validator.lineage import MAX_CONDITIONS
from apps.pipelines.validator.problems import RULES, GraphProblem, Rule
from apps.pipelines.validator.rules_shape import MAX_NODES
from apps.pipelines.validator.subject import Subject

__all__ = ["MAX_CONDITIONS", "MAX_NODES", "RULES", "GraphProblem", "Rule", "Subject", "subject_of", "validate"]

Check = Callable[[Subject], Iterator[GraphProblem]]

# In the order of telling.
CHECKS: tuple[Check, ...] = (
    *rules_flow.CHECKS,
    *rules_config.CHECKS,
    *rules_policy.CHECKS,
    *rules_parts.CHECKS,
    *rules_variables.CHECKS,
    *rules_lineage.CHECKS,
    *rules_types.CHECKS,
    *rules_cost.CHECKS,
)


def validate(raw: Any, parts: Mapping[str, Any] | None = None) -> list[GraphProblem]:
    """Every problem of the graph, by what is known of its `parts`; what is not in them is not judged.

    `form`, `output`: schemas of what the start is given and the end has to deliver. `prompts`, `tools`, `pipelines`: as
    a release holds them; `refused_tools`: reasons (codes) by address. `key`: of the pipeline itself. `answers`: who
    answers a route ("real", "mock", "none"), by capability and model. `hosts`: those that may be called.
    """
    try:
        graph = parse_graph(raw)
    except GraphInvalid as exc:
        return [rules_shape.SHAPE.at(one.node, one.pointer, words=one.message) for one in exc.mistakes]
    return judged(graph, parts or {})


def judged(graph: Graph, parts: Mapping[str, Any]) -> list[GraphProblem]:
    """Every problem of a graph that can be read. When its shape is not sound, that alone is told."""
    if too_large := list(rules_shape.too_large(graph)):
        return too_large
    if problems := [problem for check in rules_shape.CHECKS for problem in check(graph)]:
        return problems  # the rules below rely on a sound graph
    subject = Subject(graph, parts)
    return [problem for check in CHECKS for problem in check(subject)]


def subject_of(graph: Graph, parts: Mapping[str, Any]) -> Subject | None:
    """What can be asked of a graph; None when its shape does not let it."""
    known = all(node.type in node_types() for node in graph.nodes)
    if not known or list(rules_shape.too_large(graph)) or any(rules_shape.unsound(graph)):
        return None
    return Subject(graph, parts)
