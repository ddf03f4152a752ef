"""Checks that need more than one mistake to be seen: types of variables, routes, roles, levels."""

from typing import Any

import pytest
from django.contrib.auth.models import Group

from apps.core.config import reader
from apps.features.models import Feature
from apps.features.publishing import FeatureKind
from apps.features.services import publish_feature
from apps.prompts.models import Prompt
from apps.providers.handlers import handlers
from apps.providers.models import Offer
from apps.providers.services import release_catalogue
from tests.features.builders import FORM, make_feature, make_graph, make_model


def told(key: str = "greeter") -> list[tuple[str, str, str]]:
    kind = FeatureKind()
    return [(problem.code, problem.path, problem.level) for problem in kind.check(key, kind.collect(key), None)]


def errors() -> list[tuple[str, str]]:
    return [(code, path) for code, path, level in told() if level == "error"]


MOCK_ONLY = ("E_ROUTE_MOCK", "/routes", "warning")


def test_check__only_the_mock_answers__is_a_warning_and_stops_nothing(db):
    make_feature()

    assert told() == [MOCK_ONLY]
    assert publish_feature("greeter", by=None).version == 1


def test_check__somebody_real_answers__is_no_problem(db, monkeypatch):
    monkeypatch.setitem(handlers(), "real", handlers()["mock"])
    make_feature()
    make_model("vendor", handler_key="real")
    reader.reset()

    assert told() == []


def test_check__named_model_only_at_the_mock__is_a_warning_at_its_node(db, monkeypatch):
    monkeypatch.setitem(handlers(), "real", handlers()["mock"])
    graph = make_graph()
    graph["nodes"][2]["config"] = {"model": "mock-1"}
    make_feature(graph=graph)
    make_model("vendor", handler_key="real")
    reader.reset()

    assert told() == [("E_ROUTE_MOCK", "/pipeline/say/config.model", "warning")]


def test_check__nobody_answers__is_told_for_the_capability_and_each_model(db):
    graph = make_graph()
    graph["nodes"][2]["config"] = {"model": "gone"}
    make_feature(graph=graph, degrade={"fallback_model": "gone too"})
    Offer.objects.update(enabled=False)
    release_catalogue(by=None)
    reader.reset()

    assert errors() == [
        ("E_NO_ROUTE", "/routes"),
        ("E_NO_ROUTE", "/pipeline/say/config.model"),
        ("E_NO_ROUTE", "/degrade/fallback_model"),
    ]


def test_check__degrade_policy__is_sound(db):
    make_feature(degrade={"fallback_model": "mock-1", "max_tokens_factor": 0.5, "notice": {"zh-hans": "稍后"}})

    assert told() == [MOCK_ONLY]


FIELDS: dict[str, Any] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "array": {"type": "array"},
    "object": {"type": "object"},
    "several": {"type": ["string", "integer"]},
    "unknown": {},
}


@pytest.mark.parametrize("wanted", ["string", "integer", "number", "boolean", "array", "object"])
@pytest.mark.parametrize("given", FIELDS)
def test_check__variable_bound_to_a_field__has_its_type(db, wanted, given):
    make_feature(form_schema={**FORM, "properties": {"name": FIELDS[given]}})
    Prompt.objects.update(variables=[{"name": "name", "type": wanted}])
    fitting = {given, "unknown", *(["string", "integer"] if given == "several" else [])} & {*FIELDS}
    fits = wanted in fitting or given == "unknown" or (wanted == "number" and given in ("integer", "several"))

    assert errors() == ([] if fits else [("E_VARIABLE_MISTYPED", "/pipeline/ask/inputs.name")])


@pytest.mark.parametrize(
    ("variable", "codes"),
    [
        ({"type": "integer", "default": 3}, ["E_VARIABLE_MISTYPED"]),
        ({"type": "string", "default": 3}, ["E_VARIABLE_DEFAULT"]),
        ({"type": "string", "default": None}, ["E_VARIABLE_DEFAULT"]),
        ({"type": "string", "default": None, "required": False}, []),
        ({"type": "string", "default": ""}, []),
        ({"default": [1]}, []),
    ],
)
def test_check__default_of_a_variable__has_its_type(db, variable, codes):
    make_feature()
    Prompt.objects.update(variables=[{"name": "name", **variable}])

    assert [code for code, _path in errors()] == codes


