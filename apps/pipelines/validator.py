"""Says what is wrong with a graph, node by node. Drafts may be wrong; releases may not."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any, Literal

from django.utils.translation import gettext as _
from pydantic import ValidationError

from apps.core.errors import ApiError
from apps.pipelines.graph import RESERVED_IDS, Graph, GraphInvalid, Node, parse_graph
from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.base import known_names
from apps.pipelines.wiring import references

MAX_NODES = 300
MAX_CONDITIONS = 10  # every combination of outcomes is looked at: 1,024 at the most
_ID = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True)
class GraphProblem:
    """One thing to mend: a stable code, words, and where.

    `field` is a path below the node (`config.model`, `inputs.text`). Of a graph that cannot be read it is a JSON
    pointer into the graph, and `node` is told where the node has an id. Only an error stands in the way of a release.
    """

    code: str
    message: str
    node: str = ""
    field: str = ""
    severity: Literal["error", "warning"] = "error"

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def validate(raw: Any, parts: Mapping[str, Any] | None = None) -> list[GraphProblem]:
    """Every problem of the graph. `parts` (form, prompts, tools) sharpens what can be said of references."""
    try:
        graph = parse_graph(raw)
    except GraphInvalid as exc:
        return [GraphProblem("E_GRAPH_SHAPE", one.message, one.node, one.pointer) for one in exc.mistakes]
    if len(graph.nodes) > MAX_NODES:
        return [GraphProblem("E_TOO_MANY_NODES", _("More than %(max)s nodes.") % {"max": MAX_NODES})]
    problems = [problem for rule in _SHAPE_RULES for problem in rule(graph)]
    if problems:
        return problems  # the rules below rely on a sound graph
    return [p for rule in _MEANING_RULES for p in rule(graph, parts or {})]


# --- shape ---------------------------------------------------------------------------------------


def _ids(graph: Graph) -> Iterator[GraphProblem]:
    for node_id, count in Counter(node.id for node in graph.nodes).items():
        if count > 1:
            yield GraphProblem("E_NODE_DUPLICATE", _("Two nodes have this id."), node_id)
        if not _ID.fullmatch(node_id):
            words = _("An id starts with a letter and holds lower-case letters, digits and underscores.")
            yield GraphProblem("E_NODE_ID", words, node_id)
        if node_id in RESERVED_IDS:
            words = _("“%(id)s” means something else in references; choose another id.") % {"id": node_id}
            yield GraphProblem("E_NODE_ID", words, node_id)


def _types(graph: Graph) -> Iterator[GraphProblem]:
    for node in graph.nodes:
        if node.type not in node_types():
            yield GraphProblem("E_NODE_TYPE", _("There is no node type “%(type)s”.") % {"type": node.type}, node.id)


def _one_start_one_end(graph: Graph) -> Iterator[GraphProblem]:
    for kind, code in (("start", "E_START"), ("end", "E_END")):
        if len(graph.of_type(kind)) != 1:
            yield GraphProblem(code, _("A pipeline has exactly one %(kind)s node.") % {"kind": kind})


def _edges(graph: Graph) -> Iterator[GraphProblem]:
    for edge in graph.edges:
        for end in (edge.source, edge.target):
            if end not in graph.by_id:
                yield GraphProblem("E_EDGE_UNKNOWN", _("An edge leads to or from nothing."), end)
        if edge.source == edge.target:
            yield GraphProblem("E_EDGE_LOOP", _("A node cannot follow itself."), edge.source)
    for edge, count in Counter(graph.edges).items():
        if count > 1:
            yield GraphProblem("E_EDGE_DUPLICATE", _("This connection exists twice."), edge.source)


def _cycles(graph: Graph) -> Iterator[GraphProblem]:
    on_cycle = sorted(set(graph.by_id) - set(graph.order))
    for node_id in on_cycle:
        yield GraphProblem("E_CYCLE", _("This node is part of, or behind, a circle."), node_id)


_SHAPE_RULES: list[Callable[[Graph], Iterator[GraphProblem]]] = [
    _ids,
    _types,
    _one_start_one_end,
    _edges,
    _cycles,
]


# --- meaning -------------------------------------------------------------------------------------


def _dangling(graph: Graph, parts: Mapping[str, Any]) -> Iterator[GraphProblem]:
    after_start = graph.reachable_from(graph.of_type("start")[0].id)
    before_end = graph.reachable_from(graph.of_type("end")[0].id, backwards=True)
    for node in graph.nodes:
        if node.id not in after_start:
            yield GraphProblem("E_UNREACHABLE", _("No path from the start leads here."), node.id)
        elif node.id not in before_end:
            yield GraphProblem("E_DANGLING", _("No path from here leads to the end."), node.id)


def _configs(graph: Graph, parts: Mapping[str, Any]) -> Iterator[GraphProblem]:
    for node in graph.nodes:
        kind = node_types()[node.type]
        try:
            config = kind.Config.model_validate(dict(node.config))
        except ValidationError as exc:
            for error in exc.errors():
                field = ".".join(map(str, error["loc"]))
                yield GraphProblem("E_CONFIG", f"{field}: {error['msg']}", node.id, f"config.{field}")
            continue
        for field, mistake in kind.mistakes(config):
            yield GraphProblem(mistake.reason, mistake.text(), node.id, f"config.{field}")
        if node.type not in _TOLD_OF_THEIR_PARTS:
            yield from _missing_inputs(node, kind.accepts(config, parts))


# What these need is said by rules of their own, which know the prompt and the tool.
_TOLD_OF_THEIR_PARTS = frozenset({"prompt", "mcp_tool"})


def _missing_inputs(node: Node, schema: Mapping[str, Any]) -> Iterator[GraphProblem]:
    for name in schema.get("required", []):
        if name not in node.inputs:
            words = _("This step needs “%(name)s”.") % {"name": name}
            yield GraphProblem("E_INPUT_MISSING", words, node.id, f"inputs.{name}")


def _branches(graph: Graph, parts: Mapping[str, Any]) -> Iterator[GraphProblem]:
    for node in graph.nodes:
        outcomes = {edge.when for edge in graph.outgoing.get(node.id, [])}
        if node.type == "condition":
            if outcomes != {"true", "false"}:
                words = _("A condition needs a way for true and a way for false, and no other.")
                yield GraphProblem("E_BRANCH_INCOMPLETE", words, node.id)
        elif outcomes - {""}:
            yield GraphProblem("E_BRANCH_UNEXPECTED", _("Only a condition's edges depend on an outcome."), node.id)


def _parts_exist(graph: Graph, parts: Mapping[str, Any]) -> Iterator[GraphProblem]:
    for node in graph.nodes:
        if node.type == "prompt" and "prompts" in parts and str(node.config.get("prompt")) not in parts["prompts"]:
            yield GraphProblem("E_PROMPT_UNKNOWN", _("This prompt does not exist."), node.id, "config.prompt")
        address = f"{node.config.get('server')}/{node.config.get('tool')}"
        if node.type == "mcp_tool" and "tools" in parts:
            if address not in parts["tools"]:
                words = _("The tool %(tool)s is not known or not allowed.") % {"tool": address}
                yield GraphProblem("E_TOOL_UNKNOWN", words, node.id, "config.tool")
            else:
                yield from _tool_arguments(node, parts["tools"][address]["input_schema"])


def _tool_arguments(node: Node, schema: Mapping[str, Any]) -> Iterator[GraphProblem]:
    for name in schema.get("required", []):
        if name not in node.inputs:
            words = _("The tool needs “%(name)s”.") % {"name": name}
            yield GraphProblem("E_ARGUMENT_UNBOUND", words, node.id, f"inputs.{name}")
    for name in node.inputs:
        if name not in schema.get("properties", {}):
            words = _("The tool takes no “%(name)s”.") % {"name": name}
            yield GraphProblem("E_ARGUMENT_UNKNOWN", words, node.id, f"inputs.{name}")


def _references(graph: Graph, parts: Mapping[str, Any]) -> Iterator[GraphProblem]:
    together = _runs_together(graph)
    if together is None:
        yield GraphProblem("E_TOO_MANY_CONDITIONS", _("More than %(max)s conditions.") % {"max": MAX_CONDITIONS})
        return
    for node in graph.nodes:
        for field, template in node.inputs.items():
            yield from _input_problems(_Scope(graph, parts, together), node, field, template)


@dataclass(frozen=True)
class _Scope:
    """What references are judged by. `together` holds pairs (a, b) where b runs whenever a runs."""

    graph: Graph
    parts: Mapping[str, Any]
    together: set[tuple[str, str]]


def _input_problems(scope: _Scope, node: Node, field: str, template: Any) -> Iterator[GraphProblem]:
    where = f"inputs.{field}"
    try:
        paths = references(template)
    except ApiError as exc:
        yield GraphProblem("E_TEMPLATE", exc.text(), node.id, where)
        return
    for path in sorted(paths):
        if found := _reference_problem(scope, node, path):
            code, words = found
            name = ".".join(path[1:])
            yield GraphProblem(code, words % {"id": path[0], "name": name}, node.id, where)


def _reference_problem(scope: _Scope, node: Node, path: tuple[str, ...]) -> tuple[str, str] | None:
    source = scope.graph.by_id.get(path[0])
    if source is None:
        return "E_REFERENCE_UNKNOWN", _("There is no node “%(id)s”.")
    if source.id == node.id or source.id not in scope.graph.reachable_from(node.id, backwards=True):
        return "E_REFERENCE_LATER", _("“%(id)s” does not come before this node.")
    if (node.id, source.id) not in scope.together:
        return "E_REFERENCE_SKIPPED", _("“%(id)s” does not run on every path that leads here.")
    if not _produces(source, path, scope.parts):
        return "E_REFERENCE_OUTPUT", _("“%(id)s” produces no “%(name)s”.")
    return None


def _produces(source: Node, path: tuple[str, ...], parts: Mapping[str, Any]) -> bool:
    kind = node_types()[source.type]
    try:
        known = known_names(kind.produces(kind.Config.model_validate(dict(source.config)), parts))
    except ValidationError:
        return True  # said already, as a problem of the configuration
    return known is None or len(path) < 2 or path[1] in known


def _runs_together(graph: Graph) -> set[tuple[str, str]] | None:
    """Pairs (a, b) where b runs whenever a runs; None when there are too many conditions to look at."""
    conditions = [node.id for node in graph.of_type("condition")]
    if len(conditions) > MAX_CONDITIONS:
        return None
    always_with = {node_id: set(graph.by_id) for node_id in graph.by_id}
    for active in {frozenset(_active(graph, outcome)) for outcome in _outcomes(conditions)}:
        for node_id in active:
            always_with[node_id] &= active
    return {(a, b) for a, others in always_with.items() for b in others}


def _outcomes(conditions: list[str]) -> Iterator[dict[str, str]]:
    for outcome in product(("true", "false"), repeat=len(conditions)):
        yield dict(zip(conditions, outcome, strict=True))


def _active(graph: Graph, outcomes: Mapping[str, str]) -> set[str]:
    active: set[str] = set()
    for node_id in graph.order:
        incoming = graph.incoming.get(node_id, [])
        taken = any(e.source in active and e.when in ("", outcomes.get(e.source, "")) for e in incoming)
        if taken or not incoming:
            active.add(node_id)
    return active


_MEANING_RULES: list[Callable[[Graph, Mapping[str, Any]], Iterator[GraphProblem]]] = [
    _dangling,
    _configs,
    _branches,
    _parts_exist,
    _references,
]
