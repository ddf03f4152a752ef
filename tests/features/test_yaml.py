"""Canonical YAML: what is written is read back the same, by us and by others; what is not data is refused."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from apps.features.files.canonical_yaml import dump, ordered
from apps.features.files.strict_yaml import MAX_DEPTH, MAX_PROBLEMS, load

ODD = [
    *["yes", "no", "on", "y", "N", "null", "~", "", "1", "1.0", "1e3", "0o17", "0x1f", "1_000", "12:30", "2026-01-01"],
    *["=", "<<", " lead", "trail ", "\ttab", "a\n", "\n", "\n\n a\n", " a\nb", "a \n b\n\n", "a\n\n", "a\n   \n"],
    *["x: y", "# c", "- a", "? a", "'q'", '"d"', "{{ a }}", "%x", "@a", "`a", "!t", "&a", "*a", "|", ">", "#\n#\n"],
    *["a\u2028b", "a\x85b", "a\rb", "a\r\nb", "\ufeff", "\x00", "\x7f", "😀", "---\na", "...\n", "a\tb\n c\t\n"],
    *["x" * 300, "word " * 60],
]
texts = st.one_of(
    st.sampled_from(ODD),
    st.text(
        st.sampled_from(" \t\n\r:#-'\"{}[]|>&*!%@`,?=~0123456789abyesnoNO.eE+_\\é中\u2028\x85\ufeff\x00\x1b😀"),
        max_size=30,
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)


def is_same(one: Any, other: Any) -> bool:
    """Equal with equal types and order; in Python 1 == True == 1.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(is_same(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    return bool(one == other)


@given(st.dictionaries(texts, values, max_size=4))
def test_dump__anything_json_holds__is_read_back_the_same(value):
    value = ordered(value)

    text = dump(value)

    loaded = load(text.encode(), file="x")
    assert loaded.problems == []
    assert is_same(loaded.value, value)
    assert is_same(yaml.safe_load(text), value), "a reader of YAML 1.1 reads something else"
    assert dump(loaded.value) == text
    assert text.endswith("\n")


@given(st.dictionaries(texts, texts, max_size=6))
def test_dump__order_of_arrival__does_not_matter(value):
    assert dump(ordered(value)) == dump(ordered(dict(reversed(value.items()))))


def test_dump__document__reads_well():
    shared = {"a": 1}
    document = ordered(
        {"b": "one\n  two \n\tthree\n", "n": "no", "d": [shared, shared], "e": {}, "long": "word " * 50, "id": "中"}
    )

    assert dump(document) == (
        "id: 中\nb: |\n  one\n    two \n  \tthree\nd:\n  - a: 1\n  - a: 1\ne: {}\n"
        f"long: '{'word ' * 50}'\n'n': 'no'\n"
    )


def test_load__plain_values__are_those_of_yaml_1_2():
    text = b"a: yes\nb: 12:30\nc: 2026-01-01\nd: 017\ne: true\nf: ~\ng: -1.5e3\nh:\ni: .nan\nj: 1_000\n<<: x\n"

    loaded = load(text, file="x")

    assert loaded.problems == []
    assert loaded.value == {
        "a": "yes",
        "b": "12:30",
        "c": "2026-01-01",
        "d": 17,
        "e": True,
        "f": None,
        "g": -1500.0,
        "h": None,
        "i": ".nan",
        "j": "1_000",
        "<<": "x",
    }


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (b"a: !!python/object/apply:os.system [ls]\n", [("E_TAG", "", 1)]),
        (b"a: !x y\n", [("E_TAG", "", 1)]),
        (b"a: !!str 1\n", [("E_TAG", "", 1)]),
        (b"a: &x 1\nb: *x\n", [("E_ALIAS", "", 1), ("E_ALIAS", "", 2)]),
        (b"a: 1\nb: 2\na: 3\n", [("E_DUPLICATE_KEY", "/a", 3)]),
        (b"a:\n  b: 1\n  'b': 2\n", [("E_DUPLICATE_KEY", "/a/b", 3)]),
        (b"1: x\n", [("E_NAME_TYPE", "", 1)]),
        (b"? [a]\n: x\n", [("E_NAME_TYPE", "", 1)]),
        (b"a: [\n", [("E_YAML", "", 2)]),
        (b"a: b\n c: d\n", [("E_YAML", "", 2)]),
        (b"a: 1\n---\nb: 2\n", [("E_YAML", "", 2)]),
        (b"a: 1e999\n", [("E_FIELD_VALUE", "/a", 1)]),
        (b"a: " + b"9" * 5_000, [("E_FIELD_VALUE", "/a", 1)]),
        (b'a: "\\ud800"\n', [("E_TEXT", "/a", 1)]),
        (b"a: \xff\n", [("E_TEXT", "", 0)]),
        (b"a: 1\nb: \x01\n", [("E_TEXT", "", 2)]),
    ],
)
def test_load__not_data__is_told_with_its_line(text, problems):
    loaded = load(text, file="x.yaml")

    assert [(problem.code, problem.pointer, problem.line) for problem in loaded.problems] == problems
    assert {problem.file for problem in loaded.problems} == {"x.yaml"}
    assert all(problem.message for problem in loaded.problems)


def test_load__billion_laughs__expands_nothing_and_tells_a_bounded_number_of_problems():
    lines = ["a0: &a0 lol", *(f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]" for n in range(60))]

    loaded = load("\n".join(lines).encode(), file="x")

    assert {problem.code for problem in loaded.problems} == {"E_ALIAS"}
    assert len(loaded.problems) == MAX_PROBLEMS


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 100_000])
def test_load__nested_without_end__is_refused(depth):
    loaded = load(b"[" * depth + b"]" * depth, file="x")

    assert {problem.code for problem in loaded.problems} == {"E_TOO_DEEP"}
