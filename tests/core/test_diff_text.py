"""A diff as lines for a terminal."""

from apps.core.publishing.diff import diff
from apps.core.publishing.diff_text import MAX_VALUE, diff_text


def test_diff_text__each_kind_of_change__is_one_line():
    old = {"cost": 1, "gone": [1], "same": True}
    new = {"cost": 2, "same": True, "fresh": {"a": "b"}}

    assert diff_text(diff(old, new)) == ["~ /cost: 1 -> 2", "- /gone: [1]", '+ /fresh: {"a":"b"}']


def test_diff_text__text_of_several_lines__shows_the_lines():
    lines = diff_text(diff({"body": "a\nb\n"}, {"body": "a\n\x1bc\n"}))

    assert lines == ["~ /body", "    @@ -1,2 +1,2 @@", "     a", "    -b", "    +\\x1bc"]


def test_diff_text__long_value__is_cut():
    (line,) = diff_text(diff({}, {"a": "x" * 1_000}))

    assert len(line) == len("+ /a: ") + MAX_VALUE
    assert line.endswith("x…")
