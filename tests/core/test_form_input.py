"""Task input: defaults filled in, every refusal with a pointer, a code and words."""

import pytest
from django.utils import translation

from apps.core.form_input import field_errors, file_fields, with_defaults

FORM = {
    "type": "object",
    "required": ["image"],
    "additionalProperties": False,
    "properties": {
        "image": {"type": "string", "format": "file"},
        "size": {"type": "integer", "minimum": 64, "maximum": 4000, "multipleOf": 2, "default": 1500},
        "colour": {"type": "string", "pattern": "^#[0-9a-f]{6}$", "maxLength": 7},
        "format": {"oneOf": [{"const": "png"}, {"const": "webp"}]},
        "a/b~c": {"type": "string"},
        "margins": {"type": "object", "properties": {"top": {"type": "integer", "default": 4, "maximum": 9}}},
        "tags": {"type": "array", "items": {"type": "string", "minLength": 2}},
    },
}


@pytest.mark.parametrize(
    ("value", "pointer", "code", "message"),
    [
        ({}, "/image", "required", "This field is needed."),
        ({"image": 5}, "/image", "type", "This is not the expected kind of value."),
        ({"image": "x", "size": 100_000}, "/size", "maximum", "At most 4000."),
        ({"image": "x", "size": 2}, "/size", "minimum", "At least 64."),
        ({"image": "x", "size": 65}, "/size", "multipleOf", "Not one of the allowed steps."),
        ({"image": "x", "size": "65"}, "/size", "type", "This is not the expected kind of value."),
        ({"image": "x", "colour": "red"}, "/colour", "pattern", "This does not have the expected form."),
        ({"image": "x", "format": "gif"}, "/format", "oneOf", "Choose one of the offered values."),
        ({"image": "x", "extra": 1}, "/extra", "additionalProperties", "This field is not known."),
        ({"image": "x", "e/x~tra": 1}, "/e~1x~0tra", "additionalProperties", "This field is not known."),
        ({"image": "x", "a/b~c": 1}, "/a~1b~0c", "type", "This is not the expected kind of value."),
        ({"image": "x", "margins": {"top": 99}}, "/margins/top", "maximum", "At most 9."),
        ({"image": "x", "tags": ["ok", "x"]}, "/tags/1", "minLength", "At least 2 characters."),
        ([], "", "type", "This is not the expected kind of value."),
    ],
)
def test_errors__one_thing_wrong__is_named_exactly(value, pointer, code, message):
    with translation.override("en"):
        assert field_errors(FORM, value) == [{"pointer": pointer, "code": code, "message": message}]


def test_errors__several_things_wrong__are_all_named():
    told = field_errors(FORM, {"size": 1, "x": 1, "y": 2})

    assert sorted(problem["pointer"] for problem in told) == ["/image", "/size", "/size", "/x", "/y"]


def test_errors__good_input__is_none():
    assert field_errors(FORM, {"image": "x", "size": 64, "tags": []}) == []


def test_defaults__absent_fields__are_filled_and_given_ones_kept():
    given = {"image": "x", "margins": {}}

    assert with_defaults(FORM, given) == {"image": "x", "size": 1500, "margins": {"top": 4}}
    assert with_defaults(FORM, {"size": None}) == {"size": None}
    assert given == {"image": "x", "margins": {}}


def test_defaults__boolean_schemas__are_left_alone():
    form = {"properties": {"any": True, "none": False, "size": {"default": 1}}}

    assert (with_defaults(form, {}), file_fields(form)) == ({"size": 1}, {})


def test_file_fields__form__are_those_of_format_file():
    assert list(file_fields(FORM)) == ["image"]
