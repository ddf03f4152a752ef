"""The validator: every rule has an example with its place, and what runs when is checked against brute force."""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise, product
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.conf import settings
from django.utils import translation
from hypothesis import given
from hypothesis import settings as looks
from hypothesis import strategies as st
from pydantic import Field

from apps.core.errors import ApiError
from apps.pipelines.cost import worst_case, worst_cost
from apps.pipelines.graph import parse_graph
from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.base import BaseNode, Needs, NodeConfig, Schema, closed, named
from apps.pipelines.validator import MAX_CONDITIONS, MAX_NODES, RULES, Subject, validate
from apps.pipelines.validator.rules_config import names_in
from apps.pipelines.validator.rules_shape import MAX_EDGES
from tests.pipelines.builders import make_graph, make_node

PARTS: dict[str, Any] = {
    "form": {
        "type": "object",
        "properties": {
            "x": {},
            "word": {"type": "string"},
            "count": {"type": "integer"},
            "words": {"type": "array", "items": {"type": "string"}, "maxItems": 500},
        },
    },
    "prompts": {
        "p": {"system": "", "body": "", "variables": []},
        "needy": {
            "system": "",
            "body": "{{ name }}",
            "variables": [{"name": "name", "type": "string"}, {"name": "size", "type": "number", "required": False}],
        },
    },
    "tools": {
        "s/t": {
            "input_schema": {
                "required": ["image"],
                "properties": {"image": {}, "size": {"type": "integer", "maximum": 9}},
            },
            "output_schema": {"properties": {"out": {}}},
        },
        "s/safe": {
            "input_schema": {"properties": {}},
            "output_schema": {"properties": {"out": {}}},
            "repeatable": True,
        },
    },
    "refused_tools": {"s/off": "E_TOOL_SERVER_OFF", "s/no": "E_TOOL_NOT_ALLOWED", "s/new": "E_TOOL_CHANGED"},
    "pipelines": {},
    "answers": {("chat", ""): "real", ("chat", "sample"): "mock"},
    "hosts": ["api.example.com"],
}


class ForkConfig(NodeConfig):
    names: list[str] = Field(default=["a", "b"])
    expression: str = Field(default="", json_schema_extra={"x-widget": "cel"})


class CaseTaken(ApiError):
    reason, message = "E_SWITCH_CASE", "Two ways have one name."


class DefaultOdd(ApiError):
    reason, message = "E_HUMAN_DEFAULT", "This is no option."


