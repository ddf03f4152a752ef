"""What a release holds, and what keeps a draft from being released."""

import copy
from typing import Any

import pytest
from django.contrib.auth.models import Group

from apps.core.config import reader
from apps.core.errors import NotFound
from apps.core.publishing.errors import PublishRefused
from apps.core.publishing.models import Head, Snapshot
from apps.core.publishing.services import publish
from apps.features import demo as demo_package
from apps.features.audience import translated
from apps.features.demo.seed import seed
from apps.features.models import Feature, MenuGroup
from apps.features.publishing import SCOPE
from apps.features.services import publish_feature
from apps.mcp.models import Server, Tool
from apps.pipelines.models import Pipeline
from apps.prompts.models import Prompt
from apps.providers.models import Endpoint, Offer
from apps.providers.services import release_catalogue
from tests.features.builders import FORM, OUTPUT, make_feature, make_graph


def make_tool(**fields: Any) -> Tool:
    server = Server.objects.create(key="shop", name="Shop", catalogue_id="image-tools")
    given = {"name": "cut", "sha256": "a" * 64, "seen_sha256": "a" * 64, "allowed": True}
    return Tool.objects.create(server=server, **(given | {"input_schema": {"properties": {"x": {}}}} | fields))


def tool_graph() -> dict[str, Any]:
    graph = make_graph()
    graph["nodes"][2] = {
        "id": "say",
        "type": "mcp_tool",
        "config": {"server": "shop", "tool": "cut"},
        "inputs": {"x": "{{ ask.text }}"},
    }
    return graph


def problems(key: str = "greeter") -> set[tuple[str, str]]:
    with pytest.raises(PublishRefused) as refused:
        publish_feature(key, by=None)
    return {(problem["code"], problem["path"]) for problem in refused.value.details["problems"]}


def test_publish__feature__holds_everything_its_run_needs(db):
    make_tool()
    feature = make_feature(graph=tool_graph(), icon="pen", order=7, description="Says hello")
    feature.roles.set([Group.objects.get(name="member")])

    payload = publish_feature("greeter", by=None).payload

    assert payload == {
        "schema": 1,
        "key": "greeter",
        "title": {"en": "Greeter", "zh-hans": "问候"},
        "description": {"en": "Says hello", "zh-hans": "Says hello"},
        "icon": "pen",
        "enabled": True,
        "menu": {"group": "texts", "title": {"en": "Texts", "zh-hans": "文字"}, "group_order": 100, "order": 7},
        "roles": ["member"],
        "cost": 2,
        "form": {"schema": FORM, "ui": {}},
        "output": {"schema": OUTPUT, "ui": {}},
        "pipeline": {"key": "greeter", "graph": tool_graph()},
        "prompts": {
            "greeting": {
                "system": "",
                "body": "Greet {{ name }}.",
                "variables": [{"name": "name", "required": True}],
            }
        },
        "tools": {"shop/cut": {"input_schema": {"properties": {"x": {}}}, "output_schema": {}, "sha256": "a" * 64}},
        "routes": [],
    }


def test_publish__every_part_edited_afterwards__changes_no_byte_of_the_release(db):
    make_tool()
    make_feature(graph=tool_graph(), published=True)
    before = list(Snapshot.objects.filter(scope=SCOPE).values_list("body", "sha256"))

    Feature.objects.update(title="Changed", form_schema={}, cost=99)
    Pipeline.objects.update(graph={})
    Prompt.objects.update(body="Changed", system="Changed", variables=[])
    Tool.objects.update(input_schema={}, seen_sha256="b" * 64, allowed=False)
    MenuGroup.objects.update(title="Changed")
    Group.objects.filter(name="member").update(name="renamed")
    Endpoint.objects.all().delete()

    assert list(Snapshot.objects.filter(scope=SCOPE).values_list("body", "sha256")) == before
    assert reader.get(SCOPE, "greeter")[1]["prompts"]["greeting"]["body"] == "Greet {{ name }}."


