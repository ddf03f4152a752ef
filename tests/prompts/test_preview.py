"""A look at a draft: rendered as far as it goes, with every problem in its place; values stay data."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.prompts import templates
from apps.prompts.models import Prompt
from apps.prompts.places import place_of
from apps.prompts.preview import look_at
from apps.providers.services import release_catalogue
from tests.conftest import Api, make_user
from tests.features.builders import make_model
from tests.prompts.builders import NAME, make_greeting, make_label, make_versions
from tests.prompts.test_templates import json_values

ADDRESS = "/api/v1/admin/prompts/preview"


def look(body="", variables=(), values=None, **more):  # type: ignore[no-untyped-def]
    content = {"system": more.pop("system", ""), "body": body, "variables": list(variables)}
    return look_at(content, values or {}, **more).as_dict()


def places(told):  # type: ignore[no-untyped-def]
    return [(p["code"], p["field"], p["line"], p["column"], p["endLine"], p["endColumn"]) for p in told["problems"]]


def test_look__all_given__is_rendered_without_a_problem(db):
    told = look("Greet {{ name }}.", [NAME], {"name": "Mia"}, system="Be kind.")

    assert told == {
        "system": "Be kind.",
        "body": "Greet Mia.",
        "missingVars": [],
        "unused": [],
        "mistyped": [],
        "problems": [],
        "origins": [],
        "tokens": {"system": 2, "body": 3, "total": 5, "by": "estimate"},
        "price": None,
    }


def test_look__missing_value__is_named_and_shown_in_its_place(db):
    told = look("Greet {{ name }}{{ tone }}.", [NAME, {"name": "tone", "required": False}])

    assert (told["missingVars"], told["body"], told["problems"]) == (["name"], "Greet {{ name }}.", [])


@pytest.mark.parametrize(
    ("variable", "value", "mistyped"),
    [
        ({"type": "integer"}, "three", ("integer", "string")),
        ({"type": "string"}, 3, ("string", "integer")),
        ({"type": "boolean"}, 1, ("boolean", "integer")),
        ({"type": "array"}, {"a": 1}, ("array", "object")),
        ({"type": "string", "choices": ["a", "b"]}, "c", ("string [a, b]", "string")),
        ({"type": "string", "max_length": 2}, "abc", ("string ≤ 2", "string")),
        ({"type": "number"}, 1.5, None),
        ({"type": "string", "choices": ["a", "b"]}, "a", None),
        ({}, [1], None),
    ],
)
def test_look__value__fits_or_is_mistyped(db, variable, value, mistyped):
    told = look("{{ v }}", [{"name": "v", **variable}], {"v": value})

    wanted = [{"name": "v", "expected": mistyped[0], "given": mistyped[1]}] if mistyped else []
    assert told["mistyped"] == wanted


def test_look__undeclared__is_a_problem_where_it_stands(db):
    told = look("Hi\n😀 {{ who }} and {{ name }}", [NAME], {"name": "Mia"})

    assert places(told) == [("E_VARIABLE_UNDECLARED", "body", 2, 7, 2, 10)]
    assert (told["missingVars"], told["body"]) == (["who"], "Hi\n😀 {{ who }} and Mia")


def test_look__unused__is_named(db):
    assert look("{{ name }}", [NAME, {"name": "tone"}], {"name": "Mia"})["unused"] == ["tone"]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("{{ name | shout }}", ("E_TEMPLATE", "body", 1, 11, 1, 16)),
        ("a\r\n{% nope %}", ("E_TEMPLATE", "body", 2, 4, 2, 8)),
        ("a {{ name", ("E_TEMPLATE", "body", 1, 3, 1, 4)),
        ("{% if name %}", ("E_TEMPLATE", "body", 1, 14, 1, 14)),
        ("x {% render 'gone' %}", ("E_INCLUDE_UNKNOWN", "body", 1, 13, 1, 19)),
        ("{% render 'self' %}", ("E_INCLUDE_CYCLE", "body", 1, 11, 1, 17)),
        ("{% raw %}{{ x }}", ("E_TEMPLATE", "body", 1, 10, 1, 11)),
    ],
)
def test_look__broken_text__is_told_with_its_place_and_the_other_rendered(db, body, place):
    told = look(body, [NAME], {"name": "Mia"}, system="Dear {{ name }}", key="self")

    assert places(told)[0] == place
    assert (told["system"], told["body"]) == ("Dear Mia", "")


def test_look__included_drafts_and_versions__are_rendered(db):
    make_versions("tone", "Kindly, {{ name }}.", "Gladly, {{ name }}.")
    make_label("tone", "production", 1)

    told = look("{% render 'tone@production' %} {% render 'tone' %}", [NAME], {"name": "Mia"})

    assert (told["body"], told["problems"]) == ("Kindly, Mia. Gladly, Mia.", [])


def test_look__variable_of_an_included_text__belongs_to_this_one(db):
    make_greeting("tone", body="{{ mood }}", variables=[{"name": "mood", "type": "string"}])

    told = look("{% render 'tone' %}")

    assert (told["missingVars"], told["body"], told["problems"]) == (["mood"], "{{ mood }}", [])


def test_look__problem_in_an_included_text__is_told_at_the_tag(db):
    Prompt.objects.create(key="tone", name="Tone", body="{{ mood }}")

    told = look("Now {% render 'tone' %}")

    assert places(told) == [("E_VARIABLE_UNDECLARED", "body", 1, 15, 1, 21)]


@pytest.mark.parametrize(
    ("variables", "pointer"), [([{"name": 1}], "/0"), ([NAME, NAME], "/1/name"), ([{"name": "a", "x": 1}], "/0/x")]
)
def test_look__bad_declarations__are_told_with_their_pointer(db, variables, pointer):
    told = look("{{ name }}{{ a }}", variables)

    assert pointer in [p["pointer"] for p in told["problems"] if p["field"] == "variables"]


def test_look__work_without_end__is_a_problem(db):
    told = look("{% for i in (1..100000000) %}x{% endfor %}")

    assert ([code for code, *_rest in places(told)], told["body"]) == (["E_TEMPLATE"], "")


def test_look__price_in_the_catalogue__is_that_of_the_estimate(db):
    endpoint = make_model(handler_key="mock")
    endpoint.offers.create(model="m", capabilities=["chat"], price_input=3_000_000)
    release_catalogue(by=None)

    assert look("four", model="m")["price"] == {"model": "m", "input_micro": 3}
    assert look("four", model="other")["price"] is None


def test_look__price_is_not_known__is_none(db):
    make_model()

    assert look("four", model="mock-1")["price"] is None


@settings(max_examples=150, deadline=None)
@given(
    st.text(alphabet="{}%| .:'\"abif0()[]\n-", max_size=40),
    st.dictionaries(st.text(alphabet="abif", max_size=3), json_values, max_size=4),
    json_values | st.lists(st.fixed_dictionaries({"name": json_values}), max_size=3),
)
def test_look__any_draft_and_values__is_an_answer(source, values, variables):
    # No include can be parsed from this alphabet, so that no database is asked.
    told = look_at({"system": "", "body": source, "variables": variables}, values).as_dict()

    assert isinstance(told["body"], str)
    json.dumps(told)


def post(user, **body):  # type: ignore[no-untyped-def]
    return Api(user).post(ADDRESS, json=body)


@pytest.mark.parametrize(("role", "status"), [("member", 403), ("viewer", 200), ("editor", 200), ("admin", 200)])
def test_preview__who_may_read_prompts__may_look(db, role, status):
    assert post(make_user("pat", role=role), body="x").status_code == status


def test_preview__nothing_given__is_an_empty_look(db, viewer):
    answer = post(viewer)

    assert (answer.status_code, answer.json()["tokens"]["total"]) == (200, 0)


@pytest.mark.parametrize(
    ("body", "pointer"), [({"body": ["x"]}, "/body"), ({"values": [1]}, "/values"), ({"key": "a b"}, "/key")]
)
def test_preview__unreadable_request__is_refused(db, viewer, body, pointer):
    answer = post(viewer, **body)

    assert (answer.status_code, [e["pointer"] for e in answer.json()["details"]["errors"]]) == (400, [pointer])


def test_preview__liquid_in_a_value__stays_text(db, viewer):
    answer = post(viewer, body="{{ name }}", variables=[NAME], values={"name": "{{ 7 | times: 7 }}{% raw %}"})

    assert answer.json()["body"] == "{{ 7 | times: 7 }}{% raw %}"


def test_preview__too_long_a_text__is_a_problem_and_no_failure(db, viewer):
    answer = post(viewer, body="x" * 100_001)

    assert (answer.status_code, [p["code"] for p in answer.json()["problems"]]) == (200, ["E_TEMPLATE"])


def test_preview__reading__writes_nothing(db, viewer, django_assert_max_num_queries):
    make_versions("tone", "Kindly.")

    with django_assert_max_num_queries(6):
        post(viewer, body="{% render 'tone@1' %}{% render 'tone' %}")


def test_look__text_that_is_typed__is_parsed_once_and_not_kept(db, monkeypatch):
    parsed: list[str] = []
    real = templates._newly_parsed
    monkeypatch.setattr(templates, "_newly_parsed", lambda source, name: parsed.append(source) or real(source, name))
    kept = templates._kept.cache_info().currsize

    look_at({"system": "S {{ a }}", "body": "B {{ a }}", "variables": []}, {"a": "1"})

    assert sorted(parsed) == ["B {{ a }}", "S {{ a }}"]
    assert templates._kept.cache_info().currsize == kept


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_place__any_line_end_and_wide_characters__are_counted_as_editors_do(end):
    source = f"one{end}🌙 two{end}{end}x"

    places = [place_of(source, source.index(word)) for word in ("one", "two", "x")]

    assert [(place.line, place.column) for place in places] == [(1, 1), (2, 4), (4, 1)]
