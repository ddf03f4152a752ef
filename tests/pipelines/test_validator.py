"""The validator: every mistake has its code and place, and "runs on every path" is checked against brute force."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.pipelines.graph import parse_graph
from apps.pipelines.validator import MAX_CONDITIONS, MAX_NODES, _runs_together, validate
from tests.pipelines.builders import make_graph, make_node

PARTS = {
    "form": {"type": "object", "properties": {"x": {}}},
    "prompts": {"p": {}},
    "tools": {
        "s/t": {
            "input_schema": {"required": ["image"], "properties": {"image": {}, "size": {}}},
            "output_schema": {"properties": {"out": {}}},
        }
    },
}


def told(graph: Any, parts: Any = None) -> list[tuple[str, str, str]]:
    return [(p.code, p.node, p.field) for p in validate(graph, parts)]


def changed(graph: dict[str, Any], node_id: str, **fields: Any) -> dict[str, Any]:
    nodes = [{**node, **fields} if node["id"] == node_id else node for node in graph["nodes"]]
    return {**graph, "nodes": nodes}


LINE = make_graph("start>a a>end", a={"text": "{{ start.x }}"}, end={"text": "{{ a.text }}"})
FORK = "start>c1 c1+a c1-b a>end b>end"


def test_validate__sound_graph__has_no_problems():
    assert told(LINE, PARTS) == []
    assert told(make_graph(FORK, end={"text": "{{ start.x }}"}), PARTS) == []


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        "x",
        5,
        {"nodes": 3},
        {"nodes": [5]},
        {"nodes": [{}]},
        {"nodes": [{"id": "a"}]},
        {"nodes": [{"id": "a", "type": "start", "inputs": 5}]},
        {"nodes": [{"id": "a", "type": "start", "config": "text"}]},
        {"nodes": [], "edges": [{"source": "a"}]},
        {"nodes": [], "edges": "ab"},
        {"nodes": None},
    ],
)
def test_validate__another_shape__says_so(raw):
    assert {code for code, _node, _field in told(raw)} == {"E_GRAPH_SHAPE"}


@pytest.mark.parametrize(
    ("graph", "problem"),
    [
        ({"nodes": [make_node(f"n{i}") for i in range(MAX_NODES + 1)]}, ("E_TOO_MANY_NODES", "", "")),
        ({**LINE, "nodes": [*LINE["nodes"], make_node("a")]}, ("E_NODE_DUPLICATE", "a", "")),
        (changed(LINE, "a", type="nope"), ("E_NODE_TYPE", "a", "")),
        (make_graph("a>end"), ("E_START", "", "")),
        (make_graph("start>a"), ("E_END", "", "")),
        ({"nodes": [], "edges": []}, ("E_START", "", "")),
        ({**LINE, "edges": [*LINE["edges"], {"source": "a", "target": "ghost"}]}, ("E_EDGE_UNKNOWN", "ghost", "")),
        ({**LINE, "edges": [*LINE["edges"], {"source": "a", "target": "a"}]}, ("E_EDGE_LOOP", "a", "")),
        ({**LINE, "edges": [*LINE["edges"], LINE["edges"][0]]}, ("E_EDGE_DUPLICATE", "start", "")),
        (make_graph("start>a a>b b>a b>end"), ("E_CYCLE", "a", "")),
        ({**LINE, "nodes": [*LINE["nodes"], make_node("z")]}, ("E_UNREACHABLE", "z", "")),
        (make_graph("start>a a>end start>b"), ("E_DANGLING", "b", "")),
        (changed(LINE, "a", config={"temperature": 9}), ("E_CONFIG", "a", "config.temperature")),
        (changed(LINE, "a", config={"nope": 1}), ("E_CONFIG", "a", "config.nope")),
        ({**LINE, "layout": {}}, ("E_GRAPH_SHAPE", "", "/layout")),
        (changed(LINE, "a", policy={"tries": 3}), ("E_GRAPH_SHAPE", "a", "/nodes/1/policy/tries")),
        (changed(LINE, "a", inputs={"system": "Be brief."}), ("E_INPUT_MISSING", "a", "inputs.text")),
        (make_graph("start>c1 c1+end"), ("E_BRANCH_INCOMPLETE", "c1", "")),
        (make_graph("start>c1 c1+end c1>end"), ("E_BRANCH_INCOMPLETE", "c1", "")),
        (make_graph("start>a a+end"), ("E_BRANCH_UNEXPECTED", "a", "")),
        (
            changed(make_graph(FORK), "c1", config={"expression": "1 +"}),
            ("E_CONDITION", "c1", "config.expression"),
        ),
        (make_graph("start>p1 p1>end"), None),
        (
            changed(make_graph("start>p1 p1>end"), "p1", config={"prompt": "q"}),
            ("E_PROMPT_UNKNOWN", "p1", "config.prompt"),
        ),
        (
            changed(make_graph("start>t1 t1>end"), "t1", config={"server": "s", "tool": "rm"}),
            ("E_TOOL_UNKNOWN", "t1", "config.tool"),
        ),
        (make_graph("start>t1 t1>end"), ("E_ARGUMENT_UNBOUND", "t1", "inputs.image")),
        (
            make_graph("start>t1 t1>end", t1={"image": "{{ start.x }}", "depth": 1}),
            ("E_ARGUMENT_UNKNOWN", "t1", "inputs.depth"),
        ),
        (changed(LINE, "a", inputs={"text": "{{ broken"}), ("E_TEMPLATE", "a", "inputs.text")),
        (changed(LINE, "a", inputs={"text": "{{ ghost.x }}"}), ("E_REFERENCE_UNKNOWN", "a", "inputs.text")),
        (changed(LINE, "a", inputs={"text": "{{ a.text }}"}), ("E_REFERENCE_LATER", "a", "inputs.text")),
        (changed(LINE, "a", inputs={"text": "{{ end.text }}"}), ("E_REFERENCE_LATER", "a", "inputs.text")),
        (changed(LINE, "a", inputs={"text": "{{ start.nope }}"}), ("E_REFERENCE_OUTPUT", "a", "inputs.text")),
        (make_graph(FORK, end={"text": "{{ a.text }}"}), ("E_REFERENCE_SKIPPED", "end", "inputs.text")),
        (make_graph(FORK, b={"text": "{{ a.text }}"}), ("E_REFERENCE_LATER", "b", "inputs.text")),
        (
            make_graph("start>t1 t1>end", t1={"image": 1}, end={"image": "{{ t1.nope }}"}),
            ("E_REFERENCE_OUTPUT", "end", "inputs.image"),
        ),
    ],
)
def test_validate__one_mistake__is_named_with_its_place(graph, problem):
    found = told(graph, PARTS)

    assert found == [] if problem is None else problem in found


@pytest.mark.parametrize("node_id", ["", "A", "1a", "a-b", "a b", "a" * 41, "a\n", "ä"])
def test_validate__bad_id__is_refused(node_id):
    graph = {"nodes": [make_node("start"), {**make_node("a"), "id": node_id}, make_node("end")], "edges": []}

    assert ("E_NODE_ID", node_id, "") in told(graph)


@pytest.mark.parametrize("node_id", ["vars", "run", "item", "error"])
def test_validate__id_that_references_use_for_something_else__is_refused(node_id):
    assert ("E_NODE_ID", node_id, "") in told(make_graph(f"start>{node_id} {node_id}>end"))


@pytest.mark.parametrize("config", [{"prompt": ["p"]}, {"prompt": {"a": 1}}, {"prompt": None}, {}])
def test_validate__config_of_a_wrong_kind__is_a_problem_not_a_crash(config):
    graph = changed(make_graph("start>p1 p1>end"), "p1", config=config)

    assert "E_CONFIG" in [code for code, _node, _field in told(graph, PARTS)]


@pytest.mark.parametrize("form", ["text", [], ["x"], 5, None, {"properties": 5}])
def test_validate__form_of_a_wrong_kind__is_no_crash(form):
    assert isinstance(told(LINE, {**PARTS, "form": form}), list)


@pytest.mark.parametrize("when", ["", "yes", "TRUE"])
def test_validate__a_condition_with_an_odd_way__is_incomplete(when):
    graph = make_graph("start>c1 c1+a c1-end a>end")
    graph["edges"][1]["when"] = when

    assert ("E_BRANCH_INCOMPLETE", "c1", "") in told(graph)


def test_validate__too_many_conditions__says_so():
    ids = [f"c{i}" for i in range(MAX_CONDITIONS + 1)]
    ends = [*ids[1:], "end"]
    edges = " ".join(f"{a}+{b} {a}-{b}" for a, b in zip(ids, ends, strict=True))

    assert told(make_graph(f"start>c0 {edges}")) == [("E_TOO_MANY_CONDITIONS", "", "")]


def test_validate__largest_graph__is_judged_whole():
    ids = [f"c{i}" for i in range(MAX_CONDITIONS)]
    edges = " ".join(f"{a}+{b} {a}-{b}" for a, b in zip(ids, [*ids[1:], "a0"], strict=True))
    line = " ".join(f"a{i}>a{i + 1}" for i in range(MAX_NODES - MAX_CONDITIONS - 3))
    graph = make_graph(f"start>c0 {edges} {line} a{MAX_NODES - MAX_CONDITIONS - 3}>end", end={"x": "{{ start.x }}"})

    assert len(graph["nodes"]) == MAX_NODES
    assert told(graph) == []


def walk(graph: Any, outcome: dict[str, str]) -> set[str]:
    """Which nodes run, told by following taken edges from the start, one at a time."""
    ran, todo = {"start"}, ["start"]
    while todo:
        here = todo.pop()
        for edge in graph.edges:
            if edge.source == here and edge.when in ("", outcome.get(here, "")) and edge.target not in ran:
                ran.add(edge.target)
                todo.append(edge.target)
    return ran


@settings(max_examples=150)
@given(st.data())
def test_runs_together__random_graph__agrees_with_walking_every_outcome(data):
    inner = data.draw(st.lists(st.sampled_from(["c", "a"]), min_size=1, max_size=6))
    ids = ["start", *(f"{kind}{i}" for i, kind in enumerate(inner)), "end"]
    words = []
    for i, node_id in enumerate(ids[:-1]):
        signs = "+-" if node_id[0] == "c" else ">"
        for sign in signs:
            targets = data.draw(st.lists(st.sampled_from(ids[i + 1 :]), min_size=1, max_size=2, unique=True))
            words += [f"{node_id}{sign}{target}" for target in targets]
    graph = parse_graph(make_graph(" ".join(words)))
    reached = graph.reachable_from("start")
    conditions = [n.id for n in graph.of_type("condition")]
    outcomes = product(("true", "false"), repeat=len(conditions))
    runs = [walk(graph, dict(zip(conditions, outcome, strict=True))) for outcome in outcomes]

    together = _runs_together(graph)

    assert together is not None
    if set(graph.by_id) == reached:  # a node without an edge into it is refused before
        expected = {(a, b) for a in reached for b in reached if all(a not in run or b in run for run in runs)}
        assert together == expected


def test_order__graph__puts_every_node_behind_its_sources():
    graph = parse_graph(make_graph("start>b b>a start>a a>end"))

    assert graph.order == ["start", "b", "a", "end"]
    assert graph.reachable_from("b") == {"b", "a", "end"}
    assert graph.reachable_from("a", backwards=True) == {"a", "b", "start"}
