"""What a trial runs, frozen: a draft as a feature's payload, whether or not it could be published."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone

from apps.core.publishing.canonical import sha256_of
from apps.features.closure import collect
from apps.features.models import Feature
from apps.features.schema import SCHEMA_VERSION
from apps.pipelines.graph import Graph, GraphInvalid, parse_graph, readable_graph
from apps.pipelines.models import Pipeline
from apps.pipelines.parts import capabilities_named, models_named, parts_of_graph
from apps.pipelines.validator import GraphProblem, validate
from apps.tasks.models import Frozen
from apps.tasks.trials.errors import TrialRefused

Payload = dict[str, Any]
EXTRAS = "trial"  # the member of a frozen body that is no part of a payload
MOST_PROBLEMS = 50  # that a refusal names


def draft_payload(pipeline: Pipeline, graph: Mapping[str, Any], feature: Feature | None, *, only: str = "") -> Payload:
    """The payload of `graph` as the draft of `pipeline`, for `feature` or for no feature at all.

    Without a feature there is no form, no result and no price: the input is what the pipeline's start declares.
    Nothing is written. Raises `TrialRefused` with the validator's problems; where `only` one node is to run, with
    those of its settings alone.
    """
    if feature is not None:
        feature.pipeline = Pipeline(pk=pipeline.pk, key=pipeline.key, name=pipeline.name, graph=dict(graph))
        payload = collect(feature)
    else:
        payload = _without_feature(pipeline, graph)
    refuse_mistakes(graph, payload, only=only)
    return payload


def refuse_mistakes(graph: Mapping[str, Any], payload: Payload, *, only: str = "") -> None:
    """Raises `TrialRefused` unless the validator finds nothing wrong; of node `only`, in its settings."""
    parts = {
        "form": payload["form"]["schema"],
        "prompts": payload["prompts"],
        "tools": payload["tools"],
        "pipelines": payload["pipelines"],
    }
    problems = [problem for problem in validate(dict(graph), parts) if problem.severity == "error"]
    if only:
        problems = [problem for problem in problems if problem.node == only and problem.field.startswith("config")]
    _refuse(problems)


def readable(raw: Mapping[str, Any]) -> Graph:
    """The graph, whether or not it is sound. Raises `TrialRefused` for what is no graph."""
    try:
        return parse_graph(dict(raw))
    except GraphInvalid as exc:
        _refuse([GraphProblem("E_GRAPH_SHAPE", one.message, one.node, one.pointer) for one in exc.mistakes])
        raise


def _refuse(problems: Sequence[GraphProblem]) -> None:
    if problems:
        told = [problem.as_dict() for problem in problems[:MOST_PROBLEMS]]
        raise TrialRefused(first=problems[0].message, details={"problems": told})


def freeze(payload: Payload, extras: Mapping[str, Any]) -> str:
    """Keep what a trial runs, once for all trials of the same; returns the hash that names it.

    One that is there already is as good as new: it is not cleaned away before the trial that is about to name it.
    """
    body = {**payload, EXTRAS: dict(extras)}
    sha256 = sha256_of(body)
    if not freshen(sha256):
        Frozen.objects.get_or_create(sha256=sha256, defaults={"body": body})
    return sha256


def freshen(sha256: str) -> bool:
    """Count the days of a kept body anew; False when there is none."""
    return bool(Frozen.objects.filter(pk=sha256).update(created_at=timezone.now()))


def _without_feature(pipeline: Pipeline, raw: Mapping[str, Any]) -> Payload:
    graph = readable_graph(dict(raw))
    parts = parts_of_graph(graph, key=pipeline.key)
    graphs = [graph, *(readable_graph(sub["graph"]) for sub in parts["pipelines"].values())]
    title = {"en": pipeline.name, "zh-hans": pipeline.name}
    return {
        "schema": SCHEMA_VERSION,
        "key": pipeline.key,
        "title": title,
        "description": {"en": "", "zh-hans": ""},
        "icon": "",
        "enabled": True,
        "menu": {"group": "", "title": title, "group_order": 0, "order": 0},
        "roles": [],
        "cost": 0,
        "form": {"schema": _declared(graph), "ui": {}},
        "output": {"schema": {}, "ui": {}},
        "table": [],
        "degrade": {},
        "needs_approval": False,
        "pipeline": {"key": pipeline.key, "graph": dict(raw)},
        **parts,
        "routes": capabilities_named(graphs),
        "models": models_named(graphs),
    }


def _declared(graph: Graph) -> dict[str, Any]:
    """The schema of the input that the start node declares; an empty one when it declares none."""
    for node in graph.of_type("start"):
        schema = node.config.get("schema")
        if isinstance(schema, Mapping):
            return dict(schema)
    return {}
