"""The structural diff: nothing said about equals, everything said about the rest."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from apps.core.publishing.canonical import canonical_json
from apps.core.publishing.diff import Change, diff

scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b\nc", "1", 1.0])
names = st.sampled_from(["id", "key", "a", "b/c", "d~e", ""])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=8
)
keyed = st.lists(st.sampled_from(["x", "y", "z"]), unique=True).map(lambda ids: [{"id": i, "v": 1} for i in ids])


def told(changes: list[Change]) -> list[tuple[str, str, Any, Any]]:
    return [(c.path, c.kind, c.old, c.new) for c in changes]


@given(values)
def test_diff__equal__says_nothing(value):
    assert diff(value, copy.deepcopy(value)) == []


@given(values | keyed, values | keyed)
def test_diff__silence__means_the_same_bytes(old, new):
    assert (diff(old, new) == []) == (canonical_json(old) == canonical_json(new))


@given(st.dictionaries(names, st.dictionaries(names, scalars, max_size=3), max_size=3), scalars, st.data())
def test_diff__one_leaf_changed__names_exactly_that_leaf(old, value, data):
    new = copy.deepcopy(old)
    outer = data.draw(names)
    inner = data.draw(names)
    new.setdefault(outer, {})[inner] = value

    changes = diff(old, new)

    pointer = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in (outer, inner))
    if outer not in old:
        assert told(changes) == [(pointer.rpartition("/")[0], "added", None, {inner: value})]
    elif inner not in old[outer]:
        assert told(changes) == [(pointer, "added", None, value)]
    elif canonical_json(old[outer][inner]) == canonical_json(value):
        assert changes == []
    else:
        assert told(changes) == [(pointer, "changed", old[outer][inner], value)]


def test_diff__fields__are_added_removed_and_changed_in_document_order():
    old = {"a": 1, "b": 2, "c": {"d": 3}}
    new = {"c": {"d": 4}, "a": 1, "e": None}

    assert told(diff(old, new)) == [
        ("/b", "removed", 2, None),
        ("/c/d", "changed", 3, 4),
        ("/e", "added", None, None),
    ]


def test_diff__insertion_into_a_keyed_list__is_one_change():
    old = {"nodes": [{"id": "a", "x": 1}, {"id": "b", "x": 2}]}
    new = {"nodes": [{"id": "a", "x": 1}, {"id": "c", "x": 3}, {"id": "b", "x": 4}]}

    assert told(diff(old, new)) == [
        ("/nodes/b/x", "changed", 2, 4),
        ("/nodes/c", "added", None, {"id": "c", "x": 3}),
    ]


def test_diff__keyed_list_in_another_order__says_so():
    old = {"nodes": [{"id": "a"}, {"id": "b"}]}
    new = {"nodes": [{"id": "b"}, {"id": "a"}]}

    assert told(diff(old, new)) == [("/nodes", "changed", ["a", "b"], ["b", "a"])]


def test_diff__plain_list__is_one_change():
    assert told(diff({"a": [1, 2]}, {"a": [2, 1]})) == [("/a", "changed", [1, 2], [2, 1])]


def test_diff__types_that_compare_equal__are_a_change():
    assert told(diff({"a": {"b": 1}}, {"a": {"b": True}})) == [("/a/b", "changed", 1, True)]


def test_diff__long_text__shows_the_lines():
    (change,) = diff({"body": "one\ntwo\nthree"}, {"body": "one\n2\nthree"})

    assert change.path == "/body"
    assert [line for line in change.lines if line[0] in "+-"] == ["-two", "+2"]


def test_diff__short_text__has_no_lines():
    assert diff({"a": "x"}, {"a": "y"})[0].lines == ()
