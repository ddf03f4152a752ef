"""Saved cases: what is released has passed its examples, as exactly this text, on the model that will answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from apps.core.errors import ApiError
from apps.core.publishing.registry import Problem
from apps.features.checks.graphs import graphs_of
from apps.pipelines.graph import Graph, Node
from apps.pipelines.nodes import needs_of
from apps.pipelines.parts import talking
from apps.pipelines.wiring import references
from apps.prompts.gate import cases_sha256, content_sha256, failing, newest_runs
from apps.prompts.models import CaseRun, Prompt
from apps.prompts.reference import key_of
from apps.providers.catalogue import candidates

Payload = Mapping[str, Any]


@dataclass(frozen=True)
class _Wanted:
    """One run that has to be there: of the prompt written `reference`, bound to a content and a model."""

    reference: str
    prompt_id: int
    key: str
    content: str
    cases: str
    model: str

    @property
    def bound(self) -> tuple[str, str, str, str]:
        return self.key, self.content, self.cases, self.model


def cases_pass(payload: dict[str, Any]) -> Iterator[Problem]:
    """For each prompt with gated cases: its newest run with this text, on each model that would answer, passed.

    Nothing is run here. A run that was called off or broke off counts for nothing, and one that goes on not yet.
    """
    wanted = list(_wanted(payload))
    finished, going_on = newest_runs(one.bound for one in wanted)
    for one in wanted:
        run, other = finished.get(one.bound), going_on.get(one.bound)
        if run is None and other is not None:
            yield _problem("E_CASES_RUNNING", one, _running(one, other), _("Look how far they are"))
        elif run is None:
            words = _("The saved cases of “%(prompt)s” were not run with this text on %(model)s. Run the cases.")
            said = words % {"prompt": one.reference, "model": one.model}
            yield _problem("E_CASES_NOT_RUN", one, said, _("Run the cases"))
        elif not run.passed:
            yield _problem("E_CASES_FAILED", one, _failed(one, run), _("Look at the cases"))


def _problem(code: str, one: _Wanted, said: str, remedy: str) -> Problem:
    """Whoever goes past it says why; the page it leads to runs just what is missing."""
    page = reverse("admin:prompts_promptcase_of", args=[one.prompt_id])
    query = urlencode({"at": one.reference.partition("@")[2], "model": one.model})
    return Problem(code, f"/prompts/{one.reference}", said, "break", True, remedy, f"{page}?{query}")


def _running(one: _Wanted, run: CaseRun) -> str:
    words = _(
        "The saved cases of “%(prompt)s” are being run on %(model)s: %(done)s of %(total)s. "
        "Wait until they have passed."
    )
    return words % {"prompt": one.reference, "model": one.model, "done": run.done, "total": run.total}


def _failed(one: _Wanted, run: CaseRun) -> str:
    words = {
        "prompt": one.reference,
        "model": one.model,
        "cases": ", ".join(f"“{name}”" for name in failing(run.results)) or "—",
        "share": run.share,
        "p95": run.p95_ms,
        "cost": "?" if run.cost_micro is None else run.cost_micro,
        "why": ", ".join(run.reasons),
    }
    return (
        _(
            "The saved cases of “%(prompt)s” did not pass on %(model)s (%(why)s): %(share)s %% passed, failing: "
            "%(cases)s; latency %(p95)s ms, cost %(cost)s micro-credits."
        )
        % words
    )


def _wanted(payload: Payload) -> Iterator[_Wanted]:
    keys = {key_of(reference) for reference in payload["prompts"]}
    rows = Prompt.objects.filter(key__in=keys, cases__gated=True).distinct().prefetch_related("cases")
    guarded = {row.key: row for row in rows}
    models = _Models(payload) if guarded else None
    for reference in payload["prompts"]:
        prompt = guarded.get(key_of(reference))
        if prompt is None or models is None:
            continue
        try:
            content = content_sha256(reference, payload["prompts"])
        except ApiError:
            continue  # a text that cannot be read was told already
        cases = cases_sha256(prompt, prompt.cases.all())
        for model in models.of(reference):
            yield _Wanted(reference, prompt.pk, prompt.key, content, cases, model)


class _Models:
    """Which models answer with a prompt's text: those that the model nodes behind it lead to now."""

    def __init__(self, payload: Payload) -> None:
        self._graphs = [placed.graph for placed in graphs_of(dict(payload))]

    def of(self, reference: str) -> list[str]:
        """The models that would be asked first; none where nobody can answer, which is told already."""
        asked = [node for graph in self._graphs for node in _reading(graph, reference)]
        routes = {route for node in asked or self._talking() for route in needs_of(node).routes} or {("chat", "")}
        return sorted({model for route in routes for model in _leading(*route)})

    def _talking(self) -> list[Node]:
        return [node for graph in self._graphs for node in talking(graph)]


def _reading(graph: Graph, reference: str) -> list[Node]:
    """The model nodes that read what the prompt's nodes make."""
    filled = {node.id for node in graph.nodes if reference in needs_of(node).prompts}
    return [node for node in talking(graph) if filled & _read_by(node)]


def _read_by(node: Node) -> set[str]:
    try:
        return {path[0] for path in references(dict(node.inputs))}
    except ApiError:
        return set()


def _leading(capability: str, model: str) -> list[str]:
    try:
        return [candidates(capability, model=model)[0].model]
    except ApiError:
        return []
