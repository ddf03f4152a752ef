"""What the admin draws of a draft: the form as users see it, the pipeline, the prompts."""

from typing import Any

from django.urls import reverse
from django.utils.translation import get_language

from apps.features.audience import translated
from apps.features.models import Feature
from apps.pipelines.graph import parse_graph, readable_graph
from apps.pipelines.nodes import labels
from apps.pipelines.parts import prompts_named
from apps.pipelines.shape import readable
from apps.prompts.models import Prompt


def overview(feature: Feature) -> dict[str, Any]:
    """Template context for the pictures above the fields of the feature's form."""
    language = get_language() or "en"
    prompts = Prompt.objects.filter(key__in=prompts_named(readable_graph(feature.pipeline.graph)))
    return {
        "overview": {
            "prompts": [(p, reverse("admin:prompts_prompt_change", args=[p.pk])) for p in prompts],
            "pipeline_url": reverse("admin:pipelines_pipeline_change", args=[feature.pipeline_id]),
        },
        "form_preview": {
            "schema": translated(feature.form_schema, language),
            "uiSchema": translated(feature.ui_schema, language),
            "language": language,
        },
        "kinds": labels(),
        "pipeline_picture": translated_graph(feature.pipeline.graph, language),
    }


def steps_of(payload: dict[str, Any]) -> list[str]:
    """The ids of the payload's nodes in the order of a run; none for a graph that cannot be read."""
    try:
        return parse_graph(payload["pipeline"]["graph"]).order
    except ValueError:
        return []


def translated_graph(graph: Any, language: str) -> dict[str, Any]:
    """The graph with its nodes' titles in `language`."""
    graph = readable(graph)
    try:
        parse_graph(graph)
    except ValueError:
        return {"nodes": [], "edges": []}
    nodes = [{**node, "title": _title(node, language)} for node in graph.get("nodes", [])]
    return {"nodes": nodes, "edges": graph.get("edges", [])}


def _title(node: dict[str, Any], language: str) -> str:
    title = node.get("title", "")
    return str(title.get(language) or title.get("en", "")) if isinstance(title, dict) else str(title)
