"""What a release holds, and what keeps a draft from being released."""

import copy
from typing import Any

import pytest
from django.contrib.auth.models import Group

from apps.core.config import reader
from apps.core.errors import NotFound
from apps.core.publishing.canonical import sha256_of
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
from tests.features.builders import FORM, OUTPUT, make_feature, make_graph, make_prompt


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
    make_tool(description="Cuts")
    options = {"table": ["name"], "degrade": {"fallback_model": "small"}}
    feature = make_feature(graph=tool_graph(), icon="pen", order=7, description="Says hello", **options)
    feature.roles.set([Group.objects.get(name="member")])

    payload = publish_feature("greeter", by=None).payload

    schemas = {"input_schema": {"properties": {"x": {}}}, "output_schema": {}}
    assert payload == {
        "schema": 3,
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
        "pipelines": {},
        "tools": {
            "shop/cut": {
                **schemas,
                "description": "Cuts",
                "sha256": "a" * 64,
                "schema_sha256": sha256_of(schemas),
            }
        },
        "routes": [],
        "models": [],
        "table": ["name"],
        "degrade": {"fallback_model": "small"},
        "needs_approval": False,
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


def include(key: str, body: str, **fields: Any) -> None:
    """Have the feature's prompt include another."""
    make_prompt(key, body=body, **({"variables": []} | fields))
    Prompt.objects.filter(key="greeting").update(body=f"{{{{ name }}}} {{% render '{key}' %}}")


def field_roles(roles: Any) -> None:
    field = {**FORM["properties"]["name"], "x-roles": roles}
    Feature.objects.update(form_schema={**FORM, "properties": {"name": field}})


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
            ("E_SCHEMA_INVALID", "/form/schema/properties/name/type"),
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
            ("E_VARIABLE_UNBOUND", "/pipeline/ask/inputs.tone"),
        ),
        (lambda: Prompt.objects.update(variables=["name"]), ("E_VARIABLES_SHAPE", "/prompts/greeting/variables/0")),
        (lambda: Prompt.objects.update(variables={"name": 1}), ("E_VARIABLES_SHAPE", "/prompts/greeting/variables")),
        (
            lambda: Prompt.objects.update(variables=[{"required": True}]),
            ("E_VARIABLES_SHAPE", "/prompts/greeting/variables/0"),
        ),
        (
            lambda: Prompt.objects.update(variables=[{"name": "name"}, {"name": "name"}]),
            ("E_VARIABLE_TWICE", "/prompts/greeting/variables/1/name"),
        ),
        (
            lambda: Prompt.objects.update(variables=[{"name": "name", "type": "text"}]),
            ("E_VARIABLE_TYPE", "/prompts/greeting/variables/0/type"),
        ),
        (
            lambda: Prompt.objects.update(variables=[{"name": "name", "type": ["string"]}]),
            ("E_VARIABLE_TYPE", "/prompts/greeting/variables/0/type"),
        ),
        (
            lambda: Prompt.objects.update(variables=[{"name": "name", "type": "integer", "default": "3"}]),
            ("E_VARIABLE_DEFAULT", "/prompts/greeting/variables/0/default"),
        ),
        (
            lambda: Prompt.objects.update(variables=[{"name": "name", "type": "integer"}]),
            ("E_VARIABLE_MISTYPED", "/pipeline/ask/inputs.name"),
        ),
        (
            lambda: (
                break_graph(lambda g: g["nodes"][1].update(inputs={"name": 7}))
                or Prompt.objects.update(variables=[{"name": "name", "type": "string"}])
            ),
            ("E_VARIABLE_MISTYPED", "/pipeline/ask/inputs.name"),
        ),
        (lambda: Prompt.objects.update(body="{% render 'ghost' %}"), ("E_INCLUDE_UNKNOWN", "/prompts/greeting/body")),
        (lambda: Prompt.objects.update(body="{% render 'greeting' %}"), ("E_INCLUDE_CYCLE", "/prompts/greeting/body")),
        (lambda: Prompt.objects.update(body="{% render name %}"), ("E_TEMPLATE", "/prompts/greeting/body")),
        (lambda: include("extra", "{{ other }}"), ("E_VARIABLE_UNDECLARED", "/prompts/greeting/body")),
        (
            lambda: include("extra", "{{ other }}", variables=[{"name": "other"}]),
            ("E_VARIABLE_UNBOUND", "/pipeline/ask/inputs.other"),
        ),
        (lambda: include("extra", "{{ broken"), ("E_TEMPLATE", "/prompts/extra/body")),
        (lambda: Feature.objects.update(ui_schema=[]), ("E_UI_SHAPE", "/form/ui")),
        (lambda: Feature.objects.update(table={"name": 1}), ("E_TABLE_SHAPE", "/table")),
        (lambda: Feature.objects.update(table=["name", 5]), ("E_TABLE_SHAPE", "/table")),
        (lambda: Feature.objects.update(table=["name", "ghost"]), ("E_TABLE_FIELD", "/table/1")),
        (lambda: Feature.objects.update(table=["name", "name"]), ("E_TABLE_TWICE", "/table/1")),
        (lambda: Feature.objects.update(degrade=[]), ("E_DEGRADE", "/degrade")),
        (lambda: Feature.objects.update(degrade={"on": []}), ("E_DEGRADE", "/degrade/fallback_model")),
        (
            lambda: Feature.objects.update(degrade={"fallback_model": "unheard-of"}),
            ("E_NO_ROUTE", "/degrade/fallback_model"),
        ),
        (lambda: field_roles("member"), ("E_FIELD_ROLES", "/form/schema/properties/name/x-roles")),
        (lambda: field_roles(["ghost"]), ("E_ROLE_UNKNOWN", "/form/schema/properties/name/x-roles/0")),
        (lambda: field_roles(["member"]), ("E_FIELD_HIDDEN_REQUIRED", "/form/schema/properties/name")),
        (lambda: Feature.objects.update(description="x", ui_schema={"x": "x" * 2_000_000}), ("E_TOO_LARGE", "/")),
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


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda: Tool.objects.update(allowed=False), "E_TOOL_NOT_ALLOWED"),
        (lambda: Tool.objects.update(seen_sha256="b" * 64), "E_TOOL_CHANGED"),
        (lambda: Server.objects.update(enabled=False), "E_TOOL_SERVER_OFF"),
        (lambda: Tool.objects.all().delete(), "E_TOOL_UNKNOWN"),
        (lambda: Server.objects.all().delete(), "E_TOOL_UNKNOWN"),
    ],
)
def test_publish__tool_cannot_be_used__says_which_and_why(db, spoil, code):
    make_tool()
    make_feature(graph=tool_graph())
    spoil()

    assert {(found, path) for found, path in problems() if "TOOL" in found} == {(code, "/pipeline/say/config.tool")}
    assert Snapshot.objects.filter(scope=SCOPE).count() == 0


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
