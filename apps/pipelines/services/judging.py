"""What is wrong with a graph, judged with the prompts, tools, models and features as they are now."""

from typing import Any

from django.conf import settings

from apps.core.errors import ApiError
from apps.pipelines.cost import WorstCase, worst_case
from apps.pipelines.graph import Graph, readable_graph
from apps.pipelines.models import Pipeline
from apps.pipelines.parts import parts_of_graph, refused_tools, repeatable_tools, routes_named, tools_named
from apps.pipelines.validator import GraphProblem, subject_of, validate
from apps.providers.catalogue import candidates

MOCK = "mock"


def problems_of(pipeline: Pipeline) -> list[GraphProblem]:
    """What is wrong with the draft as it is held in memory."""
    return judge(pipeline.graph, key=pipeline.key)


def judge(graph: Any, *, key: str = "", feature: str = "") -> list[GraphProblem]:
    """Every problem of `graph`, which need not be stored, as the pipeline `key` for the feature `feature`."""
    return validate(graph, parts_for(graph, key=key, feature=feature))


def cost_of(raw: Any, parts: dict[str, Any]) -> WorstCase | None:
    """What one run costs at worst; None where that cannot be said of this graph."""
    subject = subject_of(readable_graph(raw), parts)
    return worst_case(subject) if subject is not None else None


def parts_for(raw: Any, *, key: str = "", feature: str = "") -> dict[str, Any]:
    """What a graph is judged by. Form and result are those of `feature`, or of the one feature that uses `key`."""
    graph = readable_graph(raw)
    parts = parts_of_graph(graph, key=key)
    named = tools_named(graph)
    return {
        **parts,
        "key": key,
        "refused_tools": refused_tools(named - parts["tools"].keys()),
        "repeatable_tools": repeatable_tools(named & parts["tools"].keys()),
        "answers": answers_to(graph),
        "hosts": list(getattr(settings, "PIPELINE_HOSTS", [])),
        **_feature_of(key, feature),
    }


def answers_to(graph: Graph) -> dict[tuple[str, str], str]:
    """Who would answer each route that the graph asks for: a real model, the mock alone, or nobody."""
    return {route: _answer(*route) for route in routes_named([graph])}


def _answer(capability: str, model: str) -> str:
    try:
        found = candidates(capability, model=model)
    except ApiError:
        return "none"
    return MOCK if all(candidate.handler_key == MOCK for candidate in found) else "real"


def feature_of(key: str) -> dict[str, Any] | None:
    """Key, form with looks and result of the one feature that uses the pipeline `key`; None of none, and of several."""
    found = _features(pipeline__key=key)
    return found[0] if len(found) == 1 else None


def _feature_of(key: str, feature: str) -> dict[str, Any]:
    if not key and not feature:
        return {}
    found = _features(key=feature) if feature else _features(pipeline__key=key)
    return {name: found[0][name] for name in ("form", "output")} if len(found) == 1 else {}


def _features(**chosen: str) -> list[dict[str, Any]]:
    # The model stands above this app; the relation that it has put on ours leads there.
    features: Any = Pipeline.features.rel.related_model._default_manager
    columns = {"key": "key", "form": "form_schema", "ui": "ui_schema", "output": "output_schema"}
    rows = features.filter(**chosen).values(*columns.values())[:2]
    return [{name: row[column] for name, column in columns.items()} for row in rows]
