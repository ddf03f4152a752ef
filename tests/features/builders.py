"""A small released feature, without tools or files."""

from itertools import pairwise
from typing import Any

from apps.core.config import reader
from apps.features.models import Feature, MenuGroup
from apps.features.services import publish_feature, withdraw_feature
from apps.pipelines.models import Pipeline
from apps.prompts.models import Prompt
from apps.providers.models import Endpoint, Offer
from apps.providers.services import release_catalogue

FORM = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {"name": {"type": "string", "title": "Name", "x-i18n": {"zh-hans": {"title": "名字"}}}},
}
OUTPUT = {"type": "object", "properties": {"text": {"type": "string"}}}


def make_prompt(key: str = "greeting", **fields: Any) -> Prompt:
    given = {"name": "Greeting", "body": "Greet {{ name }}.", "variables": [{"name": "name", "required": True}]}
    return Prompt.objects.create(key=key, **(given | fields))


def make_model(key: str = "mock", **fields: Any) -> Endpoint:
    """A released endpoint that offers chat."""
    endpoint = Endpoint.objects.create(key=key, **({"name": key, "handler_key": "mock"} | fields))
    Offer.objects.create(endpoint=endpoint, model=f"{key}-1", capabilities=["chat"])
    release_catalogue(by=None)
    return endpoint


def make_graph(**end_inputs: str) -> dict[str, Any]:
    """start -> prompt -> model -> end."""
    nodes = [
        {"id": "start", "type": "start", "title": {"en": "Form", "zh-hans": "表单"}},
        {"id": "ask", "type": "prompt", "config": {"prompt": "greeting"}, "inputs": {"name": "{{ start.name }}"}},
        {"id": "say", "type": "llm_chat", "config": {}, "inputs": {"text": "{{ ask.text }}"}},
        {"id": "end", "type": "end", "inputs": end_inputs or {"text": "{{ say.text }}"}},
    ]
    ids = [node["id"] for node in nodes]
    return {"nodes": nodes, "edges": [{"source": a, "target": b} for a, b in pairwise(ids)]}


def make_feature(key: str = "greeter", *, published: bool = False, **fields: Any) -> Feature:
    """A draft with everything it needs; `published` releases it as version 1."""
    Prompt.objects.filter(key="greeting").exists() or make_prompt()
    Endpoint.objects.filter(key="mock").exists() or make_model()
    menu, _created = MenuGroup.objects.get_or_create(key="texts", defaults={"title": "Texts", "title_zh": "文字"})
    graph = fields.pop("graph", None) or make_graph()
    pipeline = Pipeline.objects.create(key=key, name=key, graph=graph)
    given = {"title": "Greeter", "title_zh": "问候", "cost": 2, "form_schema": FORM, "output_schema": OUTPUT}
    feature = Feature.objects.create(key=key, menu=menu, pipeline=pipeline, **(given | fields))
    if published:
        publish_feature(key, by=None, note="first")
        reader.reset()  # as the message after the commit would; a test's transaction has none
    return feature


def withdrawn(feature: Feature) -> Feature:
    """`feature` with nothing live of it."""
    withdraw_feature(feature.key, by=None)
    return feature