@pytest.mark.parametrize(
    ("field", "required", "problems"),
    [
        ({"x-roles": ["member"], "default": "x"}, ["name"], []),
        ({"x-roles": ["member"]}, [], []),
        ({"x-roles": []}, [], [("E_FIELD_ROLES", "/form/schema/properties/name/x-roles")]),
        (
            {"allOf": [{"x-roles": ["ghost"]}]},
            [],
            [("E_ROLE_UNKNOWN", "/form/schema/properties/name/allOf/0/x-roles/0")],
        ),
        ({"x-roles": ["member"]}, ["name"], [("E_FIELD_HIDDEN_REQUIRED", "/form/schema/properties/name")]),
        ({"x-roles": ["member", "ghost"]}, [], [("E_ROLE_UNKNOWN", "/form/schema/properties/name/x-roles/1")]),
        ({"x-roles": [1]}, [], [("E_FIELD_ROLES", "/form/schema/properties/name/x-roles")]),
        ({"x-roles": None}, [], [("E_FIELD_ROLES", "/form/schema/properties/name/x-roles")]),
        (
            {"properties": {"in": {"x-roles": ["ghost"]}}, "required": ["in"]},
            [],
            [
                ("E_ROLE_UNKNOWN", "/form/schema/properties/name/properties/in/x-roles/0"),
                ("E_FIELD_HIDDEN_REQUIRED", "/form/schema/properties/name/properties/in"),
            ],
        ),
    ],
)
def test_check__roles_of_a_field__exist_and_hide_nothing_that_is_needed(db, field, required, problems):
    make_feature(form_schema={"type": "object", "required": required, "properties": {"name": field}})

    assert errors() == problems


def test_check__roles_of_the_result__exist_too(db):
    text = {"type": "string", "x-roles": ["member", "ghost"]}
    make_feature(output_schema={"type": "object", "properties": {"text": text}})

    assert errors() == [("E_ROLE_UNKNOWN", "/output/schema/properties/text/x-roles/1")]


def test_check__role_of_the_feature_that_is_gone__is_named(db):
    feature = make_feature()
    feature.roles.set([Group.objects.get(name="member")])
    kind = FeatureKind()
    payload = kind.collect("greeter")
    Group.objects.get(name="member").delete()

    problems = [(p.code, p.path) for p in kind.check("greeter", payload, None) if p.level == "error"]

    assert problems == [("E_ROLE_UNKNOWN", "/roles/0")]


@pytest.mark.parametrize("field", ["form_schema", "output_schema", "ui_schema", "output_ui", "table", "degrade"])
@pytest.mark.parametrize(
    "junk", [None, 5, "text", [], [5], {"properties": 5}, {"type": "object", "properties": {"a": 5}}]
)
def test_check__junk_in_a_draft__is_a_list_of_problems_and_no_crash(db, field, junk):
    make_feature()
    if junk is None:
        junk = True  # the columns hold no SQL null
    Feature.objects.update(**{field: junk})

    assert isinstance(told(), list)


@pytest.mark.parametrize("field", ["form_schema", "output_schema", "ui_schema", "table", "degrade"])
def test_check__nested_without_end__is_refused_and_no_crash(db, field):
    make_feature()
    value: Any = {}
    for _level in range(900):
        value = {"properties": value}
    kind = FeatureKind()
    payload = kind.collect("greeter")
    target = {"form_schema": payload["form"], "output_schema": payload["output"], "ui_schema": payload["form"]}
    target.get(field, payload)[
        {"form_schema": "schema", "output_schema": "schema", "ui_schema": "ui"}.get(field, field)
    ] = value

    assert [p.code for p in kind.check("greeter", payload, None)] == ["E_TOO_DEEP"]


def test_check__junk_in_parts__is_a_list_of_problems_and_no_crash(db):
    make_feature()

    for junk in (5, "text", [5], {"a": 1}, [{"name": 5}], [{"name": "name", "type": {}}]):
        Prompt.objects.update(variables=junk)
        assert isinstance(told(), list)
