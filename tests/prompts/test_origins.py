"""Where included texts stand in the preview of a prompt."""

import pytest

from apps.prompts.preview import look_at
from tests.features.builders import make_prompt

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _included(db: None) -> None:
    make_prompt("inner", body="<in>")
    make_prompt("outer", body="[{% render 'inner' %}]", variables=[])


def origins_in(body: str) -> list[tuple[str, str]]:
    """Key and text of every origin in the rendered user text."""
    told = look_at({"system": "", "body": body, "variables": []}, {}).as_dict()
    units = told["body"].encode("utf-16-le")
    found = [one for one in told["origins"] if one["field"] == "body"]
    return [(one["key"], units[one["start"] * 2 : one["end"] * 2].decode("utf-16-le")) for one in found]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("no include", []),
        ("a {% render 'inner' %} b", [("inner", "<in>")]),
        ("{% include 'inner' %}{% render 'inner' %}", [("inner", "<in>"), ("inner", "<in>")]),
        ("🌙🌙 {% render 'outer' %}", [("inner", "<in>"), ("outer", "[<in>]")]),
        (
            "{% for i in (1..2) %}{{ i }}{% if true %}{% render 'inner' %}{% endif %}{% endfor %}",
            [("inner", "<in>")] * 2,
        ),
        ("{% capture c %}{% render 'inner' %}{% endcapture %}{{ c }}", []),
        ("{% render 'nobody' %}", []),
    ],
)
def test_origins__included_texts__are_found_in_what_was_rendered(body, expected):
    assert origins_in(body) == expected


def test_origins__system_text__is_told_apart():
    told = look_at({"system": "{% render 'inner' %}", "body": "x", "variables": []}, {}).as_dict()

    assert told["origins"] == [{"field": "system", "key": "inner", "start": 0, "end": 4}]
