"""Models: somebody enabled and usable answers for each capability and each named model."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import ApiError
from apps.core.publishing.registry import Problem
from apps.features.checks.graphs import graphs_of
from apps.providers.catalogue import candidates

MOCK = "mock"


def routes_usable(payload: dict[str, Any]) -> Iterator[Problem]:
    """An error where nobody answers, a warning where only the mock does."""
    for capability in payload["routes"]:
        yield from route_problems("/routes", capability)
    for placed in graphs_of(payload):
        for node in placed.graph.nodes:
            if model := node.config.get("model"):
                capability = str(node.config.get("capability", "chat"))
                yield from route_problems(f"{placed.path}/{node.id}/config.model", capability, model=str(model))


def route_problems(path: str, capability: str, *, model: str = "") -> Iterator[Problem]:
    """What is wrong with the route of `capability`, by `model` when it is named."""
    try:
        found = candidates(capability, model=model)
    except ApiError as exc:
        yield Problem("E_NO_ROUTE", path, exc.text())
        return
    if all(candidate.handler_key == MOCK for candidate in found):
        words = _("Only the built-in mock answers for “%(wanted)s”. Its answers are samples.")
        yield Problem("E_ROUTE_MOCK", path, words % {"wanted": model or capability}, "warning")
