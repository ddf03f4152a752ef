"""The reference of node types: every type has its words, and an example that is right."""

import pytest

from apps.pipelines import references
from apps.pipelines.graph import parse_graph
from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.examples import example, parts
from apps.pipelines.validator import validate

KINDS = sorted(node_types())
ISSUED = [
    "condition",
    "delay",
    "end",
    "http_request",
    "human_input",
    "image",
    "kb_retrieve",
    "llm_chat",
    "map",
    "mcp_tool",
    "prompt",
    "start",
    "sub_pipeline",
    "switch",
    "transform",
]


def test_node_types__are_all_there():
    assert KINDS == ISSUED


@pytest.mark.parametrize("kind", KINDS)
def test_example__shows_the_type_and_is_valid(kind, settings):
    settings.PIPELINE_HOSTS = ["api.example.com"]
    graph = example(kind)

    problems = validate(graph, parts() | {"hosts": ["api.example.com"]})

    assert kind in {node["type"] for node in graph["nodes"]}
    assert [problem for problem in problems if problem.severity == "error"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_example__every_way_out_of_a_node_is_gone(kind):
    graph = parse_graph(example(kind))

    for node in graph.nodes:
        gone = {edge.when for edge in graph.outgoing.get(node.id, [])}
        assert gone == set(node_types()[node.type].ways(node.config))


@pytest.mark.parametrize("kind", KINDS)
def test_type__says_what_it_is_what_it_costs_and_what_can_happen(kind):
    words, told = references.described(node_types()[kind])

    assert words
    assert set(told) == {"Costs", "When it fails", "After a kill"}
    assert str(node_types()[kind].help)


@pytest.mark.parametrize("kind", KINDS)
def test_settings__all_have_a_title(kind):
    fields = node_types()[kind].Config.model_fields

    assert [name for name, field in fields.items() if not field.title] == []


def test_page__has_a_section_for_each_type():
    page = references.build()

    assert all(f"\n## {kind}\n" in page for kind in KINDS)
    assert page.count("```json") == len(KINDS)
