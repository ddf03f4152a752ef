"""`docs/ui-schema.json` is what front ends may rely on: real answers of every route, role and language fit it."""

import json
from typing import Any

import jsonschema_rs
import pytest
from django.conf import settings
from django.contrib.auth.models import Group

from apps.core.config import reader
from apps.core.lane.app import routes
from apps.features import answers
from apps.features.closure import collect
from apps.features.feed import Viewer
from apps.features.models import Feature
from apps.features.services import publish_feature
from apps.features.ui import Shown, _one, _schema
from tests.conftest import Api, make_user
from tests.features.builders import FORM, OUTPUT, make_feature

ROUTES = {
    "/api/v1/ui/menus": "UiMenus",
    "/api/v1/ui/features": "UiFeatures",
    "/api/v1/ui/schema": "UiSchema",
    "/api/v1/ui/schema?feature=greeter": "UiFeatureSchema",
}


def contract(name: str) -> Any:
    document = json.loads((settings.BASE_DIR / "docs/ui-schema.json").read_text())
    del document["anyOf"]
    return jsonschema_rs.Draft202012Validator({**document, "$ref": f"#/$defs/{name}"})


@pytest.fixture
def catalogue(db):
    make_feature(published=True)
    staff = make_feature("staff")
    staff.roles.set([Group.objects.get(name="admin")])
    publish_feature("staff", by=None)
    reader.reset()


@pytest.mark.parametrize("address", ROUTES)
@pytest.mark.parametrize("role", [None, "member", "viewer", "editor", "admin"])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_answer__every_route_role_and_language__fits_the_contract(catalogue, address, role, language):
    user = make_user("pat", role=role) if role else None

    answer = Api(user).get(address, headers={"Accept-Language": language})

    assert [error.message for error in contract(ROUTES[address]).iter_errors(answer.json())] == []


def test_answer__demo_features__fit_the_contract(demo, member):
    for address, name in list(ROUTES.items())[:3]:
        contract(name).validate(Api(member).get(address).json())


@pytest.mark.parametrize("address", ROUTES)
def test_contract__something_missing_or_of_another_type__is_refused(catalogue, member, address):
    body = Api(member).get(address).json()

    for broken in ({**body, "revision": "7"}, {k: v for k, v in body.items() if k != "revision"}):
        assert not contract(ROUTES[address]).is_valid(broken)


def test_contract__document__is_a_schema_with_a_name_and_a_version():
    document = json.loads((settings.BASE_DIR / "docs/ui-schema.json").read_text())

    jsonschema_rs.meta.validate(document)
    assert (document["$id"], document["version"]) == ("urn:paiban:ui-schema:1", 1)
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_contract__fields_told_by_version_1__are_all_there():
    """Front ends parse these: one may be added here with the code, none taken away without a new version."""
    told = {name: set(part["properties"]) for name, part in answers.components(answers.DEFINITIONS).items()}

    assert told["UiMenuItem"] >= {"feature", "title", "description", "icon", "route", "order", "permissions"}
    assert told["UiSchema"] >= {"revision", "menus", "forms", "tables", "permissions"}
    assert told["UiFeatureSchema"] >= {"revision", "feature", "form", "output", "table", "permissions"}
    assert told["UiFeature"] >= {
        "key",
        "version",
        "title",
        "cost",
        "menu",
        "route",
        "form",
        "pipeline",
        "prompts",
        "degrade",
    }
    assert told["UiColumn"] >= {"key", "title", "type", "where"}


def test_openapi__ui_routes__refer_to_the_same_types():
    schemas = {
        route.path: route.operation["responses"]["200"]["content"]["application/json"]["schema"]
        for route in routes
        if f"{route.path}" in ROUTES
    }

    assert schemas["/api/v1/ui/menus"] == {"$ref": "#/components/schemas/UiMenus"}
    assert [ref["$ref"].rpartition("/")[2] for ref in schemas["/api/v1/ui/schema"]["oneOf"]] == [
        "UiSchema",
        "UiFeatureSchema",
    ]
    components = next(route.components for route in routes if route.path == "/api/v1/ui/menus")
    assert set(components) == set(answers.components(answers.COMPONENTS))