def break_graph(change: Any) -> None:
    pipeline = Pipeline.objects.get(key="greeter")
    change(pipeline.graph)
    pipeline.save()


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda: Feature.objects.update(cost=None), ("E_PRICE_MISSING", "/cost")),
        (lambda: Feature.objects.update(form_schema={}), ("E_SCHEMA_SHAPE", "/form/schema")),
        (lambda: Feature.objects.update(form_schema=["x"]), ("E_SCHEMA_SHAPE", "/form/schema")),
        (lambda: Feature.objects.update(form_schema="text"), ("E_SCHEMA_SHAPE", "/form/schema")),
        (
            lambda: Feature.objects.update(form_schema={"type": "object", "properties": ["x"]}),
            ("E_SCHEMA_SHAPE", "/form/schema"),
        ),
        (
            lambda: Feature.objects.update(form_schema={"type": "object", "properties": {"name": {"type": "nope"}}}),
            ("E_SCHEMA_INVALID", "/form/schema"),
        ),
        (
            lambda: Feature.objects.update(form_schema={**FORM, "properties": {"name": {"x-i18n": {"zh-hans": "x"}}}}),
            ("E_TRANSLATION", "/form/schema"),
        ),
        (lambda: Feature.objects.update(output_schema={"type": "object"}), ("E_SCHEMA_SHAPE", "/output/schema")),
        (
            lambda: Feature.objects.update(output_schema={"type": "object", "properties": {"sound": {}}}),
            ("E_OUTPUT_UNCOVERED", "/output/schema/properties/sound"),
        ),
        (lambda: Pipeline.objects.update(graph=[]), ("E_GRAPH_SHAPE", "/pipeline")),
        (lambda: Pipeline.objects.update(graph={}), ("E_START", "/pipeline")),
        (lambda: break_graph(lambda g: g["edges"].pop()), ("E_DANGLING", "/pipeline/say")),
        (
            lambda: break_graph(lambda g: g["nodes"][2].update(inputs={"text": "{{ ghost.x }}"})),
            ("E_REFERENCE_UNKNOWN", "/pipeline/say/inputs.text"),
        ),
        (
            lambda: break_graph(lambda g: g["nodes"][1].update(config={"prompt": ["greeting"]})),
            ("E_CONFIG", "/pipeline/ask/config.prompt"),
        ),
        (lambda: Prompt.objects.all().delete(), ("E_PROMPT_UNKNOWN", "/pipeline/ask/config.prompt")),
        (lambda: Prompt.objects.update(body="{{ broken"), ("E_TEMPLATE", "/prompts/greeting/body")),
        (lambda: Prompt.objects.update(system="{% nope %}"), ("E_TEMPLATE", "/prompts/greeting/system")),
        (lambda: Prompt.objects.update(body="{{ other }}"), ("E_VARIABLE_UNDECLARED", "/prompts/greeting/body")),
        (
            lambda: Prompt.objects.update(variables=[{"name": "name"}, {"name": "tone"}]),
            ("E_VARIABLE_UNBOUND", "/pipeline/ask/inputs"),
        ),
        (lambda: Prompt.objects.update(variables=["name"]), ("E_VARIABLES_SHAPE", "/prompts/greeting/variables")),
        (lambda: Prompt.objects.update(variables={"name": 1}), ("E_VARIABLES_SHAPE", "/prompts/greeting/variables")),
        (
            lambda: Prompt.objects.update(variables=[{"required": True}]),
            ("E_VARIABLES_SHAPE", "/prompts/greeting/variables"),
        ),
        (lambda: (Offer.objects.update(enabled=False), release_catalogue(by=None)), ("E_NO_ROUTE", "/routes")),
        (
            lambda: break_graph(lambda g: g["nodes"][2].update(config={"model": "gpt-unheard-of"})),
            ("E_NO_ROUTE", "/pipeline/say/config.model"),
        ),
    ],
)
def test_publish__one_mistake__is_refused_with_its_place(db, spoil, problem):
    make_feature(published=True)
    spoil()
    reader.reset()
    before = list(Head.objects.filter(scope=SCOPE).values_list())

    assert problem in problems()

    assert list(Head.objects.filter(scope=SCOPE).values_list()) == before
    assert Snapshot.objects.filter(scope=SCOPE).count() == 1


@pytest.mark.parametrize("change", [{"allowed": False}, {"seen_sha256": "b" * 64}])
def test_publish__tool_not_allowed_or_changed__is_refused(db, change):
    make_tool(**change)
    make_feature(graph=tool_graph())

    assert ("E_TOOL_UNKNOWN", "/pipeline/say/config.tool") in problems()


def test_publish__server_switched_off__is_refused(db):
    make_tool()
    Server.objects.update(enabled=False)
    make_feature(graph=tool_graph())

    assert ("E_TOOL_UNKNOWN", "/pipeline/say/config.tool") in problems()


def test_publish__several_mistakes__are_all_told(db):
    make_feature(cost=None, form_schema={})
    Prompt.objects.update(body="{{ broken")

    assert {code for code, _path in problems()} >= {"E_PRICE_MISSING", "E_SCHEMA_SHAPE", "E_TEMPLATE"}


def test_publish__price_of_zero__is_a_price(db):
    make_feature(cost=0)

    assert publish_feature("greeter", by=None).payload["cost"] == 0


def test_publish__unknown_feature__is_not_found(db):
    with pytest.raises(NotFound):
        publish(SCOPE, "unheard-of", by=None)


TEXTS = {"title": "Size", "x-i18n": {"zh-hans": {"title": "尺寸"}}, "oneOf": [{"x-i18n": {"zh-hans": {"title": "大"}}}]}


@pytest.mark.parametrize(
    ("value", "language", "result"),
    [
        (TEXTS, "zh-hans", {"title": "尺寸", "oneOf": [{"title": "大"}]}),
        (TEXTS, "en", {"title": "Size", "oneOf": [{}]}),
        ({"x-i18n": "text", "a": 1}, "zh-hans", {"a": 1}),
        ({"x-i18n": {"zh-hans": "text"}, "a": 1}, "zh-hans", {"a": 1}),
        ([1, "x", None], "en", [1, "x", None]),
        ({"properties": {"x-i18n": {"type": "string"}}}, "en", {"properties": {}}),
    ],
)
def test_translate__overlays__are_laid_over_and_removed(value, language, result):
    before = copy.deepcopy(value)

    assert translated(value, language) == result
    assert value == before


def test_seed__twice__changes_nothing(demo):
    def counts() -> dict[str, int]:
        models = (Feature, MenuGroup, Pipeline, Prompt, Endpoint, Offer, Server, Tool, Snapshot, Head)
        return {model.__name__: model.objects.count() for model in models}

    first = counts()
    again = seed()

    assert counts() == first
    assert (first["Feature"], first["Tool"]) == (3, 6)
    assert (again.admin_password, set(again.demo.values())) == (None, {None})
    assert demo_package.__doc__


def test_seed__demo_features__are_released_and_one_is_a_draft(demo):
    assert sorted(Head.objects.filter(scope=SCOPE).values_list("key", flat=True)) == ["copywriter", "product-photo"]
    assert publish_feature("shop-thumbnail", by=None).version == 1
    assert publish_feature("product-photo", by=None).version == 1
