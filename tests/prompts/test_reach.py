"""Which prompts a prompt brings in."""

import pytest

from apps.prompts.models import Prompt
from apps.prompts.reach import named_in, with_included


def prompts(**bodies: str) -> dict[str, Prompt]:
    return {key: Prompt(key=key, name=key, body=body) for key, body in bodies.items()}


@pytest.mark.parametrize(
    ("source", "keys"),
    [
        ("Hello", set()),
        ("We include nothing", set()),
        ("{% render 'tone' %}", {"tone"}),
        ('{% include "tone" %} {% render "rules", x: y %}', {"tone", "rules"}),
        ("{% if a %}{% for b in c %}{% render 'deep' %}{% endfor %}{% endif %}", {"deep"}),
        ("{% liquid render 'lines' %}", {"lines"}),
        ("{% raw %}{% render 'not' %}{% endraw %}", set()),
        ("{% comment %}{% render 'not' %}{% endcomment %}", set()),
        ("{% render 'broken' ", set()),
        ("{% if %}{% render 'broken' %}", set()),
    ],
)
def test_named_in__text__finds_the_literal_keys(source: str, keys: set[str]) -> None:
    assert named_in(source) == keys


def test_with_included__chain__is_followed_to_its_end() -> None:
    rows = prompts(a="{% render 'b' %}", b="{% include 'c' %}", c="end", other="{% render 'a' %}")

    assert with_included(["a"], rows) == {"a", "b", "c"}


def test_with_included__circle_and_unknown__end() -> None:
    rows = prompts(a="{% render 'b' %}", b="{% render 'a' %}{% render 'gone' %}")

    assert with_included(["a", ""], rows) == {"a", "b", "gone", ""}


def test_with_included__system_text__counts_for_the_first_only() -> None:
    rows = prompts(a="{% render 'b' %}", b="body")
    rows["a"].system, rows["b"].system = "{% render 'law' %}", "{% render 'never' %}"

    assert with_included(["a"], rows) == {"a", "b", "law"}
