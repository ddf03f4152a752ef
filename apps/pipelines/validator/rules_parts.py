"""Parts that nodes name: prompts, tools, pipelines, models and hosts are there and may be used."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core.chains import is_circle, longest_chain
from apps.pipelines.graph import Node, readable_graph
from apps.pipelines.parts import MAX_DEPTH, pipelines_named
from apps.pipelines.validator.problems import RULES, GraphProblem, rule
from apps.pipelines.validator.subject import Subject

PROMPT_UNKNOWN = rule("E_PROMPT_UNKNOWN", _("This prompt does not exist."))
TOOL_UNKNOWN = rule("E_TOOL_UNKNOWN", _("The tool %(tool)s is not known or not allowed."))
rule("E_TOOL_SERVER_OFF", _("The server of the tool %(tool)s is switched off."))
rule("E_TOOL_NOT_ALLOWED", _("The tool %(tool)s is not allowed. Look at it and allow it."))
rule("E_TOOL_CHANGED", _("The tool %(tool)s is not what was approved. Look at it and approve it again."))
PIPELINE_UNKNOWN = rule("E_PIPELINE_UNKNOWN", _("There is no pipeline “%(key)s”."))
PIPELINE_CYCLE = rule("E_PIPELINE_CYCLE", _("These pipelines run each other in a circle: %(chain)s."))
PIPELINE_DEPTH = rule("E_PIPELINE_DEPTH", _("Pipelines run each other more than %(max)s deep: %(chain)s."))
NO_ROUTE = rule("E_NO_ROUTE", _("Nobody answers for “%(wanted)s”: no enabled model can do it."))
ROUTE_MOCK = rule(
    "E_ROUTE_MOCK", _("Only the built-in mock answers for “%(wanted)s”. Its answers are samples."), "warning"
)
HOST_REFUSED = rule("E_HOST_REFUSED", _("The host “%(host)s” may not be called: it is not on the list of this site."))

_SETTINGS = {
    "prompt": ("prompt",),
    "tool": ("tool", "operation", "tools"),
    "pipeline": ("pipeline",),
    "host": ("host",),
}


def _setting(node: Node, part: str) -> str:
    """Where a node names a part."""
    names = _SETTINGS[part]
    return "config." + next((name for name in names if name in node.config), names[0])


def _prompts(subject: Subject) -> Iterator[GraphProblem]:
    known = subject.parts.get("prompts")
    for node in subject.graph.nodes if known is not None else ():
        for _name in sorted(subject.needs(node).prompts - known.keys()):  # type: ignore[union-attr]  # asked above
            yield PROMPT_UNKNOWN.at(node.id, _setting(node, "prompt"))


def _tools(subject: Subject) -> Iterator[GraphProblem]:
    known, reasons = subject.parts.get("tools"), subject.parts.get("refused_tools", {})
    for node in subject.graph.nodes if known is not None else ():
        for address in sorted(subject.needs(node).tools - known.keys()):  # type: ignore[union-attr]  # asked above
            broken = RULES.get(reasons.get(address, ""), TOOL_UNKNOWN)
            yield broken.at(node.id, _setting(node, "tool"), tool=address)


def _pipelines(subject: Subject) -> Iterator[GraphProblem]:
    known: Mapping[str, Any] | None = subject.parts.get("pipelines")
    if known is None:
        return
    own = str(subject.parts.get("key", ""))
    following = {key: sorted(pipelines_named(readable_graph(one["graph"]))) for key, one in known.items()}
    following[own] = sorted(pipelines_named(subject.graph))
    for node in subject.graph.nodes:
        for name in sorted(subject.needs(node).pipelines):
            place = (node.id, _setting(node, "pipeline"))
            if name not in known and name != own:
                yield PIPELINE_UNKNOWN.at(*place, key=name)
                continue
            below = longest_chain(name, lambda key: following.get(key, []))
            chain = " → ".join(below)
            if is_circle(below) or own in below:
                yield PIPELINE_CYCLE.at(*place, chain=chain if is_circle(below) else f"{own} → {chain}")
            elif len(below) > MAX_DEPTH:
                yield PIPELINE_DEPTH.at(*place, max=MAX_DEPTH, chain=f"{own or '…'} → {chain}")


def _routes(subject: Subject) -> Iterator[GraphProblem]:
    answers: Mapping[tuple[str, str], str] | None = subject.parts.get("answers")
    for node in subject.graph.nodes if answers is not None else ():
        for capability, model in sorted(subject.needs(node).routes):
            field = "config.model" if model else "config.capability"
            answer = (answers or {}).get((capability, model), "none")
            broken = {"none": NO_ROUTE, "mock": ROUTE_MOCK}.get(answer)
            if broken:
                yield broken.at(node.id, field, wanted=model or capability)


def _hosts(subject: Subject) -> Iterator[GraphProblem]:
    hosts = subject.parts.get("hosts")
    for node in subject.graph.nodes if hosts is not None else ():
        for host in sorted(subject.needs(node).hosts - set(hosts or ())):
            yield HOST_REFUSED.at(node.id, _setting(node, "host"), host=host[:200])


CHECKS = (_prompts, _tools, _pipelines, _routes, _hosts)
