"""The pipeline and its sub-pipelines: each is sound, all are there, and none runs itself."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from apps.core.chains import is_circle, longest_chain
from apps.core.publishing.registry import Problem
from apps.features.checks.fields import escaped
from apps.features.checks.graphs import graphs_of
from apps.pipelines.nodes import needs_of
from apps.pipelines.parts import MAX_DEPTH, pipelines_named, repeatable_tools
from apps.pipelines.validator import GraphProblem, validate

# These are told by checks that see the whole payload, once and with their places: `pipelines_end` and `checks.tools`.
_TOLD_ELSEWHERE = frozenset({"E_TOOL_UNKNOWN", "E_PIPELINE_UNKNOWN", "E_PIPELINE_CYCLE", "E_PIPELINE_DEPTH"})
_OF_THE_RESULT = frozenset({"E_OUTPUT_UNCOVERED", "E_OUTPUT_TYPE"})


def graphs_valid(payload: dict[str, Any]) -> Iterator[Problem]:
    """What the validator says of each graph; the main one delivers the result."""
    told = {
        "repeatable_tools": repeatable_tools(set(payload["tools"])),
        "hosts": getattr(settings, "PIPELINE_HOSTS", []),
    }
    for placed in graphs_of(payload):
        parts = {**placed.parts, **told}
        if placed.path == "/pipeline":
            parts["output"] = payload["output"]["schema"]
        for problem in validate(placed.raw, parts):
            if problem.code not in _TOLD_ELSEWHERE:
                yield Problem(problem.code, _path(placed.path, problem), problem.message, problem.severity)


def _path(pipeline: str, problem: GraphProblem) -> str:
    if problem.code == "E_GRAPH_SHAPE":
        return f"{pipeline}/graph{problem.field}" if problem.field else pipeline
    if problem.code in _OF_THE_RESULT:
        return f"/output/schema/properties/{escaped(problem.field.removeprefix('inputs.'))}"
    return "/".join(part for part in (pipeline, problem.node, problem.field) if part)


def pipelines_end(payload: dict[str, Any]) -> Iterator[Problem]:
    """Pipelines that run pipelines exist, do so without a circle, and not too deep."""
    placed = {one.key: one for one in graphs_of(payload)}
    for one in placed.values():
        for node in one.graph.nodes:
            for name in sorted(needs_of(node).pipelines - placed.keys()):
                words = _("There is no pipeline “%(key)s”.") % {"key": name}
                yield Problem("E_PIPELINE_UNKNOWN", f"{one.path}/{node.id}/config.pipeline", words)
    following = {key: sorted(pipelines_named(one.graph)) for key, one in placed.items()}
    chain = longest_chain(payload["pipeline"]["key"], lambda key: following.get(key, []))
    told = {"chain": " → ".join(chain), "max": MAX_DEPTH}
    if is_circle(chain):
        text = _("These pipelines run each other in a circle: %(chain)s.") % told
        yield Problem("E_PIPELINE_CYCLE", "/pipeline", text)
    elif len(chain) - 1 > MAX_DEPTH:
        text = _("Pipelines run each other more than %(max)s deep: %(chain)s.") % told
        yield Problem("E_PIPELINE_DEPTH", "/pipeline", text)
