"""Nodes give prompts what they need, and of the right type as far as it is known."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import ApiError
from apps.core.publishing.registry import Problem
from apps.features.checks.graphs import PlacedGraph, graphs_of
from apps.pipelines.graph import Node
from apps.pipelines.nodes import needs_of
from apps.pipelines.output_types import known_types
from apps.prompts.variables import TYPES, Variable, needed_by

_ACCEPTED = {"number": frozenset({"number", "integer"})}


def variables_bound(payload: dict[str, Any]) -> Iterator[Problem]:
    """Every prompt node binds what its prompt, and what that includes, cannot do without."""
    for placed in graphs_of(payload):
        for node in placed.graph.nodes:
            for variable in _needed(node, payload["prompts"]):
                yield from _unbound(placed, node, variable)
                yield from _mistyped(placed, node, variable)


def _needed(node: Node, prompts: dict[str, Any]) -> list[Variable]:
    named = (prompts[name] for name in sorted(needs_of(node).prompts & prompts.keys()))
    try:
        return [variable for prompt in named for variable in needed_by(prompt, prompts)]
    except ApiError:
        return []  # a template that cannot be read was told already


def _unbound(placed: PlacedGraph, node: Node, variable: Variable) -> Iterator[Problem]:
    bound = variable["name"] in node.inputs or "default" in variable
    if variable.get("required", True) and not bound:
        words = _("The prompt needs “%(name)s”, and the node gives it nothing.") % {"name": variable["name"]}
        yield Problem("E_VARIABLE_UNBOUND", f"{placed.path}/{node.id}/inputs", words)


def _mistyped(placed: PlacedGraph, node: Node, variable: Variable) -> Iterator[Problem]:
    name, kind = variable["name"], variable.get("type")
    if name not in node.inputs or not isinstance(kind, str) or kind not in TYPES:
        return
    known = known_types(node.inputs[name], placed.graph, placed.parts)
    if known and not known & _ACCEPTED.get(kind, frozenset({kind})):
        words = _("The prompt wants “%(name)s” as %(wanted)s, and the node gives it %(given)s.")
        said = words % {"name": name, "wanted": kind, "given": ", ".join(sorted(known))}
        yield Problem("E_VARIABLE_MISTYPED", f"{placed.path}/{node.id}/inputs.{name}", said)