# --- tables -----------------------------------------------------------------------------------

FIELDS: dict[str, Any] = {
    "name": {"type": "string", "title": "Name", "x-i18n": {"zh-hans": {"title": "名字"}}},
    "photo": {"type": "string", "format": "file"},
    "size": {"type": ["null", "integer"]},
    "style": {"enum": ["a", "b"]},
    "ratio": {"oneOf": [{"const": 1.5}, {"const": 2.0}]},
    "deep": {"type": "object", "properties": {}},
    "open": True,
    "colour": {"type": "string", "format": "color"},
    "loud": {"type": "boolean"},
}


def columns(roles: frozenset[str] = frozenset(), language: str = "en", **payload: Any) -> list[tuple[str, ...]]:
    feature = make_feature(form_schema={**FORM, "properties": FIELDS}, output_schema=OUTPUT)
    shown = Shown(1, {"greeter": (1, {**collect(feature), **payload})}, Viewer(roles, True, language))
    answer = _one("greeter", shown)
    assert answer.table == _schema(shown).tables["greeter"]
    return [(c.key, c.title, c.type, c.where) for c in answer.table.columns]


def test_table__operator_chose_nothing__first_five_short_scalar_fields(db):
    assert columns(table=[], language="zh-hans") == [
        ("name", "名字", "string", "input"),
        ("size", "size", "integer", "input"),
        ("style", "style", "string", "input"),
        ("ratio", "ratio", "number", "input"),
        ("colour", "colour", "string", "input"),
    ]


def test_table__operator_chose__those_in_that_order_without_unknown_ones(db):
    wanted = ["text", "photo", "ghost", 3, "deep", "name"]

    assert columns(table=wanted) == [
        ("text", "text", "string", "output"),
        ("photo", "photo", "string", "input"),
        ("deep", "deep", "object", "input"),
        ("name", "Name", "string", "input"),
    ]


def test_table__column_of_a_hidden_field__only_for_those_who_see_it(db, monkeypatch):
    monkeypatch.setitem(FIELDS, "name", {**FIELDS["name"], "x-roles": ["admin"]})

    assert columns(table=["name", "text"]) == [("text", "text", "string", "output")]
    Feature.objects.all().delete()


@pytest.mark.parametrize("table", [None, "name", {"name": 1}, [None], ["ghost"]])
def test_table__unreadable_choice__is_as_none(db, table):
    assert [column[0] for column in columns(table=table)] == ["name", "size", "style", "ratio", "colour"]


# --- degrade ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (None, {"degraded": False}),
        ({}, {"degraded": False}),
        ({"model": "secret-stand-in"}, {"degraded": False}),
        (
            {"notice": {"en": "Slow today", "zh-hans": "今天较慢"}, "model": "secret-stand-in"},
            {"degraded": False, "notice": "Slow today"},
        ),
        ({"notice": {"en": ""}}, {"degraded": False}),
        ({"notice": "Slow today"}, {"degraded": False, "notice": "Slow today"}),
        ({"notice": 3}, {"degraded": False}),
        ("broken", {"degraded": False}),
    ],
)
def test_features__degrade_policy__tells_the_words_alone(db, member, monkeypatch, policy, told):
    make_feature(published=True)
    version, payload = reader.get("feature", "greeter")
    changed = {**payload, "degrade": policy}
    monkeypatch.setattr(reader, "served", lambda scope, person: {"greeter": (version, changed)})

    answer = Api(member).get("/api/v1/ui/features")

    assert answer.json()["items"][0]["degrade"] == told
    assert "secret-stand-in" not in answer.text
