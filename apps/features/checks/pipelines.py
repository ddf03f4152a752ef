"""The pipeline and its sub-pipelines: each is sound, all are there, and none runs itself."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from apps.core.chains import is_circle, longest_chain
from apps.core.publishing.registry import Problem
from apps.features.checks.graphs import graphs_of
from apps.pipelines.nodes import needs_of
from apps.pipelines.parts import MAX_DEPTH, pipelines_named
from apps.pipelines.validator import GraphProblem, validate

# The validator only sees that a tool is not among the parts; `checks.tools` knows why and says that instead.
_TOLD_ELSEWHERE = frozenset({"E_TOOL_UNKNOWN"})


def graphs_valid(payload: dict[str, Any]) -> Iterator[Problem]:
    """What the validator says of each graph."""
    for placed in graphs_of(payload):
        for problem in validate(placed.raw, placed.parts):
            if problem.code not in _TOLD_ELSEWHERE:
                yield Problem(problem.code, _path(placed.path, problem), problem.message, problem.severity)


def _path(pipeline: str, problem: GraphProblem) -> str:
    if problem.code == "E_GRAPH_SHAPE":
        return f"{pipeline}/graph{problem.field}" if problem.field else pipeline
    return f"{pipeline}/{problem.node}/{problem.field}".rstrip("/")


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