class ForkNode(BaseNode):
    """Goes one of several ways that its settings name."""

    type, label, Config = "fork", "Fork", ForkConfig

    def ways(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(config.get("names", ["a", "b"]))

    def produces(self, config: Any, parts: Any) -> Schema:
        return closed({"result": {"type": "string"}})

    def mistakes(self, config: ForkConfig) -> Iterator[tuple[str, ApiError]]:
        if len(set(config.names)) < len(config.names):
            yield "names", CaseTaken()


class AskConfig(NodeConfig):
    deadline: str = Field(json_schema_extra={"x-problem": "E_HUMAN_DEADLINE"})
    default: str = ""


class AskNode(BaseNode):
    """Asks somebody."""

    type, label, Config, category = "asking", "Ask", AskConfig, "people"

    def mistakes(self, config: AskConfig) -> Iterator[tuple[str, ApiError]]:
        if config.default:
            yield "default", DefaultOdd()


class EachConfig(NodeConfig):
    pipeline: str
    most: int = 100


class EachNode(BaseNode):
    """Runs a pipeline for each item of a list."""

    type, label, Config, effect = "each", "Each", EachConfig, "effect"

    def accepts(self, config: EachConfig, parts: Any) -> Schema:
        return closed({"items": {"type": "array", "maxItems": config.most}}, required=["items"])

    def worst_cost(self, config: Any, parts: Any) -> int | None:
        return None


class PayConfig(NodeConfig):
    price: int = 5
    host: str = ""
    shape: dict[str, Any] = Field(default_factory=dict, json_schema_extra={"x-widget": "schema"})


class PayNode(BaseNode):
    """Costs something, and calls a host."""

    type, label, Config, effect = "pay", "Pay", PayConfig, "effect"
    max_timeout: ClassVar[float] = 60.0

    def worst_cost(self, config: PayConfig, parts: Any) -> int | None:
        return config.price if config.price >= 0 else None

    def produces(self, config: Any, parts: Any) -> Schema:
        return closed({"receipt": {"type": "string"}, "sum": {"type": "integer"}})

    def needs(self, config: Mapping[str, Any]) -> Needs:
        return Needs(hosts=named(config, "host"))


@pytest.fixture(autouse=True)
def _more_types(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (ForkNode(), AskNode(), EachNode(), PayNode()):
        monkeypatch.setitem(node_types(), kind.type, kind)


def told(graph: Any, parts: Any = None, *, severity: str | None = None) -> list[tuple[str, str, str]]:
    found = validate(graph, parts)
    return [(p.code, p.node, p.field) for p in found if severity in (None, p.severity)]


def errors(graph: Any, parts: Any = None) -> list[tuple[str, str, str]]:
    return told(graph, parts, severity="error")


def changed(graph: dict[str, Any], node_id: str, **fields: Any) -> dict[str, Any]:
    nodes = [{**node, **fields} if node["id"] == node_id else node for node in graph["nodes"]]
    return {**graph, "nodes": nodes}


def typed(edges: str, node_id: str, kind: str, config: Any = None, **fields: Any) -> dict[str, Any]:
    """A graph in which one node is of another type."""
    plain = {"config": config or {}, "inputs": {}, **fields}
    return changed(make_graph(edges), node_id, type=kind, **plain)


LINE = make_graph("start>a a>end", a={"text": "{{ start.x }}"}, end={"text": "{{ a.text }}"})
FORK = "start>c1 c1+a c1-b a>end b>end"
BOTH = "start>a start>b a>end b>end"
ONE = "start>w1 w1>end"
PAY = typed(ONE, "w1", "pay")
FILLED = make_graph("start>p1 p1>end")
CALLED = make_graph("start>t1 t1>end")
TONE = {"name": "tone", "schema": {"type": "string"}, "value": "warm"}


def running(*names: str) -> dict[str, Any]:
    """A pipeline whose steps run these pipelines, one after the other."""
    ids = ["start", *(f"w{i}" for i, _name in enumerate(names)), "end"]
    graph = make_graph(" ".join(f"{a}>{b}" for a, b in pairwise(ids)))
    for i, name in enumerate(names):
        graph = changed(graph, f"w{i}", type="each", config={"pipeline": name}, inputs={"items": [1]})
    return graph


def below(**pipelines: Any) -> dict[str, Any]:
    return {"key": "main", "pipelines": {key: {"graph": graph} for key, graph in pipelines.items()}}


def test_validate__sound_graph__has_no_problems() -> None:
    assert told(LINE, PARTS) == []
    assert errors(make_graph(FORK, end={"text": "{{ start.x }}"}), PARTS) == []


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


CALL = {"host": "example.com", "method": "GET", "path": "/"}
EXAMPLES: list[tuple[Any, Any, tuple[str, str, str]]] = [
    # --- shape
    ({**LINE, "layout": {}}, {}, ("E_GRAPH_SHAPE", "", "/layout")),
    (changed(LINE, "a", policy={"tries": 3}), {}, ("E_GRAPH_SHAPE", "a", "/nodes/1/policy/tries")),
    ({"nodes": [make_node(f"n{i}") for i in range(MAX_NODES + 1)]}, {}, ("E_TOO_MANY_NODES", "", "")),
    ({**LINE, "edges": [LINE["edges"][0]] * (MAX_EDGES + 1)}, {}, ("E_TOO_MANY_EDGES", "", "")),
    ({**LINE, "nodes": [*LINE["nodes"], make_node("a")]}, {}, ("E_NODE_DUPLICATE", "a", "")),
    (make_graph("start>vars vars>end"), {}, ("E_NODE_ID", "vars", "")),
    (changed(LINE, "a", type="nope"), {}, ("E_NODE_TYPE", "a", "")),
    (make_graph("a>end"), {}, ("E_START", "", "")),
    ({"nodes": [], "edges": []}, {}, ("E_START", "", "")),
    (make_graph("start>a"), {}, ("E_END", "", "")),
    ({**LINE, "edges": [*LINE["edges"], {"source": "a", "target": "ghost"}]}, {}, ("E_EDGE_UNKNOWN", "ghost", "")),
    ({**LINE, "edges": [*LINE["edges"], {"source": "a", "target": "a"}]}, {}, ("E_EDGE_LOOP", "a", "")),
    ({**LINE, "edges": [*LINE["edges"], LINE["edges"][0]]}, {}, ("E_EDGE_DUPLICATE", "start", "")),
    (make_graph("start>a a>b b>a b>end"), {}, ("E_CYCLE", "a", "")),
    # --- flow
    ({**LINE, "nodes": [*LINE["nodes"], make_node("z")]}, {}, ("E_UNREACHABLE", "z", "")),
    (make_graph("start>a a>end start>b"), {}, ("E_DANGLING", "b", "")),
    (make_graph("start>c1 c1+end"), {}, ("E_BRANCH_INCOMPLETE", "c1", "")),
    (make_graph("start>c1 c1+end c1>end"), {}, ("E_BRANCH_INCOMPLETE", "c1", "")),
    (changed(LINE, "a", policy={"on_error": "continue"}), {}, ("E_BRANCH_INCOMPLETE", "a", "")),
    (make_graph("start>c1 c1+end c1-end c1>end"), {}, ("E_BRANCH_UNEXPECTED", "c1", "")),
    (make_graph("start>a a+end"), {}, ("E_BRANCH_UNEXPECTED", "a", "")),
    (make_graph("start>a a>end end>b"), {}, ("E_BRANCH_UNEXPECTED", "end", "")),
    (changed(make_graph(BOTH), "end", policy={"join": "any"}), {}, ("E_JOIN_MISSING", "end", "policy.join")),
    (
        changed(make_graph("start>a start>b a>d b>d d>end", d={"text": "{{ a.text }}"}), "d", policy={"join": "any"}),
        {},
        ("E_JOIN_AMBIGUOUS", "d", "inputs.text"),
    ),
    (make_graph("start>a a>end"), {}, ("E_NODE_UNUSED", "a", "")),
    # --- settings
    (changed(LINE, "a", config={"temperature": 9}), {}, ("E_CONFIG", "a", "config.temperature")),
    (changed(LINE, "a", config={"nope": 1}), {}, ("E_CONFIG", "a", "config.nope")),
    (
        changed(make_graph(FORK), "c1", config={"expression": "1 +"}),
        {},
        ("E_CONDITION", "c1", "config.expression"),
    ),
    (
        typed("start>w1 w1>end", "w1", "fork", {"names": [""], "expression": "sizes.all(i, i > 0) && y > 1"}),
        {},
        ("E_CONDITION_NAME", "w1", "config.expression"),
    ),
    (typed(ONE, "w1", "pay", {"shape": {"type": 5}}), {}, ("E_CONFIG_SCHEMA", "w1", "config.shape")),
    (typed(ONE, "w1", "fork", {"names": ["a", "a"]}), {}, ("E_SWITCH_CASE", "w1", "config.names")),
    (typed(ONE, "w1", "asking"), {}, ("E_HUMAN_DEADLINE", "w1", "config.deadline")),
    (typed(ONE, "w1", "asking", {"deadline": "PT1H", "default": "x"}), {}, ("E_HUMAN_DEFAULT", "w1", "config.default")),
    # --- what single types of nodes say of their settings
    (typed(ONE, "w1", "http_request", {**CALL, "path": "a"}), {}, ("E_ADDRESS_UNFIT", "w1", "config.path")),
    (
        typed(ONE, "w1", "http_request", {**CALL, "headers": {"Cookie": "a"}}),
        {},
        ("E_HEADER_REFUSED", "w1", "config.headers.Cookie"),
    ),
    (
        typed(ONE, "w1", "transform", {"language": "jmespath", "expression": "a["}),
        {},
        ("E_EXPRESSION", "w1", "config.expression"),
    ),
    (typed(ONE, "w1", "transform", {}), {}, ("E_TRANSFORM_EMPTY", "w1", "config.template")),
    (typed(ONE, "w1", "delay", {"until": "tomorrow"}), {}, ("E_DELAY_TIME", "w1", "config.until")),
    (
        typed(ONE, "w1", "human_input", {"title": "?", "deadline": "PT1H", "options": ["a", "a"]}),
        {},
        ("E_HUMAN_OPTION", "w1", "config.options.1"),
    ),
    # --- policy
    (changed(LINE, "start", policy={"on_error": "continue"}), {}, ("E_POLICY_PLACE", "start", "policy.on_error")),
    (changed(PAY, "w1", policy={"timeout": 61}), {}, ("E_POLICY_TIMEOUT", "w1", "policy.timeout")),
    (changed(PAY, "w1", policy={"on_error": "fallback"}), {}, ("E_FALLBACK", "w1", "policy.fallback")),
    (
        changed(LINE, "a", policy={"on_error": "fallback", "fallback": {"model": "none"}}),
        {},
        ("E_FALLBACK", "a", "policy.fallback"),
    ),
    (
        changed(PAY, "w1", policy={"on_error": "fallback", "fallback": {"sum": "five"}}),
        {},
        ("E_FALLBACK", "w1", "policy.fallback.sum"),
    ),
    (
        changed(FILLED, "p1", policy={"unknown": "ask"}),
        {},
        ("E_UNKNOWN_RULE", "p1", "policy.unknown"),
    ),
    (changed(PAY, "w1", policy={"retries": 1}), {}, ("E_RETRY_EFFECT", "w1", "policy.retries")),
    (changed(PAY, "w1", policy={"unknown": "retry"}), {}, ("E_RETRY_EFFECT", "w1", "policy.unknown")),
    # --- parts
    (
        changed(FILLED, "p1", config={"prompt": "q"}),
        {},
        ("E_PROMPT_UNKNOWN", "p1", "config.prompt"),
    ),
    *[
        (
            changed(CALLED, "t1", config={"server": "s", "tool": tool}),
            {},
            (code, "t1", "config.tool"),
        )
        for tool, code in (
            ("rm", "E_TOOL_UNKNOWN"),
            ("off", "E_TOOL_SERVER_OFF"),
            ("no", "E_TOOL_NOT_ALLOWED"),
            ("new", "E_TOOL_CHANGED"),
        )
    ],
    (running("gone"), {}, ("E_PIPELINE_UNKNOWN", "w0", "config.pipeline")),
    (running("main"), below(), ("E_PIPELINE_CYCLE", "w0", "config.pipeline")),
    (running("b"), below(b=running("c"), c=running("b")), ("E_PIPELINE_CYCLE", "w0", "config.pipeline")),
    (
        running("p0"),
        below(**{f"p{i}": running(f"p{i + 1}") for i in range(5)}, p5=make_graph("start>end")),
        ("E_PIPELINE_DEPTH", "w0", "config.pipeline"),
    ),
    (changed(LINE, "a", config={"model": "gone"}), {}, ("E_NO_ROUTE", "a", "config.model")),
    (LINE, {"answers": {}}, ("E_NO_ROUTE", "a", "config.capability")),
    (changed(LINE, "a", config={"model": "sample"}), {}, ("E_ROUTE_MOCK", "a", "config.model")),
    (typed(ONE, "w1", "pay", {"host": "evil.example"}), {}, ("E_HOST_REFUSED", "w1", "config.host")),
    # --- variables
    ({**LINE, "variables": [{**TONE, "name": "Tone"}]}, {}, ("E_VARIABLE_NAME", "", "variables.0.name")),
    ({**LINE, "variables": [TONE, TONE]}, {}, ("E_VARIABLE_NAME", "", "variables.1.name")),
    ({**LINE, "variables": [{**TONE, "schema": {"type": 1}}]}, {}, ("E_VARIABLE_SCHEMA", "", "variables.0.schema")),
    ({**LINE, "variables": [{**TONE, "value": 5}]}, {}, ("E_VARIABLE_VALUE", "", "variables.0.value")),
    ({**LINE, "variables": [TONE]}, {}, ("E_VARIABLE_UNUSED", "", "variables.0")),
    # --- references
    (changed(LINE, "a", inputs={"text": "{{ broken"}), {}, ("E_TEMPLATE", "a", "inputs.text")),
    (changed(LINE, "a", inputs={"text": "{{ ghost.x }}"}), {}, ("E_REFERENCE_UNKNOWN", "a", "inputs.text")),
    (changed(LINE, "a", inputs={"text": "{{ item.x }}"}), {}, ("E_REFERENCE_UNKNOWN", "a", "inputs.text")),
    (changed(LINE, "a", inputs={"text": "{{ error.message }}"}), {}, ("E_REFERENCE_UNKNOWN", "a", "inputs.text")),
    (changed(LINE, "a", inputs={"text": "{{ a.text }}"}), {}, ("E_REFERENCE_LATER", "a", "inputs.text")),
    (changed(LINE, "a", inputs={"text": "{{ end.text }}"}), {}, ("E_REFERENCE_LATER", "a", "inputs.text")),
    (make_graph(FORK, b={"text": "{{ a.text }}"}), {}, ("E_REFERENCE_LATER", "b", "inputs.text")),
    (make_graph(FORK, end={"text": "{{ a.text }}"}), {}, ("E_REFERENCE_SKIPPED", "end", "inputs.text")),
    (changed(LINE, "a", inputs={"text": "{{ start.nope }}"}), {}, ("E_REFERENCE_OUTPUT", "a", "inputs.text")),
    (
        make_graph("start>t1 t1>end", t1={"image": 1}, end={"image": "{{ t1.nope }}"}),
        {},
        ("E_REFERENCE_OUTPUT", "end", "inputs.image"),
    ),
    (changed(LINE, "a", inputs={"text": "{{ vars.tone }}"}), {}, ("E_REFERENCE_VARIABLE", "a", "inputs.text")),
    (changed(LINE, "a", inputs={"text": "{{ run.password }}"}), {}, ("E_REFERENCE_VARIABLE", "a", "inputs.text")),
    # --- types
    (changed(LINE, "a", inputs={"system": "Be brief."}), {}, ("E_INPUT_MISSING", "a", "inputs.text")),
    (changed(running("b"), "w0", inputs={"items": [], "x": 1}), {}, ("E_INPUT_UNKNOWN", "w0", "inputs.x")),
    (make_graph("start>t1 t1>end"), {}, ("E_ARGUMENT_UNBOUND", "t1", "inputs.image")),
    (
        make_graph("start>t1 t1>end", t1={"image": "{{ start.x }}", "depth": 1}),
        {},
        ("E_ARGUMENT_UNKNOWN", "t1", "inputs.depth"),
    ),
    (make_graph("start>t1 t1>end", t1={"image": 1, "size": 10}), {}, ("E_ARGUMENT_SCHEMA", "t1", "inputs.size")),
    (
        make_graph("start>t1 t1>end", t1={"image": 1, "size": "{{ start.word }}"}),
        {},
        ("E_REFERENCE_TYPE", "t1", "inputs.size"),
    ),
    (changed(LINE, "a", inputs={"text": "{{ start.count }}"}), {}, ("E_REFERENCE_TYPE", "a", "inputs.text")),
    (changed(running("b"), "w0", inputs={"items": "{{ start.word }}"}), {}, ("E_MAP_SCALAR", "w0", "inputs.items")),
    (changed(running("b"), "w0", inputs={"items": "{{ start.words }}"}), {}, ("E_MAP_SIZE", "w0", "inputs.items")),
    (
        LINE,
        {"output": {"type": "object", "properties": {"sound": {}}}},
        ("E_OUTPUT_UNCOVERED", "end", "inputs.sound"),
    ),
    (
        LINE,
        {"output": {"type": "object", "properties": {"text": {"type": "integer"}}}},
        ("E_OUTPUT_TYPE", "end", "inputs.text"),
    ),
    (
        changed(FILLED, "p1", config={"prompt": "needy"}),
        {},
        ("E_VARIABLE_UNBOUND", "p1", "inputs.name"),
    ),
    (
        changed(
            FILLED,
            "p1",
            config={"prompt": "needy"},
            inputs={"name": "n", "size": "{{ start.word }}"},
        ),
        {},
        ("E_VARIABLE_MISTYPED", "p1", "inputs.size"),
    ),
    # --- cost
    ({**PAY, "limits": {"cost_micro": 4}}, {}, ("E_COST_LIMIT", "", "limits.cost_micro")),
    ({**LINE, "limits": {"cost_micro": 4}}, {}, ("E_COST_UNKNOWN", "a", "")),
    ({**LINE, "limits": {"steps": 2}}, {}, ("E_LIMIT_STEPS", "", "limits.steps")),
]


def _name(example: Any) -> str:
    return str(example[2][0])


@pytest.mark.parametrize(("graph", "parts", "problem"), EXAMPLES, ids=map(_name, EXAMPLES))
def test_validate__one_mistake__is_named_with_its_place(graph: Any, parts: Any, problem: tuple[str, str, str]) -> None:
    assert problem in told(graph, {**PARTS, **parts})


def test_rules__each__has_an_example() -> None:
    shown = {problem[0] for _graph, _parts, problem in EXAMPLES} | {"E_TOO_MANY_CONDITIONS"}

    assert shown == set(RULES)
    assert len(RULES) >= 60


def test_rules__of_node_types__none_is_left_out() -> None:
    said = {error.reason for kind in node_types().values() for error in kind.says}

    assert said <= set(RULES)
    assert {"E_ADDRESS_UNFIT", "E_DELAY_TIME", "E_EXPRESSION", "E_HUMAN_OPTION"} <= said


def test_rules__each__stands_in_the_documentation() -> None:
    page = (Path(settings.BASE_DIR) / "docs" / "pipelines.md").read_text("utf-8")

    assert [code for code in RULES if f"`{code}`" not in page] == []
    warned = set(re.findall(r"`(E_[A-Z_]+)` \(warning\)", page))
    assert warned == {code for code, rule in RULES.items() if rule.severity == "warning"}


def test_documentation__example__has_no_problems() -> None:
    page = (Path(settings.BASE_DIR) / "docs" / "pipelines.md").read_text("utf-8")
    graph = json.loads(page.partition("```json\n")[2].partition("```")[0])
    known = [node for node in graph["nodes"] if node["type"] in node_types()]

    if len(known) == len(graph["nodes"]):  # it shows a type that comes with the other nodes
        assert errors(graph, {"answers": {("chat", ""): "real"}}) == []


@pytest.mark.parametrize(("graph", "parts", "problem"), EXAMPLES, ids=map(_name, EXAMPLES))
def test_validate__one_mistake__is_said_in_whole_words(graph: Any, parts: Any, problem: Any) -> None:
    with translation.override("zh-hans"):
        found = [one for one in validate(graph, {**PARTS, **parts}) if one.code == problem[0]]

    assert all(one.message and "%(" not in one.message for one in found)
    assert {one.severity for one in found} == {RULES[problem[0]].severity}


@pytest.mark.parametrize("node_id", ["", "A", "1a", "a-b", "a b", "a" * 41, "a\n", "ä"])
def test_validate__bad_id__is_refused(node_id):
    graph = {"nodes": [make_node("start"), {**make_node("a"), "id": node_id}, make_node("end")], "edges": []}

    assert ("E_NODE_ID", node_id, "") in told(graph)


@pytest.mark.parametrize("node_id", ["vars", "run", "item", "error"])
def test_validate__id_that_references_use_for_something_else__is_refused(node_id):
    assert ("E_NODE_ID", node_id, "") in told(make_graph(f"start>{node_id} {node_id}>end"))


@pytest.mark.parametrize("config", [{"prompt": ["p"]}, {"prompt": {"a": 1}}, {"prompt": None}, {}])
def test_validate__config_of_a_wrong_kind__is_a_problem_not_a_crash(config):
    graph = changed(FILLED, "p1", config=config)

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

    assert errors(make_graph(f"start>c0 {edges}")) == [("E_TOO_MANY_CONDITIONS", "", "")]


def test_validate__largest_graph__is_judged_whole():
    ids = [f"c{i}" for i in range(MAX_CONDITIONS)]
    edges = " ".join(f"{a}+{b} {a}-{b}" for a, b in zip(ids, [*ids[1:], "a0"], strict=True))
    line = " ".join(f"a{i}>a{i + 1}" for i in range(MAX_NODES - MAX_CONDITIONS - 3))
    graph = make_graph(f"start>c0 {edges} {line} a{MAX_NODES - MAX_CONDITIONS - 3}>end", end={"x": "{{ start.x }}"})

    assert len(graph["nodes"]) == MAX_NODES
    assert errors(graph) == []


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


@looks(max_examples=150)
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

    lineage = Subject(graph, {}).lineage

    assert lineage is not None
    if set(graph.by_id) == reached:  # a node without an edge into it is refused before
        expected = {(a, b) for a in reached for b in reached if all(a not in run or b in run for run in runs)}
        assert {(a, b) for a in reached for b in reached if lineage.always_with(a, b)} == expected
        paths = {(a, b) for a in reached for b in graph.reachable_from(a) - {a}}
        assert {(a, b) for a in reached for b in reached if lineage.comes_before(a, b)} == paths


def test_order__graph__puts_every_node_behind_its_sources():
    graph = parse_graph(make_graph("start>b b>a start>a a>end"))

    assert graph.order == ["start", "b", "a", "end"]
    assert graph.reachable_from("b") == {"b", "a", "end"}
    assert graph.reachable_from("a", backwards=True) == {"a", "b", "start"}


# --- ways that exclude each other, failures, costs -----------------------------------------------


@pytest.mark.parametrize(
    ("template", "codes"),
    [
        ("{{ a.text | default: b.text }}", []),
        ("{{ a.text | default: 'none' }}", []),
        ("{{ a.text }}{{ b.text }}", ["E_REFERENCE_SKIPPED", "E_REFERENCE_SKIPPED"]),
        ("{{ a.text | default: a.model }}", ["E_REFERENCE_SKIPPED", "E_REFERENCE_SKIPPED"]),
        ("{{ a.text | default: b.nope }}", ["E_REFERENCE_OUTPUT"]),
        ("{{ a.text | default: ghost.text }}", ["E_REFERENCE_UNKNOWN"]),
    ],
)
def test_references__choice_between_ways__is_there_on_one_of_them(template: str, codes: list[str]) -> None:
    graph = make_graph(FORK, end={"text": template})

    assert [code for code, _node, _field in errors(graph, PARTS)] == codes


GOES_ON = make_graph("start>a a>b a>sorry b>end sorry>end", end={"text": "x"})


def goes_on(**inputs: dict[str, Any]) -> dict[str, Any]:
    """`a` may fail: then `sorry` runs in place of `b`."""
    graph = changed(GOES_ON, "a", policy={"on_error": "continue"})
    for node_id, values in inputs.items():
        graph = changed(graph, node_id, inputs=values)
    edges = [{**edge, "when": "error"} if edge["target"] == "sorry" else edge for edge in graph["edges"]]
    return {**graph, "edges": edges}


@pytest.mark.parametrize(
    ("inputs", "codes"),
    [
        ({"b": {"text": "{{ a.text }}"}}, []),
        ({"sorry": {"text": "{{ a.error.message }}"}}, []),
        ({"sorry": {"text": "{{ error.message }} at {{ error.node }}"}}, []),
        ({"end": {"text": "{{ b.text | default: sorry.text }}"}}, []),
        ({"sorry": {"text": "{{ a.text }}"}}, ["E_REFERENCE_SKIPPED"]),
        ({"end": {"text": "{{ a.text }}"}}, ["E_REFERENCE_SKIPPED"]),
        ({"end": {"text": "{{ a.text | default: 'none' }}"}}, []),
        ({"b": {"text": "{{ a.error.message }}"}}, ["E_REFERENCE_SKIPPED"]),
        ({"b": {"text": "{{ error.message }}"}}, ["E_REFERENCE_UNKNOWN"]),
        ({"end": {"text": "{{ error.message }}"}}, ["E_REFERENCE_UNKNOWN"]),
        ({"sorry": {"text": "{{ error.trace }}"}}, ["E_REFERENCE_OUTPUT"]),
        ({"sorry": {"text": "{{ run.id }} {{ run.user }}"}}, []),
    ],
)
def test_references__step_that_may_fail_and_go_on__are_judged_by_its_way(inputs: Any, codes: list[str]) -> None:
    assert [code for code, _node, _field in errors(goes_on(**inputs), PARTS)] == codes


def test_validate__way_of_a_failure_that_cannot_be__is_unexpected() -> None:
    graph = goes_on()

    assert ("E_BRANCH_UNEXPECTED", "a", "") in errors(changed(graph, "a", policy={}))


def priced(edges: str, **prices: int) -> dict[str, Any]:
    graph = make_graph(edges)
    for node_id, price in prices.items():
        graph = changed(graph, node_id, type="pay", config={"price": price}, inputs={})
    return graph


@pytest.mark.parametrize(
    ("graph", "worst"),
    [
        (priced("start>w1 w1>w2 w2>end", w1=5, w2=7), 12),
        (priced("start>c1 c1+w1 c1-w2 w1>end w2>end", w1=5, w2=7), 7),
        (priced("start>w1 start>w2 w1>end w2>end", w1=5, w2=7), 12),
        (priced("start>c1 c1+w1 c1-c2 c2+w2 c2-w3 w1>end w2>end w3>end", w1=5, w2=9, w3=8), 9),
        (priced("start>c1 c1+w1 c1-w2 w1>w3 w2>w3 w3>end", w1=5, w2=7, w3=100), 107),
        (changed(priced("start>w1 w1>end", w1=5), "w1", policy={"retries": 3}), 20),
    ],
)
def test_cost__of_the_dearest_way__is_the_worst(graph: Any, worst: int) -> None:
    assert worst_cost(parse_graph(graph), PARTS) == worst


def test_cost__list_through_a_pipeline__is_counted_for_every_item() -> None:
    parts = {**PARTS, **below(b=priced("start>w1 w1>end", w1=5))}
    graph = changed(running("b"), "w0", config={"pipeline": "b", "most": 30})

    assert worst_cost(parse_graph(graph), parts) == 150
    assert worst_cost(parse_graph(running("gone")), parts) is None
    circle = {**PARTS, **below(b=running("b"))}
    assert worst_cost(parse_graph(running("b")), circle) is None


def test_cost__unknown_step__is_named_and_the_rest_is_summed() -> None:
    graph = parse_graph(priced("start>w1 w1>a a>end", w1=5))

    worst = worst_case(Subject(graph, PARTS))

    assert (worst.micro, worst.unknown) == (5, ("a",))


@looks(max_examples=100)
@given(st.data())
def test_cost__random_branches__is_what_walking_every_outcome_finds(data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(["c", "w"]), min_size=1, max_size=6))
    ids = ["start", *(f"{kind}{i}" for i, kind in enumerate(kinds)), "end"]
    words = []
    for i, node_id in enumerate(ids[:-1]):
        signs = "+-" if node_id[0] == "c" else ">"
        words += [f"{node_id}{sign}{data.draw(st.sampled_from(ids[i + 1 :]))}" for sign in signs]
    prices = {node_id: data.draw(st.integers(0, 9)) for node_id in ids if node_id[0] == "w"}
    graph = parse_graph(priced(" ".join(words), **prices))
    conditions = [node.id for node in graph.of_type("condition")]
    outcomes = product(("true", "false"), repeat=len(conditions))
    reached = graph.reachable_from("start")

    worst = worst_cost(graph, {})

    if set(graph.by_id) == reached:
        runs = [walk(graph, dict(zip(conditions, outcome, strict=True))) for outcome in outcomes]
        assert worst == max(sum(prices.get(node_id, 0) for node_id in run) for run in runs)


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("a > 1", {"a"}),
        ("items.all(i, i > 0 && b)", {"items", "b"}),
        ("items.exists( i , i == 1)", {"items"}),
        ("items.map(i, i * 2).size() > 0", {"items"}),
        ("size(text) > 3 && other.name == 'x'", {"text", "other"}),
        ("1 +", set()),
    ],
)
def test_names_in__expression__are_those_that_it_reads(expression: str, names: set[str]) -> None:
    assert names_in(expression) == names


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("{{ a.b }}"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NODES = st.fixed_dictionaries(
    {"id": st.sampled_from(["start", "a", "b", "end"]), "type": st.sampled_from([*("start", "end"), *node_types()])},
    optional={
        "config": st.dictionaries(st.sampled_from(["prompt", "server", "expression", "model"]), ODD, max_size=3),
        "inputs": st.dictionaries(st.sampled_from(["text", "image"]), ODD, max_size=2),
    },
)


@looks(max_examples=150)
@given(
    st.lists(NODES, max_size=5),
    st.lists(
        st.fixed_dictionaries(
            {"source": st.sampled_from(["start", "a", "b"]), "target": st.sampled_from(["a", "b", "end"])},
            optional={"when": st.sampled_from(["", "true", "false", "error"])},
        ),
        max_size=6,
    ),
    st.fixed_dictionaries({}, optional={"form": ODD, "output": ODD, "hosts": st.just([])}),
)
def test_validate__whatever_a_draft_holds__is_an_answer(nodes: Any, edges: Any, parts: Any) -> None:
    found = validate({"nodes": nodes, "edges": edges}, {**PARTS, **parts})

    assert all(problem.code.startswith("E_") and problem.message for problem in found)
