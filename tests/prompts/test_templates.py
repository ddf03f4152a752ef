"""Templates: exact results, hard limits, and no way from text to code."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core.errors import ApiError
from apps.prompts.errors import TemplateInvalid, VariableMissing
from apps.prompts.services import fill_prompt
from apps.prompts.templates import parse, render, variables_of

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("source", "values", "result"),
    [
        ("", {}, ""),
        ("plain", {}, "plain"),
        ("Hello {{ name }}!", {"name": "Mia"}, "Hello Mia!"),
        ("{{ a.b.c }}", {"a": {"b": {"c": 1}}}, "1"),
        ("{{ items[1] }}", {"items": ["x", "y"]}, "y"),
        ("{{ n | plus: 1 }}", {"n": 2}, "3"),
        ("{{ name | upcase | append: '!' }}", {"name": "mia"}, "MIA!"),
        ("{% if ok %}yes{% else %}no{% endif %}", {"ok": False}, "no"),
        ("{% for i in list %}{{ i }},{% endfor %}", {"list": [1, 2]}, "1,2,"),
        ("{{ text }}", {"text": "<b>&"}, "<b>&"),
        ("{{ 名 }}", {"名": "x"}, "x"),
        ("{% raw %}{{ name }}{% endraw %}", {"name": "x"}, "{{ name }}"),
        ("{{ true }}{{ nil }}", {}, "true"),
        ("{{ self }}{{ args }}{{ kwargs }}", {"self": 1, "args": 2, "kwargs": 3}, "123"),
    ],
)
def test_render__template__is_exact(source, values, result):
    assert render(source, values) == result


@pytest.mark.parametrize("source", ["{{ name }}", "{{ a.name }}", "{% if name %}{% endif %}", "{{ name | upcase }}"])
def test_render__missing_variable__is_named(source):
    with pytest.raises(VariableMissing) as failed:
        render(source, {"a": {}})

    assert "name" in failed.value.text()


@pytest.mark.parametrize(
    "source",
    [
        "{{",
        "{{ name",
        "{% if %}",
        "{% for i in %}{% endfor %}",
        "{% nope %}",
        "{{ a | nope }}",
        "{% if a %}",
        "{% endif %}",
    ],
)
def test_parse__broken__is_refused(source):
    with pytest.raises(TemplateInvalid):
        render(source, {"a": 1, "name": 1})


BOMBS = {
    "endless loop": "{% for i in (1..100000000) %}x{% endfor %}",
    "nested loops": "{% for i in (1..900) %}{% for j in (1..900) %}x{% endfor %}{% endfor %}",
    "huge output": "{% for i in (1..1000) %}{{ text }}{% endfor %}",
    "doubling": "{% assign a = text %}" + "{% assign a = a | append: a %}" * 40 + "{{ a | size }}",
    "squaring": "{{ text | replace: 'x', text }}",
    "huge range": "{{ (1..1000000000) | join: ',' }}",
    "huge number": "{{ 9 " + "| times: 999999999999999999 " * 2000 + "}}",
    "deep nesting": "{% if true %}" * 3000 + "{% endif %}" * 3000,
    "capture": "{% capture a %}{% for i in (1..999) %}{{ text }}{% endfor %}{% endcapture %}{{ a | size }}",
    "too long": "x" * 100_001,
}


@pytest.mark.parametrize("name", BOMBS)
def test_render__bomb__is_stopped(name):
    with pytest.raises(TemplateInvalid):
        render(BOMBS[name], {"text": "x" * 10_000})


INJECTIONS = [
    "{{ 7 * 7 }}",
    "{{ config }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ self.__init__.__globals__ }}",
    "{{ request.application.__globals__ }}",
    "{% import os %}{{ os.system('id') }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ x|attr('__class__') }}",
    "{% include '/etc/passwd' %}",
    "{% render 'secret' %}",
    "{% extends 'x' %}",
    "{{ settings.SECRET_KEY }}",
    "{o.__init__.__globals__[SECRET]}",
    "{0.__class__}",
    "%(secret)s %s %n",
    "${7*7} #{7*7} <%= 7*7 %> @(7*7)",
    "$where: {{secret}}",
    "{{ secret }}",
    "{% assign x = secret %}{{ x }}",
    "{%- raw -%}{{ secret }}{%- endraw -%}",
    "{{ '{{ secret }}' }}",
    "{% liquid echo secret %}",
    "{# comment #}{{ secret }}",
    "\x00{{ secret }}",
    "}}{{ secret }}{{",
    "{% endraw %}{{ secret }}{% raw %}",
    "{{ product.__class__ }}",
]


@pytest.mark.parametrize("payload", INJECTIONS)
def test_render__payload_in_a_value__stays_text(payload):
    values = {"product": payload, "secret": "canary"}

    assert render("Product: {{ product }}.", values) == f"Product: {payload}."
    assert render("{% assign p = product %}{{ p }}{{ p | append: '' }}", values) == payload * 2


@pytest.mark.parametrize("payload", INJECTIONS)
def test_render__payload_as_template__reaches_no_python(payload):
    try:
        text = render(payload, {"product": {"name": "mug"}})
    except ApiError:
        return

    assert "49" not in text
    assert "class '" not in text
    assert "function" not in text
    assert "root:" not in text


class Reachable:
    secret = "canary"

    def run(self) -> str:
        return "canary"


@pytest.mark.parametrize("source", ["{{ o.secret }}", "{{ o.run }}", "{{ o.__class__ }}", "{{ o['secret'] }}"])
def test_render__python_object__shows_nothing(source):
    with pytest.raises(ApiError):
        render(source, {"o": Reachable()})


@settings(max_examples=200)
@given(
    st.text(max_size=60) | st.text(alphabet="{}% |.:'\"abif0()[]-", max_size=40),
    st.dictionaries(st.text(alphabet="abif", max_size=3), json_values, max_size=4),
)
def test_render__any_text_and_values__gives_text_or_an_api_error(source, values):
    with contextlib.suppress(ApiError):
        assert isinstance(render(source, values), str)


FILTERS = ["plus", "minus", "times", "divided_by", "modulo", "round", "slice", "truncate", "replace", "split", "join"]
FILTERS += ["map", "where", "sort", "sum", "date", "first", "size", "escape", "url_decode", "base64_decode", "concat"]


@settings(max_examples=200)
@given(json_values, st.sampled_from(FILTERS), st.lists(json_values, max_size=2))
def test_render__any_filter_of_any_value__gives_text_or_an_api_error(value, name, arguments):
    names = [f"a{index}" for index in range(len(arguments))]
    source = f"{{{{ value | {name}{': ' if names else ''}{', '.join(names)} }}}}"

    with contextlib.suppress(ApiError):
        assert isinstance(render(source, {"value": value, **dict(zip(names, arguments, strict=True))}), str)


# Line ends are written as "\n" whatever they were; half a surrogate pair is no text and is refused.
@given(st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"]), max_size=50))
def test_render__any_value__is_never_rendered_again(value):
    assert render("[{{ v }}]", {"v": value}) == f"[{value}]"


def test_variables__template__are_its_paths_from_outside():
    source = "{{ a.b }}{% for x in list %}{{ x.y }}{% endfor %}{% assign z = c %}{{ z }}{% if d %}{% endif %}"

    assert variables_of(source) == {("a", "b"), ("list",), ("c",), ("d",)}


def test_parse__same_source__is_parsed_once():
    assert parse("{{ a }}") is parse("{{ a }}")


RELEASED = {
    "system": "Be {{ tone }}.",
    "body": "Product: {{ product }}{{ note }}",
    "variables": [
        {"name": "product", "required": True},
        {"name": "tone", "required": True, "default": "friendly"},
        {"name": "note", "required": False},
    ],
}


def test_fill__defaults_and_optional__are_filled():
    filled = fill_prompt(RELEASED, {"product": "mug"})

    assert (filled.system, filled.body) == ("Be friendly.", "Product: mug")


@pytest.mark.parametrize("values", [{}, {"product": ""}, {"product": None}])
def test_fill__required_without_a_value__is_named(values):
    with pytest.raises(VariableMissing) as failed:
        fill_prompt(RELEASED, values)

    assert "“product”" in failed.value.text()


@pytest.mark.parametrize("value", [0, False, []])
def test_fill__falsy_but_given__is_a_value(value):
    assert fill_prompt(RELEASED, {"product": value}).body.startswith("Product: ")


def test_fill__undeclared_value__does_not_reach_the_template():
    released = {**RELEASED, "body": "{{ product }}{{ secret }}"}

    with pytest.raises(VariableMissing) as failed:
        fill_prompt(released, {"product": "mug", "secret": "canary"})

    assert "“secret”" in failed.value.text()
