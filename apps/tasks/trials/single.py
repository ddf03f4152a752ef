"""One node alone: what it is given, and whether it can run by itself."""

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _

from apps.core.errors import ApiError
from apps.pipelines.graph import Graph, Node
from apps.pipelines.wiring import resolve
from apps.tasks.trials.errors import TrialInvalid

NEVER_ALONE: Final = ("start", "end")  # they only stand for what is before and behind


def node_of(graph: Graph, node_id: str) -> Node:
    """The node. Raises `TrialInvalid` for one that is not there or cannot be run alone."""
    node = graph.by_id.get(node_id)
    if node is None:
        raise TrialInvalid(
            what=_("the pipeline has no step “%(node)s”.") % {"node": node_id},
            details={"errors": [{"pointer": "/node", "code": "unknown", "message": _("There is no such step.")}]},
        )
    if node.type in NEVER_ALONE:
        raise TrialInvalid(what=_("“%(node)s” cannot be run alone.") % {"node": node_id})
    return node


def resolved(graph: Graph, node: Node, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The node's inputs, with `outputs` for what earlier nodes gave. Raises `TrialInvalid` for what is missing."""
    known = {**outputs, "vars": {variable.name: variable.value for variable in graph.variables}}
    found: dict[str, Any] = {}
    for name, template in node.inputs.items():
        try:
            found[name] = resolve(template, known)
        except ApiError as exc:
            raise _unknown(node, name, exc) from exc
    return found


def _unknown(node: Node, name: str, error: ApiError) -> TrialInvalid:
    what = _("the input “%(input)s” of “%(node)s” is not known. Give it, or pin the step that makes it. %(why)s")
    said = what % {"input": name, "node": node.id, "why": error.text()}
    pointed = {"pointer": f"/inputs/{name}", "code": error.reason, "message": error.text()}
    return TrialInvalid(what=said, details={"errors": [pointed]})
