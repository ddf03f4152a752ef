"""Who sees which field: the schema, the uiSchema and the values without what `x-roles` hides."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.form_input import field_errors, with_defaults
from apps.features.fields import (
    broken_rules,
    named_roles,
    sealed_schema,
    visible_schema,
    visible_ui,
    visible_values,
)

ADMIN, MEMBER, NOBODY = frozenset({"admin"}), frozenset({"member"}), frozenset[str]()
HIDDEN = {"type": "string", "default": "gold", "x-roles": ["admin", "editor"]}
OPEN = {"type": "string", "title": "Name"}


def form(**more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"name": OPEN, "tier": HIDDEN}, **more}


def test_visible_schema__role_named__sees_the_field_but_not_the_rule():
    shown = visible_schema(form(required=["name", "tier"]), ADMIN)

    assert shown["properties"]["tier"] == {"type": "string", "default": "gold"}
    assert shown["required"] == ["name", "tier"]


@pytest.mark.parametrize("roles", [MEMBER, NOBODY])
def test_visible_schema__role_not_named__sees_nothing_of_it(roles):
    schema = form(
        required=["name", "tier"],
        default={"name": "a", "tier": "b"},
        examples=[{"tier": "b"}],
        dependentRequired={"tier": ["name"], "name": ["tier"]},
        dependentSchemas={"tier": {"required": ["name"]}},
        allOf=[{"required": ["tier"]}],
    )
    before = copy.deepcopy(schema)

    shown = visible_schema(schema, roles)

    assert "tier" not in json.dumps(shown)
    assert shown["required"] == ["name"]
    assert schema == before


def nested(field: dict[str, Any]) -> list[dict[str, Any]]:
    """Objects with `secret` in every place where JSON Schema can put one."""
    inner = {"type": "object", "properties": {"secret": field, "name": OPEN}, "required": ["secret"]}
    return [
        {"type": "object", "properties": {"deep": {"type": "object", "properties": {"deeper": inner}}}},
        {"type": "object", "properties": {"list": {"type": "array", "items": inner}}},
        {"type": "object", "properties": {"pair": {"type": "array", "prefixItems": [inner]}}},
        {"type": "object", "properties": {"a": OPEN}, "allOf": [inner]},
        {"type": "object", "properties": {"a": OPEN}, "oneOf": [inner, {"required": ["a"]}]},
        {"type": "object", "properties": {"a": OPEN}, "if": {"required": ["a"]}, "then": inner},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/one"}}, "$defs": {"one": inner}},
        {"type": "object", "additionalProperties": inner},
        {"type": "object", "properties": {"properties": inner}},
    ]


@pytest.mark.parametrize("schema", nested({"type": "string", "x-roles": ["admin"]}))
def test_visible_schema__nested_anywhere__is_hidden_and_shown_alike(schema):
    assert "secret" not in json.dumps(visible_schema(schema, MEMBER))
    assert "secret" in json.dumps(visible_schema(schema, ADMIN))
    assert "x-roles" not in json.dumps([visible_schema(schema, MEMBER), visible_schema(schema, ADMIN)])


def test_visible_schema__definition_only_hidden_fields_used__goes_with_them():
    schema = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/open"}, "b": {"$ref": "#/$defs/secret", "x-roles": ["admin"]}},
        "$defs": {
            "open": OPEN,
            "secret": {"enum": ["gold"], "items": {"$ref": "#/$defs/inner"}},
            "inner": {"const": "deep"},
        },
    }

    assert visible_schema(schema, MEMBER)["$defs"] == {"open": OPEN}
    assert set(visible_schema(schema, ADMIN)["$defs"]) == {"open", "secret", "inner"}


def test_visible_schema__rule_in_the_definition__hides_every_field_that_uses_it():
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/secret"}, "b": OPEN}, "$defs": {"secret": HIDDEN}}

    shown = visible_schema(schema, MEMBER)

    assert (set(shown["properties"]), "gold" in json.dumps(shown)) == ({"b"}, False)


def test_visible_schema__condition_on_a_hidden_field__goes_with_its_branches():
    schema = form(**{"if": {"properties": {"tier": {"const": "gold"}}}, "then": {"required": ["name"]}, "else": {}})

    assert set(visible_schema(schema, MEMBER)) == {"type", "properties"}
    assert {"if", "then", "else"} < set(visible_schema(schema, ADMIN))


@pytest.mark.parametrize("rule", [[], "admin", None, True, {"admin": 1}, [1]])
def test_visible_schema__rule_cannot_be_read__hides_from_all(rule):
    schema = {"type": "object", "properties": {"a": OPEN, "b": {"type": "string", "x-roles": rule}}}

    assert set(visible_schema(schema, ADMIN)["properties"]) == {"a"}
    assert broken_rules(schema) == [rule]


def test_visible_schema__refers_to_itself__ends():
    schema = {
        "type": "object",
        "properties": {"child": {"$ref": "#"}, "self": {"$ref": "#/properties/self"}, "tier": HIDDEN},
    }

    assert set(visible_schema(schema, MEMBER)["properties"]) == {"child", "self"}


@pytest.mark.parametrize(
    "schema", [None, [], "text", True, {}, {"properties": 3}, {"properties": {"a": True}}, form(required=3)]
)
def test_visible_schema__draft_of_any_shape__does_not_break_it(schema):
    visible_schema(schema, MEMBER)
    visible_ui({"a": {}}, schema, MEMBER)
    visible_values({"a": 1}, schema, MEMBER)


def test_visible_ui__hidden_fields__leave_it_with_their_place_in_the_order():
    schema = {"type": "object", "properties": {"a": OPEN, "tier": HIDDEN, "list": {"items": form()}, "deep": form()}}
    ui = {
        "ui:order": ["tier", "a", "*"],
        "tier": {"ui:widget": "color"},
        "list": {"items": {"tier": {}, "name": {"ui:help": "x"}}},
        "deep": {"tier": {}, "ui:title": "Deep"},
    }

    assert visible_ui(ui, schema, MEMBER) == {
        "ui:order": ["a", "*"],
        "list": {"items": {"name": {"ui:help": "x"}}},
        "deep": {"ui:title": "Deep"},
    }
    assert visible_ui(ui, schema, ADMIN) == ui


def test_visible_values__hidden_fields__are_left_out_at_every_depth():
    schema = {"type": "object", "properties": {"tier": HIDDEN, "list": {"items": form()}, "deep": {"allOf": [form()]}}}
    values = {"tier": 1, "list": [{"name": "a", "tier": 2}], "deep": {"tier": 3, "x": 4}, "unknown": 5}

    assert visible_values(values, schema, MEMBER) == {"list": [{"name": "a"}], "deep": {"x": 4}, "unknown": 5}
    assert visible_values(values, schema, ADMIN) == values
    assert visible_values(None, schema, MEMBER) is None


def test_sealed_schema__hidden_field_sent__is_refused_like_an_unknown_one():
    closed = form(additionalProperties=False, required=["tier"])

    (hidden,) = field_errors(sealed_schema(closed, MEMBER), {"tier": "gold"})
    (unknown,) = field_errors(sealed_schema(closed, MEMBER), {"nonsense": "gold"})

    assert hidden == {**unknown, "pointer": "/tier"}
    assert field_errors(sealed_schema(closed, ADMIN), {"tier": "gold"}) == []


def test_sealed_schema__other_fields_are_welcome__the_hidden_one_is_still_refused():
    assert field_errors(sealed_schema(form(), MEMBER), {"more": 1}) == []
    assert [e["pointer"] for e in field_errors(sealed_schema(form(), MEMBER), {"tier": "x"})] == ["/tier"]


def test_sealed_schema__nothing_sent__asks_nothing_and_fills_nothing_hidden():
    sealed = sealed_schema(form(required=["tier"]), MEMBER)

    assert (with_defaults(sealed, {}), field_errors(sealed, {})) == ({}, [])


def test_named_roles__form__are_all_that_any_rule_names():
    assert named_roles([form(), {"items": {"x-roles": ["viewer", 3]}}, {"x-roles": "text"}]) == {
        "admin",
        "editor",
        "viewer",
    }


_leaves = st.sampled_from([OPEN, HIDDEN, {"type": "integer", "x-roles": ["member"]}, {"x-roles": []}, True])
_schemas = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from("abc"), inner).map(
            lambda p: {"type": "object", "properties": p, "required": [*p]}
        ),
        inner.map(lambda i: {"type": "array", "items": i}),
        st.lists(inner, min_size=1, max_size=2).map(lambda some: {"allOf": some}),
    ),
    max_leaves=12,
)
_values = st.recursive(
    st.integers(0, 2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner) | st.lists(inner, max_size=2),
    max_leaves=8,
)


@given(_schemas, st.frozensets(st.sampled_from(["admin", "member"])))
def test_visible_schema__any_schema__tells_no_rule_and_grows_with_the_roles(schema, roles):
    shown = json.dumps(visible_schema(schema, roles))

    assert "x-roles" not in shown
    assert len(shown) <= len(json.dumps(visible_schema(schema, frozenset({"admin", "member"}))))


@given(_schemas, _values, st.frozensets(st.sampled_from(["admin", "member"])))
def test_visible_values__any_value__is_what_the_sealed_schema_does_not_refuse_as_hidden(schema, value, roles):
    shown = visible_values(value, schema, roles)

    errors = field_errors(sealed_schema(schema, roles), shown) if isinstance(schema, dict) else []
    assert "additionalProperties" not in {error["code"] for error in errors}
    assert visible_values(shown, schema, roles) == shown
