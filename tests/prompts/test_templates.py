"""Templates: exact results, hard limits, and no way from text to code."""

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core.errors import ApiError
from apps.prompts import timing
from apps.prompts.errors import TemplateInvalid, VariableMissing, VariableUnfit
from apps.prompts.services import fill_prompt
from apps.prompts.templates import MAX_TEXT, parse, render, render_draft, variables_of

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
    "sequence of loops": "{% for i in (1..1000) %}{% endfor %}" * 2_700,
    "much in a loop": "{% for i in (1..1000) %}" + "{% if i %}{% endif %}" * 4_500 + "{% endfor %}",
    "quadratic filter": "{{ text | split: '' | uniq | size }}",
    "long date": "{{ text | date: '%Y' }}",
    "open braces": "{{" * 50_000,
    "open tags": "{%" * 50_000,
    "braces in a tag": "{% {{" * 20_000,
    "open raw": "{% raw %}" * 11_000,
    "open doc": "{% doc %}" * 11_000,
    "spaces in an output": "{{" + " " * 90_000 + "x }}",
    "lines in a tag": "{% liquid " + "\n" * 90_000 + " %}",
    "brackets": "{{ " + "[" * 300 + "text" + "]" * 300 + "}}",
    "wide tag": "{{ text " + "| upcase " * 5_000 + "}}",
}


@pytest.mark.parametrize("name", BOMBS)
def test_render__bomb__is_stopped(name):
    with pytest.raises(TemplateInvalid):
        render(BOMBS[name], {"text": "x" * 10_000})


# One on each line, but for what begins in the middle of a `liquid` tag.
INJECTIONS = re.split(
    r"\n(?!assign a|echo a|%\})", Path(__file__).with_name("injections.txt").read_text("utf-8").strip()
)
INJECTIONS += ["\x00{{ secret }}"]


def test_corpus__payloads__are_at_least_sixty():
    assert len(set(INJECTIONS)) >= 60


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
    assert "<liquid" not in text
    assert " object at 0x" not in text


class Reachable:
    secret = "canary"

    def run(self) -> str:
        return "canary"


@pytest.mark.parametrize("source", ["{{ o.secret }}", "{{ o.run }}", "{{ o.__class__ }}", "{{ o['secret'] }}"])
def test_render__python_object__shows_nothing(source):
    with pytest.raises(ApiError):
        render(source, {"o": Reachable()})


@pytest.mark.parametrize(
    ("source", "line", "column"),
    [
        ("a\n b {{ x | nope }}", 2, 11),
        ("{% if x %}{{ x | nope }}{% endif %}", 1, 18),
        ("a\n{% nope %}", 2, 4),
        ("a\n\n {{ x", 3, 2),
        ("😀{% if x %}", 1, 13),
    ],
)
def test_parse__mistake__is_told_with_its_place(source, line, column):
    with pytest.raises(TemplateInvalid) as refused:
        parse(source)

    assert (refused.value.details["line"], refused.value.details["column"]) == (line, column)
    assert f"line {line}, column {column}" in refused.value.text()


def test_render__time_is_over__is_refused(monkeypatch):
    monkeypatch.setattr(timing, "MAX_SECONDS", -1.0)

    with pytest.raises(TemplateInvalid):
        render("{% for i in (1..3) %}{{ i }}{% endfor %}", {})


def test_render_draft__missing_value__is_shown_by_its_name():
    assert render_draft("{{ a }}{% if b %}x{% endif %}{{ c | upcase }}", {}) == "{{ a }}{{ C }}"


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=60) | st.text(alphabet="{}% |.:'\"abif0()[]-\n", max_size=60),
    st.dictionaries(st.text(alphabet="abif", max_size=3), json_values, max_size=4),
)
def test_render__any_text_and_values__is_short_text_or_one_of_two_errors(source, values):
    try:
        text = render(source, values)
    except (TemplateInvalid, VariableMissing):
        return

    assert len(text.encode("utf-8", "surrogatepass")) <= MAX_TEXT


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="{}% |abraw'\"", max_size=30), st.sampled_from(["v", "l[0]", "o.k"]))
def test_render__braces_from_a_value__are_never_rendered(value, place):
    planted = f"{{{{ secret }}}}{value}{{% assign v = secret %}}"
    values = {"v": planted, "l": [planted], "o": {"k": planted}, "secret": "canary"}

    text = render(f"{{% assign x = {place} %}}{{% capture y %}}{{{{ x }}}}{{% endcapture %}}{{{{ y }}}}", values)

    assert text == planted


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


@pytest.mark.parametrize(
    ("variable", "value", "fits"),
    [
        ({"type": "string"}, 5, True),  # wiring turns values into text, and a scalar is one
        ({"type": "string"}, {"a": 1}, False),
        ({"type": "integer"}, "12", True),
        ({"type": "integer"}, "1.5", False),
        ({"type": "number"}, "1.5", True),
        ({"type": "number"}, "many", False),
        ({"type": "boolean"}, "false", False),  # as text it would be true
        ({"type": "array"}, "a,b", False),
        ({"type": "object"}, [], False),
        ({"type": "string", "choices": ["a", "b"]}, "a", True),
        ({"type": "string", "choices": ["a", "b"]}, "c", False),
        ({"type": "integer", "choices": [1, 2]}, True, False),
        ({"type": "string", "max_length": 3}, "abc", True),
        ({"type": "string", "max_length": 3}, "abcd", False),
        ({}, {"a": 1}, True),
    ],
)
def test_fill__typed_value__fits_or_is_refused_by_name(variable, value, fits):
    released = {"system": "", "body": "{{ v }}", "variables": [{"name": "v", **variable}]}

    if fits:
        assert fill_prompt(released, {"v": value}).body != ""
        return
    with pytest.raises(VariableUnfit) as refused:
        fill_prompt(released, {"v": value})

    assert "“v”" in refused.value.text()
