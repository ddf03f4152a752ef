"""What is wrong with a graph, judged with the prompts, tools, models and features as they are now."""

from typing import Any

from apps.pipelines.graph import readable_graph
from apps.pipelines.models import Pipeline
from apps.pipelines.parts import parts_of_graph
from apps.pipelines.validator import GraphProblem, validate


def problems_of(pipeline: Pipeline) -> list[GraphProblem]:
    """What is wrong with the draft as it is held in memory."""
    return judge(pipeline.graph, key=pipeline.key)


def judge(graph: Any, *, key: str = "", feature: str = "") -> list[GraphProblem]:
    """Every problem of `graph`, which need not be stored, as the pipeline `key` for the feature `feature`."""
    return validate(graph, parts_for(graph, key=key, feature=feature))


def parts_for(graph: Any, *, key: str = "", feature: str = "") -> dict[str, Any]:
    """What `graph` is judged by. Form and result are those of `feature`, or of the one feature that uses `key`."""
    parts = parts_of_graph(readable_graph(graph), key=key)
    return {**parts, **_feature_of(key, feature)}


def _feature_of(key: str, feature: str) -> dict[str, Any]:
    # The model stands above this app; the relation that it has put on ours leads there.
    features: Any = Pipeline.features.rel.related_model._default_manager
    rows = features.filter(key=feature) if feature else features.filter(pipeline__key=key)
    found = list(rows.values("form_schema", "output_schema")[:2])
    if len(found) != 1:
        return {}
    return {"form": found[0]["form_schema"], "output": found[0]["output_schema"]}
