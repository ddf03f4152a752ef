"""Which ways lead where: everything is reached, everything ends, every outcome goes on, and branches come together."""

from collections.abc import Iterator
from itertools import combinations

from django.utils.translation import gettext_lazy as _

from apps.pipelines.graph import Node
from apps.pipelines.validator.lineage import MAX_OUTCOMES, Lineage
from apps.pipelines.validator.problems import GraphProblem, rule
from apps.pipelines.validator.subject import Subject

UNREACHABLE = rule("E_UNREACHABLE", _("No path from the start leads here."))
DANGLING = rule("E_DANGLING", _("No path from here leads to the end."))
INCOMPLETE = rule("E_BRANCH_INCOMPLETE", _("Nothing follows when this step goes the way %(ways)s."))
UNEXPECTED = rule("E_BRANCH_UNEXPECTED", _("This step has no way “%(way)s”; it has: %(ways)s."))
NO_WAY = _("Nothing can follow this step.")
UNNAMED = _("The connection has to say which way it belongs to: %(ways)s.")
TOO_MANY = rule("E_TOO_MANY_CONDITIONS", _("More than %(max)s combinations of outcomes: use fewer conditions."))
JOIN_MISSING = rule(
    "E_JOIN_MISSING",
    _("“%(a)s” and “%(b)s” can both lead to the end, which waits for the first alone: the other would be cut off."),
)
JOIN_AMBIGUOUS = rule(
    "E_JOIN_AMBIGUOUS",
    _("This step goes with the first way that is taken: “%(id)s” may not have finished by then."),
)
UNUSED = rule("E_NODE_UNUSED", _("Nobody uses what this step gives."), "warning")


def _dangling(subject: Subject) -> Iterator[GraphProblem]:
    graph = subject.graph
    after_start = graph.reachable_from(graph.of_type("start")[0].id)
    before_end = graph.reachable_from(graph.of_type("end")[0].id, backwards=True)
    for node in graph.nodes:
        if node.id not in after_start:
            yield UNREACHABLE.at(node.id)
        elif node.id not in before_end:
            yield DANGLING.at(node.id)


def _branches(subject: Subject) -> Iterator[GraphProblem]:
    for node in subject.graph.nodes:
        ways = subject.ways[node.id]
        taken = dict.fromkeys(edge.when for edge in subject.graph.outgoing.get(node.id, []))
        missing = [way for way in ways if way not in taken] if len(ways) > 1 else []
        if missing:
            yield INCOMPLETE.at(node.id, ways=_named(missing))
        yield from _unexpected(node, ways, [way for way in taken if way not in ways])


def _unexpected(node: Node, ways: tuple[str, ...], others: list[str]) -> Iterator[GraphProblem]:
    for way in others:
        if not ways:
            yield UNEXPECTED.at(node.id, words=NO_WAY)
        elif way == "":
            yield UNEXPECTED.at(node.id, words=UNNAMED, ways=_named(ways))
        else:
            yield UNEXPECTED.at(node.id, way=way[:64], ways=_named(ways))


def _named(ways: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"“{way}”" if way else "—" for way in ways)


def _outcomes(subject: Subject) -> Iterator[GraphProblem]:
    if subject.lineage is None:
        yield TOO_MANY.at(max=MAX_OUTCOMES)


def _joins(subject: Subject) -> Iterator[GraphProblem]:
    lineage = subject.lineage
    for node in subject.graph.nodes if lineage else ():
        if lineage is None or node.policy.join != "any":
            continue
        if not subject.ways[node.id]:
            yield from _cut_off(subject, lineage, node)
        yield from _unfinished(subject, lineage, node)


def _cut_off(subject: Subject, lineage: Lineage, end: Node) -> Iterator[GraphProblem]:
    """Ways into the end that can be gone in the same run."""
    edges = subject.graph.incoming.get(end.id, [])
    for a, b in combinations(edges, 2):
        if a.source != b.source and lineage.taken(a) & lineage.taken(b):
            yield JOIN_MISSING.at(end.id, "policy.join", a=a.source, b=b.source)
            return


def _unfinished(subject: Subject, lineage: Lineage, node: Node) -> Iterator[GraphProblem]:
    """Nodes that it reads, and that do not come before each of the ways into it."""
    sources = [edge.source for edge in subject.graph.incoming.get(node.id, [])]
    for reading in subject.readings:
        if reading.node is not node or reading.is_choice:
            continue
        for other in sorted({path[0] for path in reading.paths} & subject.graph.by_id.keys()):
            if not all(other == source or lineage.comes_before(other, source) for source in sources):
                yield JOIN_AMBIGUOUS.at(node.id, reading.field, id=other)


def _unused(subject: Subject) -> Iterator[GraphProblem]:
    """A step that changes nothing, decides nothing, and whose output nobody reads."""
    for node in subject.graph.nodes:
        kind, ways = subject.kind(node), subject.ways[node.id]
        idle = kind.effect != "effect" and len(ways) == 1 and kind.category not in ("flow", "people")
        if idle and node.id not in subject.read and subject.produces(node) is not None:
            yield UNUSED.at(node.id)


CHECKS = (_dangling, _branches, _outcomes, _joins, _unused)
