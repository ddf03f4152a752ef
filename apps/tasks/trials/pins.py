"""Outputs that stand in for nodes: saved pins, and those that a case brings along."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from apps.pipelines.graph import Graph, Node
from apps.pipelines.models import Pipeline, PipelinePin
from apps.pipelines.nodes import node_types
from apps.tasks.trials.errors import TrialInvalid


@dataclass(frozen=True)
class Standins:
    """What stands in for which node: `{node: {"output": …, "branch": …}}`, and the files that are named in there."""

    by_node: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    files: tuple[str, ...] = ()


def pins_of(pipeline: Pipeline, names: Iterable[str]) -> dict[str, PipelinePin]:
    """The pins with these names, by name. Raises `TrialInvalid` for one that is not there."""
    wanted = set(names)
    found = {pin.name: pin for pin in PipelinePin.objects.filter(pipeline=pipeline, name__in=wanted)} if wanted else {}
    if missing := sorted(wanted - found.keys()):
        raise TrialInvalid(what=_("there is no pin “%(pin)s”.") % {"pin": missing[0]})
    return found


def standins(
    pipeline: Pipeline, graph: Graph, pins: Mapping[str, str], mocks: Mapping[str, Any] | None = None
) -> Standins:
    """What `pins` (names by node) and `mocks` (outputs by node) put in the place of nodes of `graph`.

    Raises `TrialInvalid` for a pin or a node that is not there.
    """
    found = pins_of(pipeline, pins.values())
    outputs = {**(mocks or {}), **{node: found[name].output for node, name in pins.items()}}
    by_node = {node: _standin(graph, node, output) for node, output in outputs.items()}
    files = [file for name in pins.values() for file in found[name].files]
    return Standins(by_node, tuple(dict.fromkeys(map(str, files))))


def _standin(graph: Graph, node_id: str, output: Any) -> dict[str, Any]:
    node = graph.by_id.get(node_id)
    if node is None or node.type in ("start", "end"):
        raise TrialInvalid(what=_("nothing can stand in for “%(node)s”.") % {"node": node_id})
    if not isinstance(output, Mapping):
        raise TrialInvalid(what=_("what stands in for “%(node)s” has to be an object.") % {"node": node_id})
    return {"output": dict(output), "branch": way_of(node, output)}


def way_of(node: Node, output: Mapping[str, Any]) -> str:
    """The way on which `node` goes on with `output`: the one that the output names. Raises `TrialInvalid`."""
    ways = node_types()[node.type].ways(node.config)
    if "" in ways or not ways:
        return ""
    said = {str(v).lower() if isinstance(v, bool) else v for v in output.values() if isinstance(v, str | bool)}
    taken = [way for way in ways if way in said]
    if not taken:
        what = _("what stands in for “%(node)s” names none of its ways (%(ways)s).")
        raise TrialInvalid(what=what % {"node": node.id, "ways": ", ".join(ways)})
    return taken[0]
