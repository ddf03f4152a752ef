"""Values of two runs: where they differ, and what does not count."""

import pytest

from apps.tasks.trials.compare import MOST_DIFFERENCES, Difference, differences

A, B = "0b6f2f0e-6c1d-4a57-9f5e-0f6f8f2f3c11", "1b6f2f0e-6c1d-4a57-9f5e-0f6f8f2f3c11"


@pytest.mark.parametrize(
    ("a", "b", "found"),
    [
        ({"x": [1, {"y": "a"}]}, {"x": [1, {"y": "a"}]}, []),
        ({"x": 1}, {"x": 1.0}, []),
        (None, None, []),
        ({"x": True}, {"x": 1}, [("/x", True, 1)]),
        ({"x": 1}, {"x": "1"}, [("/x", 1, "1")]),
        ({"a/b": {"c~d": 1}}, {"a/b": {"c~d": 2}}, [("/a~1b/c~0d", 1, 2)]),
        ({"x": [1, 2]}, {"x": [1]}, [("/x/1", 2, None)]),
        ({"x": 1}, {"y": 1}, [("/x", 1, None), ("/y", None, 1)]),
        ({"x": {}}, {"x": []}, [("/x", "{}", "[]")]),
        (None, {"x": 1}, [("", None, "{'x': 1}")]),
    ],
)
def test_differences__each_kind__named_by_pointer(a, b, found):
    told = [one.as_dict() for one in differences(a, b)]

    assert [(one["pointer"], one["a"], one["b"]) for one in told] == found


def test_differences__two_files_of_the_same_content__are_the_same():
    assert differences({"image": A}, {"image": B}, files={A: "hash", B: "hash"}) == []
    assert len(differences({"image": A}, {"image": B}, files={A: "hash", B: "other"})) == 1
    assert len(differences({"image": A}, {"image": B})) == 1


def test_differences__volatile_field__told_apart():
    found = differences({"model": "a", "text": "x"}, {"model": "b", "text": "y"}, volatile=frozenset({"model"}))

    assert found == [Difference("/model", "a", "b", volatile=True), Difference("/text", "x", "y")]


def test_differences__very_many_and_very_long__cut():
    found = differences([0] * 1000, [1] * 1000)

    assert len(found) == MOST_DIFFERENCES
    assert len(differences("a" * 9000, "b")[0].as_dict()["a"]) == 501
