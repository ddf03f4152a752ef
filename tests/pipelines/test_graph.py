"""The JSON of a graph: all of it is read, nothing else is taken, and a draft with a slip still says what it names."""

import copy
from typing import Any

import pytest

from apps.features.demo import copywriter, product_photo
from apps.pipelines.graph import Edge, Graph, GraphInvalid, Limits, Node, Policy, Variable, parse_graph, readable_graph
from apps.pipelines.nodes import needs_of, node_types
from apps.pipelines.nodes.base import Needs
from apps.pipelines.shape import MAX_TOLD, first_version

WHOLE: dict[str, Any] = {
    "schema": 2,
    "variables": [{"name": "tone", "schema": {"type": "string"}, "value": "warm", "title": {"en": "Tone"}}],
    "limits": {"seconds": 600, "cost_micro": 5_000_000, "steps": 2_000},
    "nodes": [
        {
            "id": "copy",
            "type": "llm_chat",
            "title": {"en": "Answer"},
            "config": {"model": "m"},
            "inputs": {"text": "{{ start.x }}"},
            "policy": {
                "timeout": 30,
                "retries": 2,
                "backoff": 0.5,
                "on_error": "fallback",
                "fallback": {"text": ""},
                "unknown": "ask",
                "join": "any",
            },
            "note": "Why it is here.",
        },
        {"id": "end", "type": "end"},
    ],
    "edges": [{"source": "copy", "target": "end", "when": "error"}, {"source": "end", "target": "copy"}],
}


def test_parse__whole_graph__is_read():
    graph = parse_graph(WHOLE)

    policy = Policy(30, 2, 0.5, "fallback", {"text": ""}, "ask", "any")
    copying = Node(
        "copy", "llm_chat", {"en": "Answer"}, {"model": "m"}, {"text": "{{ start.x }}"}, policy, "Why it is here."
    )
    assert graph == Graph(
        nodes=(copying, Node("end", "end")),
        edges=(Edge("copy", "end", "error"), Edge("end", "copy")),
        variables=(Variable("tone", {"type": "string"}, "warm", {"en": "Tone"}),),
        limits=Limits(600, 5_000_000, 2_000),
    )


@pytest.mark.parametrize("demo", [copywriter, product_photo])
def test_parse__demo__is_of_either_version(demo):
    graph = parse_graph(demo.GRAPH)

    assert [parse_graph({**demo.GRAPH, "schema": version}) for version in (1, 2)] == [graph, graph]


def test_parse__whole_numbers_with_a_point__are_whole_numbers():
    graph = parse_graph({"limits": {"steps": 5.0}, "nodes": [{"id": "a", "type": "end", "policy": {"retries": 2.0}}]})

    assert (type(graph.limits.steps), type(graph.nodes[0].policy.retries)) == (int, int)


def put(raw: Any, path: list[Any], value: Any) -> Any:
    spoilt = copy.deepcopy(raw)
    inner = spoilt
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return spoilt


@pytest.mark.parametrize(
    ("path", "value", "node"),
    [
        (["positions"], {}, ""),
        (["schema"], 3, ""),
        (["schema"], "2", ""),
        (["variables"], {}, ""),
        (["variables", 0, "type"], "string", ""),
        (["limits", "tokens"], 5, ""),
        (["limits", "steps"], 0, ""),
        (["limits", "seconds"], 1.5, ""),
        (["nodes", 0, "colour"], "red", "copy"),
        (["nodes", 0, "id"], 5, ""),
        (["nodes", 0, "title"], 5, "copy"),
        (["nodes", 0, "title", "en"], 5, "copy"),
        (["nodes", 0, "inputs"], [], "copy"),
        (["nodes", 0, "policy", "tries"], 5, "copy"),
        (["nodes", 0, "policy", "timeout"], 0, "copy"),
        (["nodes", 0, "policy", "retries"], 11, "copy"),
        (["nodes", 0, "policy", "on_error"], "ignore", "copy"),
        (["nodes", 0, "policy", "join"], None, "copy"),
        (["edges", 0, "label"], "x", ""),
        (["edges", 0, "when"], True, ""),
    ],
)
def test_parse__one_thing_out_of_shape__is_named_with_its_place(path, value, node):
    with pytest.raises(GraphInvalid) as refused:
        parse_graph(put(WHOLE, path, value))

    (mistake,) = refused.value.mistakes
    place = "/" + "/".join(map(str, path))
    assert (mistake.node, mistake.pointer) == (node, place)
    assert mistake.pointer in str(refused.value)
    assert mistake.message in str(refused.value)


def test_parse__mistakes_without_end__are_told_up_to_a_limit():
    with pytest.raises(GraphInvalid) as refused:
        parse_graph({"nodes": [5] * 1_000})

    assert len(refused.value.mistakes) == MAX_TOLD


def test_readable__draft_with_slips__still_holds_the_rest():
    spoilt = put(put(put(WHOLE, ["grid"], 8), ["nodes", 0, "policy", "on_error"], "ignore"), ["nodes", 1, "title"], 5)

    graph = readable_graph(spoilt)

    assert [node.id for node in graph.nodes] == ["copy", "end"]
    assert graph.nodes[0].inputs == {"text": "{{ start.x }}"}
    assert graph.nodes[0].policy == Policy(30, 2, 0.5, "fail", {"text": ""}, "ask", "any")
    assert graph.edges == parse_graph(WHOLE).edges


@pytest.mark.parametrize("raw", [None, [], "x", {"nodes": 3}, {"nodes": [5]}, {"nodes": [{"id": "a"}]}])
def test_readable__no_graph__is_an_empty_one(raw):
    assert readable_graph(raw) == Graph((), ())


@pytest.mark.parametrize("raw", [None, [], {"nodes": 3}, {"nodes": [5]}])
def test_first_version__no_graph__is_left_to_the_parser(raw):
    assert first_version(raw) == raw


@pytest.mark.parametrize(
    ("kind", "config", "needs"),
    [
        ("prompt", {"prompt": "p@3"}, Needs(prompts=frozenset({"p@3"}))),
        ("prompt", {"prompt": 5}, Needs()),
        ("mcp_tool", {"server": "s", "tool": "t"}, Needs(tools=frozenset({"s/t"}))),
        ("mcp_tool", {"server": "s"}, Needs()),
        ("llm_chat", {}, Needs(capabilities=frozenset({"chat"}))),
        ("llm_chat", {"model": "m"}, Needs(capabilities=frozenset({"chat"}), models=frozenset({"m"}))),
        ("condition", {"expression": "true"}, Needs()),
        ("unheard_of", {"pipeline": "p", "model": ["m"]}, Needs(pipelines=frozenset({"p"}))),
    ],
)
def test_needs__node__are_the_parts_it_names(kind, config, needs):
    assert needs_of(Node("a", kind, config=config)) == needs


def test_routes__capabilities_and_models__are_combined():
    needs = Needs(capabilities=frozenset({"chat", "vision"}), models=frozenset({"m"}))

    assert needs.routes == {("chat", "m"), ("vision", "m")}
    assert Needs(capabilities=frozenset({"chat"})).routes == {("chat", "")}
    assert Needs(models=frozenset({"m"})).routes == frozenset()


@pytest.mark.parametrize("name", sorted(node_types()))
def test_node_type__drafts_settings__are_never_a_crash(name):
    kind = node_types()[name]

    for config in ({}, {"prompt": 1, "tool": [], "server": {}, "model": None, "cases": 5, "options": "x"}):
        assert isinstance(kind.needs(config), Needs)
        assert isinstance(kind.ways(config), tuple)
