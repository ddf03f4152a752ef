"""Wiring: what a node's inputs become, and how conditions decide."""

import pytest

from apps.core.errors import ApiError
from apps.pipelines.errors import ConditionInvalid, ReferenceMissing
from apps.pipelines.nodes.condition import decide
from apps.pipelines.wiring import choice_of, references, resolve
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


# --- choices -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ a.text | default: b.text }}", "A"),
        ("{{ gone.text | default: b.text }}", "B"),
        ("{{gone.text|default:b.text}}", "B"),
        ("{{ gone.x | default: also.gone | default: b.list }}", [1, 2]),
        ("{{ a.none | default: b.number }}", 7),
        ("{{ a.empty | default: a.no | default: b.text }}", "B"),
        ("{{ gone.x | default: 'none' }}", "none"),
        ('{{ gone.x | default: "" }}', ""),
        ("{{ gone.x | default: -3 }}", -3),
        ("{{ gone.x | default: 007 }}", 7),
        ("{{ gone.x | default: 0.50 }}", 0.5),
        ("{{ gone.x | default: false }}", False),
        ("{{ b.number | default: true }}", 7),
        ("{{ a.no | default: gone.x }}", False),
    ],
)
def test_resolve__choice__is_the_first_that_is_there_and_keeps_its_type(template: str, value: object) -> None:
    outputs = {
        "a": {"text": "A", "none": None, "empty": "", "no": False},
        "b": {"text": "B", "list": [1, 2], "number": 7},
    }

    found = resolve(template, outputs)

    assert (found, type(found)) == (value, type(value))


def test_resolve__choice_of_nothing_that_is_there__names_the_first() -> None:
    with pytest.raises(ReferenceMissing) as refused:
        resolve("{{ a.text | default: b.text }}", {})

    assert refused.value.params == {"path": "a.text"}


def test_references__choice__are_all_that_it_may_take() -> None:
    assert references("{{ a.text | default: b.text | default: 'c.text' }}") == {("a", "text"), ("b", "text")}


@pytest.mark.parametrize(
    "template", ["{{ a.text | upcase | default: b.text }}", "{{ a.text | default: b.text }}!", "{{ a | default: }}"]
)
def test_choice_of__anything_else__is_none(template: str) -> None:
    assert choice_of(template) is None
