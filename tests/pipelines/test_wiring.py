"""Wiring: what a node's inputs become, and how conditions decide."""

import pytest

from apps.core.errors import ApiError
from apps.pipelines.errors import ConditionInvalid, ReferenceMissing
from apps.pipelines.nodes.condition import decide
from apps.pipelines.wiring import references, resolve
from apps.prompts.errors import TemplateInvalid

OUTPUTS = {"start": {"n": 5, "ok": False, "list": [1, 2], "none": None, "deep": {"x": "y"}, "text": "{{ start.n }}"}}


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ start.n }}", 5),
        ("  {{start.n}} ", 5),
        ("{{ start.ok }}", False),
        ("{{ start.list }}", [1, 2]),
        ("{{ start.none }}", None),
        ("{{ start.deep }}", {"x": "y"}),
        ("{{ start.deep.x }}", "y"),
        ("{{ start.text }}", "{{ start.n }}"),
        ("n={{ start.n }}", "n=5"),
        ("{{ start.n }}{{ start.n }}", "55"),
        ("{{ start.n | plus: 1 }}", "6"),
        ("{{ start.text }}!", "{{ start.n }}!"),
        ("plain", "plain"),
        ("{}", "{}"),
        (7, 7),
        (None, None),
        (["{{ start.n }}", {"a": "{{ start.ok }}"}], [5, {"a": False}]),
    ],
)
def test_resolve__template__keeps_the_type_of_a_lone_reference(template, value):
    found = resolve(template, OUTPUTS)

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("template", ["{{ ghost }}", "{{ start.nope }}", "{{ start.n.x }}", "{{ start.list.x }}"])
def test_resolve__missing_lone_reference__is_named(template):
    with pytest.raises(ReferenceMissing) as failed:
        resolve(template, OUTPUTS)

    assert template.strip("{} ") in failed.value.text()


def test_resolve__missing_in_a_text__is_refused():
    with pytest.raises(ApiError):
        resolve("a {{ ghost.x }}", OUTPUTS)


def test_resolve__node_called_self__is_no_crash():
    assert resolve("a {{ self.x }}", {"self": {"x": 1}}) == "a 1"


def test_references__nested_templates__are_all_found():
    template = {"a": "{{ x.y }} {{ z }}", "b": ["{{ q.r | upcase }}", 5], "c": "plain"}

    assert references(template) == {("x", "y"), ("z",), ("q", "r")}
    with pytest.raises(TemplateInvalid):
        references("{{ broken")


@pytest.mark.parametrize(
    ("expression", "values", "decided"),
    [
        ("true", {}, True),
        ("n > 3", {"n": 5}, True),
        ("n > 3 && name == 'x'", {"n": 5, "name": "y"}, False),
        ("'a' in list", {"list": ["a"]}, True),
        ("size(text) > 2", {"text": "abc"}, True),
        ("has(o.x)", {"o": {}}, False),
    ],
)
def test_decide__expression__is_true_or_false(expression, values, decided):
    assert decide(expression, values) is decided


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("", {}),
        ("1 +", {}),
        ("ghost > 1", {}),
        ("1 / 0 == 1", {}),
        ("n", {"n": 5}),
        ("'text'", {}),
        ("n > 'a'", {"n": 5}),
        ("x" * 2001, {}),
        ("__import__('os').system('id')", {}),
        ("o.x.y", {"o": {}}),
        ("(" * 500 + "true" + ")" * 500, {}),
    ],
)
def test_decide__anything_else__is_refused(expression, values):
    with pytest.raises(ConditionInvalid):
        decide(expression, values)
