"""Declared variables: every mistake with its place in the list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.prompts.declarations import MAX_VARIABLES, mistakes_in
from tests.prompts.test_templates import json_values

FINE = [
    {"name": "a"},
    {"name": "名", "type": "string", "required": False, "description": "Who", "default": None},
    {"name": "tone", "type": "string", "choices": ["kind", "short"], "default": "kind"},
    {"name": "count", "type": "integer", "choices": [1, 2], "default": 2},
    {"name": "title", "type": "string", "max_length": 5, "default": "abcde"},
    {"name": "list", "type": "array", "default": []},
    {"name": "free", "choices": ["a", 1]},
]


def test_mistakes__sound_list__are_none():
    assert mistakes_in(FINE) == []


@pytest.mark.parametrize(
    ("variable", "code", "pointer"),
    [
        ("name", "E_VARIABLES_SHAPE", "/0"),
        ({}, "E_VARIABLES_SHAPE", "/0"),
        ({"name": 5}, "E_VARIABLES_SHAPE", "/0"),
        ({"name": ""}, "E_VARIABLE_NAME", "/0/name"),
        ({"name": "1a"}, "E_VARIABLE_NAME", "/0/name"),
        ({"name": "a b"}, "E_VARIABLE_NAME", "/0/name"),
        ({"name": "a.b"}, "E_VARIABLE_NAME", "/0/name"),
        ({"name": "forloop"}, "E_VARIABLE_NAME", "/0/name"),
        ({"name": "x" * 65}, "E_VARIABLE_NAME", "/0/name"),
        ({"name": "a", "type": "text"}, "E_VARIABLE_TYPE", "/0/type"),
        ({"name": "a", "type": ["string"]}, "E_VARIABLE_TYPE", "/0/type"),
        ({"name": "a", "required": "yes"}, "E_VARIABLE_FIELD", "/0/required"),
        ({"name": "a", "description": 5}, "E_VARIABLE_FIELD", "/0/description"),
        ({"name": "a", "lable/x": 5}, "E_VARIABLE_FIELD", "/0/lable~1x"),
        ({"name": "a", "choices": []}, "E_VARIABLE_CHOICES", "/0/choices"),
        ({"name": "a", "choices": "ab"}, "E_VARIABLE_CHOICES", "/0/choices"),
        ({"name": "a", "type": "boolean", "choices": [True]}, "E_VARIABLE_CHOICES", "/0/choices"),
        ({"name": "a", "type": "string", "choices": ["a", 1]}, "E_VARIABLE_CHOICES", "/0/choices/1"),
        ({"name": "a", "type": "string", "choices": ["a", "a"]}, "E_VARIABLE_CHOICES", "/0/choices/1"),
        ({"name": "a", "choices": ["a", None]}, "E_VARIABLE_CHOICES", "/0/choices/1"),
        ({"name": "a", "max_length": 0}, "E_VARIABLE_LENGTH", "/0/max_length"),
        ({"name": "a", "max_length": True}, "E_VARIABLE_LENGTH", "/0/max_length"),
        ({"name": "a", "type": "array", "max_length": 5}, "E_VARIABLE_LENGTH", "/0/max_length"),
        ({"name": "a", "type": "string", "default": 3}, "E_VARIABLE_DEFAULT", "/0/default"),
        ({"name": "a", "type": "string", "default": None}, "E_VARIABLE_DEFAULT", "/0/default"),
        ({"name": "a", "choices": ["a"], "default": "b"}, "E_VARIABLE_DEFAULT", "/0/default"),
        ({"name": "a", "max_length": 2, "default": "abc"}, "E_VARIABLE_DEFAULT", "/0/default"),
    ],
)
def test_mistakes__one__is_named_with_its_place(variable, code, pointer):
    assert [(mistake.code, mistake.pointer) for mistake in mistakes_in([variable])] == [(code, pointer)]


def test_mistakes__declared_twice__points_at_the_second():
    assert [m.pointer for m in mistakes_in([{"name": "a"}, {"name": "b"}, {"name": "a"}])] == ["/2/name"]


@pytest.mark.parametrize("variables", [{}, None, "a", [{"name": "a"}] * (MAX_VARIABLES + 1)])
def test_mistakes__no_list_or_too_long__is_one(variables):
    assert [m.code for m in mistakes_in(variables)] == ["E_VARIABLES_SHAPE"]


@given(
    json_values
    | st.lists(st.dictionaries(st.sampled_from(["name", "type", "choices", "default", "max_length"]), json_values))
)
def test_mistakes__any_json__is_judged(variables):
    assert all(mistake.message for mistake in mistakes_in(variables))
