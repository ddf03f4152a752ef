"""What a run may use up: its limits can be kept, and its worst case stays below them."""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from apps.pipelines.cost import worst_case
from apps.pipelines.validator.problems import GraphProblem, rule
from apps.pipelines.validator.subject import Subject

COST_LIMIT = rule("E_COST_LIMIT", _("At worst a run costs %(worst)s micro-credits; the limit is %(limit)s."))
COST_UNKNOWN = rule(
    "E_COST_UNKNOWN",
    _("What this step costs at worst is not known, so the limit can only be watched while it runs."),
    "warning",
)
LIMIT_STEPS = rule("E_LIMIT_STEPS", _("Even the shortest way has %(steps)s steps; the limit is %(limit)s."))


def _costs(subject: Subject) -> Iterator[GraphProblem]:
    limit = subject.graph.limits.cost_micro
    if limit is None or subject.lineage is None:
        return
    worst = worst_case(subject)
    if worst.micro > limit:
        yield COST_LIMIT.at(field="limits.cost_micro", worst=worst.micro, limit=limit)
    for node_id in worst.unknown:
        yield COST_UNKNOWN.at(node_id)


def _steps(subject: Subject) -> Iterator[GraphProblem]:
    limit = subject.graph.limits.steps
    shortest = _shortest(subject)
    if limit is not None and shortest is not None and shortest > limit:
        yield LIMIT_STEPS.at(field="limits.steps", steps=shortest, limit=limit)


def _shortest(subject: Subject) -> int | None:
    """The number of nodes on the shortest path from start to end."""
    graph, steps = subject.graph, {subject.graph.of_type("start")[0].id: 1}
    for node_id in graph.order:
        before = [steps[edge.source] for edge in graph.incoming.get(node_id, []) if edge.source in steps]
        if before:
            steps[node_id] = min(before) + 1
    return steps.get(graph.of_type("end")[0].id)


CHECKS = (_costs, _steps)
