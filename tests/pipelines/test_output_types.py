"""Types that are known before a run: of the form, of tools, of what nodes always produce; the rest is unknown."""

import pytest

from apps.pipelines.graph import parse_graph
from apps.pipelines.output_types import known_types

GRAPH = parse_graph(
    {
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "ask", "type": "prompt", "config": {"prompt": "p"}},
            {"id": "say", "type": "llm_chat"},
            {"id": "is", "type": "condition", "config": {"expression": "true"}},
            {"id": "cut", "type": "mcp_tool", "config": {"server": "s", "tool": "t"}},
            {"id": "gone", "type": "mcp_tool", "config": {"server": "s", "tool": "gone"}},
            {"id": "other", "type": "something"},
        ]
    }
)
PARTS = {
    "form": {
        "properties": {
            "name": {"type": "string"},
            "size": {"type": ["integer", "null"]},
            "box": {"type": "object", "properties": {"width": {"type": "number"}}},
            "odd": True,
            "ref": {"$ref": "#/x"},
        }
    },
    "tools": {
        "s/t": {
            "output_schema": {
                "properties": {
                    "image": {"type": "object", "properties": {"uri": {"type": "string"}}},
                    "count": {"type": "integer"},
                }
            }
        }
    },
}


@pytest.mark.parametrize(
    ("template", "types"),
    [
        ("{{ start.name }}", {"string"}),
        ("{{ start.size }}", {"integer"}),
        ("{{ start.box }}", {"object"}),
        ("{{ start.box.width }}", {"number"}),
        ("{{ start.odd }}", None),
        ("{{ start.ref }}", None),
        ("{{ start.ghost }}", None),
        ("{{ start }}", None),
        ("{{ ask.text }}", {"string"}),
        ("{{ say.mock }}", {"boolean"}),
        ("{{ say.degraded }}", {"boolean"}),
        ("{{ is.result }}", {"boolean"}),
        ("{{ cut.count }}", {"integer"}),
        ("{{ cut.image }}", None),
        ("{{ gone.count }}", None),
        ("{{ other.x }}", None),
        ("{{ ghost.x }}", None),
        ("{{ start.size }} cm", {"string"}),
        ("{{ start.size | plus: 1 }}", {"string"}),
        ("plain", {"string"}),
        (5, {"integer"}),
        (5.5, {"number"}),
        (True, {"boolean"}),
        (None, {"null"}),
        (["{{ start.name }}"], {"array"}),
        ({"a": 1}, {"object"}),
    ],
)
def test_known_types__template__is_what_can_be_known(template, types):
    assert known_types(template, GRAPH, PARTS) == types


def test_known_types__no_form__is_unknown():
    assert known_types("{{ start.name }}", GRAPH, {}) is None
