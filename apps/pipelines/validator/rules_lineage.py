"""References: to nodes that are there, have run on every path that leads here, and give what is asked of them."""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from apps.pipelines.graph import Node
from apps.pipelines.nodes.base import known_names
from apps.pipelines.validator.lineage import FAILED, Lineage
from apps.pipelines.validator.problems import GraphProblem, rule
from apps.pipelines.validator.subject import Reading, Subject
from apps.pipelines.wiring import Path, choice_of

RUN = frozenset({"id", "feature", "user", "language", "started_at"})
ERROR = frozenset({"code", "message", "node"})

TEMPLATE = rule("E_TEMPLATE", _("The template cannot be used."))
UNKNOWN = rule("E_REFERENCE_UNKNOWN", _("There is no node “%(id)s”."))
LATER = rule("E_REFERENCE_LATER", _("“%(id)s” does not come before this node."))
SKIPPED = rule("E_REFERENCE_SKIPPED", _("“%(id)s” does not run on every path that leads here."))
FAILING = _("“%(id)s” may have failed on a path that leads here, and then has no “%(name)s”.")
UNFAILED = _("“%(id)s” has an “error” only behind its way “error”.")
NO_ERROR = _("There is no error here: no way “error” leads to this node on every path.")
OUTPUT = rule("E_REFERENCE_OUTPUT", _("“%(id)s” produces no “%(name)s”."))
VARIABLE = rule("E_REFERENCE_VARIABLE", _("There is no variable “%(name)s” in this pipeline."))
RUN_FIELD = _("“run” has no “%(name)s”; it has: %(names)s.")
ITEM = _("An item of a list is known to the start of the pipeline that is run for it: use its fields.")


def _templates(subject: Subject) -> Iterator[GraphProblem]:
    for node, name, error in subject.unreadable:
        yield TEMPLATE.at(node.id, f"inputs.{name}", words=error.text())


def _references(subject: Subject) -> Iterator[GraphProblem]:
    if subject.lineage is None:
        return  # told already
    told: set[tuple[str, str, Path]] = set()
    for reading in subject.readings:
        for path in sorted(reading.paths):
            place = (reading.node.id, reading.name, path)
            if place not in told:
                told.add(place)
                yield from _judged(subject, subject.lineage, reading, path)


def _judged(subject: Subject, lineage: Lineage, reading: Reading, path: Path) -> Iterator[GraphProblem]:
    node, field = reading.node, reading.field
    root, name = path[0], ".".join(path[1:])
    if root == "vars":
        if len(path) > 1 and path[1] not in {variable.name for variable in subject.graph.variables}:
            yield VARIABLE.at(node.id, field, name=path[1])
    elif root == "run":
        if len(path) > 1 and path[1] not in RUN:
            yield VARIABLE.at(node.id, field, words=RUN_FIELD, name=path[1], names=", ".join(sorted(RUN)))
    elif root == "error":
        yield from _errors(subject, lineage, reading, path)
    elif root == "item":
        yield UNKNOWN.at(node.id, field, words=ITEM)
    elif (source := subject.graph.by_id.get(root)) is None:
        yield UNKNOWN.at(node.id, field, id=root)
    elif source.id == node.id or not lineage.comes_before(source.id, node.id):
        yield LATER.at(node.id, field, id=root)
    elif not _has_run(lineage, reading, source):
        yield SKIPPED.at(node.id, field, id=root)
    else:
        yield from _given(subject, lineage, reading, source, name)


def _has_run(lineage: Lineage, reading: Reading, source: Node) -> bool:
    """Whether it runs on every path that leads here; of a choice, whether one of the choices does."""
    if lineage.always_with(reading.node.id, source.id):
        return True
    options = choice_of(reading.text) if reading.is_choice else None
    if options is None:
        return False
    if any(isinstance(option, list) for option in options):
        return True
    runs = 0
    for option in options:
        runs |= lineage.active.get(option[0], lineage.all)
    return lineage.active[reading.node.id] & ~runs == 0


def _given(subject: Subject, lineage: Lineage, reading: Reading, source: Node, name: str) -> Iterator[GraphProblem]:
    node, field = reading.node, reading.field
    first = name.partition(".")[0]
    failed = lineage.gone(source.id, FAILED) & lineage.active[node.id]
    if first == FAILED and source.policy.on_error == "continue":
        if lineage.active[node.id] & ~failed:
            yield SKIPPED.at(node.id, field, words=UNFAILED, id=source.id)
        return
    if failed and not reading.is_choice:
        yield SKIPPED.at(node.id, field, words=FAILING, id=source.id, name=name)
    known = known_names(subject.produces(source))
    if known is not None and first and first not in known:
        yield OUTPUT.at(node.id, field, id=source.id, name=name)


def _errors(subject: Subject, lineage: Lineage, reading: Reading, path: Path) -> Iterator[GraphProblem]:
    """`error.message` is there where every path comes through some way called "error"."""
    failed = 0
    for node in subject.graph.nodes:
        if node.policy.on_error == "continue" and lineage.comes_before(node.id, reading.node.id):
            failed |= lineage.gone(node.id, FAILED)
    if lineage.active[reading.node.id] & ~failed:
        yield UNKNOWN.at(reading.node.id, reading.field, words=NO_ERROR)
    elif len(path) > 1 and path[1] not in ERROR:
        yield OUTPUT.at(reading.node.id, reading.field, id="error", name=".".join(path[1:]))


CHECKS = (_templates, _references)
