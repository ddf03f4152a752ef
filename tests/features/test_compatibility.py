"""Breaks: what worked with the live version and will not with the next, named field by field."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.config import reader
from apps.core.form_input import field_errors, with_defaults
from apps.core.publishing.errors import BreakUnconfirmed
from apps.core.publishing.models import Head
from apps.core.publishing.services import publish
from apps.features.checks.compatibility import breaks
from apps.features.models import Feature
from apps.features.publishing import SCOPE
from tests.features.builders import FORM, make_feature

OLD = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 2, "maxLength": 50},
        "size": {"type": "integer", "minimum": 1, "maximum": 9},
        "tone": {"type": "string", "oneOf": [{"const": "a"}, {"const": "b"}]},
        "kind": {"enum": ["x", "y", 1]},
        "file": {"type": "string", "contentMediaType": "image/*"},
        "any": {},
        "step": {"type": "number", "multipleOf": 4},
        "place": {"type": "object", "properties": {"city": {"type": "string"}, "items": {"type": "string"}}},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 9}},
        "part": {"$ref": "#/$defs/part"},
    },
    "$defs": {"part": {"type": "object", "properties": {"weight": {"type": "number"}}}},
}
OUTPUT = {
    "type": "object",
    "properties": {
        "text": {"type": "string"},
        "count": {"type": "number"},
        "any": {},
        "box": {"type": "object", "properties": {"width": {"type": "integer"}}},
    },
}


def payload(form: Any = None, output: Any = None) -> dict[str, Any]:
    return {"form": {"schema": form or OLD}, "output": {"schema": output or OUTPUT}}


def told(new: dict[str, Any]) -> list[tuple[str, str]]:
    found = list(breaks(new, payload()))
    assert {problem.level for problem in found} <= {"break"}
    return [(problem.code, problem.path) for problem in found]


def form(required: list[str] | None = None, **fields: Any) -> dict[str, Any]:
    """The old form with some fields changed, added, or (None) removed."""
    properties = {**copy.deepcopy(OLD["properties"]), **fields}
    kept = {name: field for name, field in properties.items() if field is not None}
    return {**OLD, "properties": kept, "required": OLD["required"] if required is None else required}


def output(**fields: Any) -> dict[str, Any]:
    properties = {**OUTPUT["properties"], **fields}
    return {**OUTPUT, "properties": {name: field for name, field in properties.items() if field is not None}}


BREAKS = [
    (form(size=None), "E_BREAK_REMOVED", "/size"),
    (
        form(place={"type": "object", "properties": {"items": {"type": "string"}}}),
        "E_BREAK_REMOVED",
        "/place/properties/city",
    ),
    (
        form(place={"type": "object", "properties": {"city": {"type": "string"}}}),
        "E_BREAK_REMOVED",
        "/place/properties/items",
    ),
    (form(place=None), "E_BREAK_REMOVED", "/place"),
    (form(name={"type": "integer"}), "E_BREAK_TYPE", "/name"),
    (form(any={"type": "string"}), "E_BREAK_TYPE", "/any"),
    (form(step={"type": "integer"}), "E_BREAK_TYPE", "/step"),
    (form(tags={"type": "array", "items": {"type": "integer"}}), "E_BREAK_TYPE", "/tags/items"),
    (
        form(part={"type": "object", "properties": {"weight": {"type": "string"}}}),
        "E_BREAK_TYPE",
        "/part/properties/weight",
    ),
    (form(["name", "size"]), "E_BREAK_REQUIRED", "/size"),
    (form(["name", "fresh"], fresh={"type": "string"}), "E_BREAK_REQUIRED", "/fresh"),
    (form(tone={"type": "string", "oneOf": [{"const": "a"}]}), "E_BREAK_ENUM", "/tone"),
    (form(tone={"type": "string", "const": "a"}), "E_BREAK_ENUM", "/tone"),
    (form(kind={"enum": ["x", "y", True]}), "E_BREAK_ENUM", "/kind"),
    (form(any={"enum": [1]}), "E_BREAK_LIMIT", "/any"),
    (form(name={"type": "string", "minLength": 3, "maxLength": 50}), "E_BREAK_LIMIT", "/name/minLength"),
    (form(name={"type": "string", "maxLength": 49}), "E_BREAK_LIMIT", "/name/maxLength"),
    (form(name={"type": "string", "pattern": "a"}), "E_BREAK_LIMIT", "/name/pattern"),
    (form(name={"type": "string", "format": "color"}), "E_BREAK_LIMIT", "/name/format"),
    (form(size={"type": "integer", "minimum": 2}), "E_BREAK_LIMIT", "/size/minimum"),
    (form(size={"type": "integer", "maximum": 8}), "E_BREAK_LIMIT", "/size/maximum"),
    (form(size={"type": "integer", "exclusiveMaximum": 9}), "E_BREAK_LIMIT", "/size/exclusiveMaximum"),
    (form(file={"type": "string", "contentMediaType": "image/png"}), "E_BREAK_LIMIT", "/file/contentMediaType"),
    (form(step={"type": "number", "multipleOf": 8}), "E_BREAK_LIMIT", "/step/multipleOf"),
    (
        form(tags={"type": "array", "items": {"type": "string", "maxLength": 9}, "uniqueItems": True}),
        "E_BREAK_LIMIT",
        "/tags/uniqueItems",
    ),
    (
        form(tags={"type": "array", "items": {"type": "string", "maxLength": 8}}),
        "E_BREAK_LIMIT",
        "/tags/items/maxLength",
    ),
    (
        form(size={"type": "integer", "minimum": 1, "maximum": 9, "x-roles": ["admin"]}),
        "E_BREAK_LIMIT",
        "/size/x-roles",
    ),
]


@pytest.mark.parametrize(("new", "code", "where"), BREAKS)
def test_breaks__form_takes_less__is_named_once_with_its_field(new, code, where):
    assert told(payload(new)) == [(code, f"/form/schema/properties{where}")]


def test_breaks__form_refuses_other_fields__is_named():
    assert told(payload({**OLD, "additionalProperties": False})) == [
        ("E_BREAK_LIMIT", "/form/schema/additionalProperties")
    ]


@pytest.mark.parametrize(
    "new",
    [
        OLD,
        form([]),
        form(fresh={"type": "string"}),
        form(["name", "fresh"], fresh={"type": "string", "default": "x"}),
        form(fresh={"type": "object", "required": ["inner"], "properties": {"inner": {"type": "string"}}}),
        form(name={"type": "string"}),
        form(name={"type": ["string", "null"], "minLength": 0}),
        form(size={"type": "number", "minimum": 0, "maximum": 10}),
        form(size={}),
        form(tone={"type": "string", "enum": ["a", "b", "c"]}),
        form(tone={"type": "string"}),
        form(file={"type": "string", "contentMediaType": "*/*"}),
        form(step={"type": "number", "multipleOf": 2}),
        form(
            name={"type": "string", "minLength": 2, "maxLength": 50, "title": "Other", "x-i18n": {"en": {"title": "x"}}}
        ),
        form(part={"type": "object", "properties": {"weight": {"type": "number"}}}),
        form(any=True),
    ],
)
def test_breaks__form_takes_as_much_or_more__are_none(new):
    assert told(payload(new)) == []


@pytest.mark.parametrize(
    ("new", "problems"),
    [
        (output(text=None), [("E_BREAK_OUTPUT_REMOVED", "/text")]),
        (output(text={"type": "object"}), [("E_BREAK_OUTPUT_TYPE", "/text")]),
        (output(text={}), [("E_BREAK_OUTPUT_TYPE", "/text")]),
        (output(text={"type": ["string", "null"]}), [("E_BREAK_OUTPUT_TYPE", "/text")]),
        (output(box={"type": "object", "properties": {}}), [("E_BREAK_OUTPUT_REMOVED", "/box/properties/width")]),
        (output(box=None), [("E_BREAK_OUTPUT_REMOVED", "/box")]),
        (output(count={"type": "integer"}, any={"type": "string"}, more={"type": "string"}), []),
    ],
)
def test_breaks__output__is_compared_the_other_way_round(new, problems):
    assert told(payload(output=new)) == [(code, f"/output/schema/properties{where}") for code, where in problems]


@pytest.mark.parametrize("live", [None, payload({"type": "object"}), payload({"properties": {"x": {"type": "nope"}}})])
def test_breaks__nothing_live_or_no_schema__are_none(live):
    assert list(breaks(payload(form(size=None)), live)) == []


def test_breaks__words__say_what_and_who():
    (removed,) = breaks(payload(form(size=None)), payload())
    (narrower,) = breaks(payload(form(size={"type": "integer", "maximum": 8})), payload())

    assert removed.message == "The field “size” is gone: callers that still send it are refused or not heard."
    assert narrower.message == ("“size” takes less than before (maximum: 9 → 8): callers that send more are refused.")


fields = st.fixed_dictionaries(
    {"type": st.sampled_from(["string", "integer", "number", "boolean"])},
    optional={
        "minimum": st.integers(0, 3),
        "maximum": st.integers(2, 5),
        "maxLength": st.integers(1, 3),
        "enum": st.lists(st.sampled_from(["a", "bb", 1, 3, True]), min_size=1, max_size=3, unique_by=repr),
        "default": st.sampled_from(["a", 1]),
    },
)
forms = st.builds(
    lambda properties, required: {"type": "object", "properties": properties, "required": sorted(required)},
    st.dictionaries(st.sampled_from("xyz"), fields, min_size=1),
    st.sets(st.sampled_from("xyz")),
).filter(lambda schema: set(schema["required"]) <= set(schema["properties"]))
inputs = st.dictionaries(st.sampled_from("xyz"), st.sampled_from(["a", "bb", "cccc", 1, 3, 6, 2.5, True]))


@given(forms, forms, st.lists(inputs, min_size=5, max_size=5))
def test_breaks__none_told__whatever_was_taken_still_is(old, new, given_inputs):
    if list(breaks({**payload(), "form": {"schema": new}}, {**payload(), "form": {"schema": old}})):
        return

    for sent in given_inputs:
        value = {name: sent[name] for name in sent if name in old["properties"]}  # what the old form knew
        if not field_errors(old, with_defaults(old, value)) and "default" not in repr(new):
            assert field_errors(new, with_defaults(new, value)) == []


def test_publish__breaking_the_live_version__needs_to_be_confirmed(db):
    make_feature(published=True)
    head = list(Head.objects.filter(scope=SCOPE).values_list())
    Feature.objects.update(form_schema={**FORM, "properties": {"name": {"type": "string", "maxLength": 5}}})

    with pytest.raises(BreakUnconfirmed) as refused:
        publish(SCOPE, "greeter", by=None)

    assert list(Head.objects.filter(scope=SCOPE).values_list()) == head
    told = [(p["code"], p["path"], p["level"]) for p in refused.value.details["problems"]]
    assert told == [
        ("E_ROUTE_MOCK", "/routes", "warning"),
        ("E_BREAK_LIMIT", "/form/schema/properties/name/maxLength", "break"),
    ]
    assert publish(SCOPE, "greeter", by=None, confirm=True).version == 2
    reader.reset()
    assert reader.get(SCOPE, "greeter")[0] == 2
