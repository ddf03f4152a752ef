"""What an editor asks while somebody draws: validate, describe, nodes, parts."""

from typing import Any

import pytest

from apps.accounts.models import User
from apps.features.models import Feature
from apps.mcp.models import Server, Tool
from apps.pipelines.api.judging import Keystrokes
from apps.pipelines.models import Pipeline
from apps.pipelines.nodes import node_types
from tests.conftest import Api, make_user
from tests.features.builders import make_feature, make_graph

ROOT = "/api/v1/admin/pipelines"


@pytest.fixture
def feature(db: None) -> Feature:
    return make_feature()


def ask(person: User, what: str, body: Any, **headers: str) -> Any:
    return Api(person).post(f"{ROOT}/{what}", json=body, headers=headers)


def codes(answer: Any) -> list[tuple[str, str]]:
    return [(problem["code"], problem["node"]) for problem in answer.json()["problems"]]


# --- validate ------------------------------------------------------------------------------------


def test_validate__sound_graph__tells_the_cost_alone(viewer: User, feature: Feature) -> None:
    answer = ask(viewer, "validate", {"graph": make_graph(), "key": "greeter"})

    assert answer.status_code == 200
    assert codes(answer) == [("E_ROUTE_MOCK", "say")]
    assert answer.json()["cost"] == {"worst_micro": 0, "unknown": ["say"]}
    assert set(answer.json()["problems"][0]) == {"code", "message", "node", "field", "severity"}


def test_validate__feature__brings_form_and_result(viewer: User, feature: Feature) -> None:
    graph = make_graph(sound="{{ start.nickname }}")

    plain = ask(viewer, "validate", {"graph": graph})
    judged = ask(viewer, "validate", {"graph": graph, "feature": "greeter"})
    by_key = ask(viewer, "validate", {"graph": graph, "key": "greeter"})

    assert ("E_OUTPUT_UNCOVERED", "end") not in codes(plain)
    assert codes(judged) == codes(by_key)
    assert {("E_OUTPUT_UNCOVERED", "end"), ("E_REFERENCE_OUTPUT", "end")} <= set(codes(judged))


@pytest.mark.parametrize("graph", [None, [], "x", 5, {"nodes": 5}, {"nodes": [{"id": 5}]}, {"a": [[[[]]]]}])
def test_validate__no_graph__is_an_answer_not_a_refusal(viewer: User, db: None, graph: Any) -> None:
    answer = ask(viewer, "validate", {"graph": graph})

    assert answer.status_code == 200
    assert {code for code, _node in codes(answer)} == {"E_GRAPH_SHAPE"}


def test_validate__nested_without_a_bottom__is_told(viewer: User, db: None) -> None:
    headers = {"Content-Type": "application/json"}
    deep, deeper = (b'{"graph": ' + b"[" * n + b"]" * n + b"}" for n in (200, 20_000))

    told = Api(viewer).request("POST", f"{ROOT}/validate", content=deep, headers=headers)
    refused = Api(viewer).request("POST", f"{ROOT}/validate", content=deeper, headers=headers)

    assert codes(told) == [("E_GRAPH_SHAPE", "")]
    assert refused.status_code == 400


@pytest.mark.parametrize("body", [[], "text", 5, True])
def test_validate__body_that_is_no_object__is_refused(viewer: User, db: None, body: Any) -> None:
    answer = ask(viewer, "validate", body)

    assert (answer.status_code, answer.json()["code"]) == (422, "PIPELINES_2019")


def test_validate__stranger_or_member__is_refused(db: None) -> None:
    assert Api(None).post(f"{ROOT}/validate", json={"graph": {}}).status_code == 401
    assert ask(make_user("mel"), "validate", {"graph": {}}).status_code == 403


def test_validate__more_often_than_hands_can_type__is_slowed(
    viewer: User, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Keystrokes, "rate", "2/hour")

    statuses = [ask(viewer, "validate", {"graph": {}}).status_code for _call in range(3)]

    assert statuses == [200, 200, 429]


def test_validate__words__are_in_the_callers_language(viewer: User, db: None) -> None:
    answer = ask(viewer, "validate", {"graph": {"nodes": []}}, **{"Accept-Language": "zh-hans"})

    assert "流水线" in answer.json()["problems"][0]["message"]


def test_validate__tool_that_may_not_be_called__says_why(viewer: User, db: None) -> None:
    server = Server.objects.create(key="s", name="S", catalogue_id="image-tools")
    Tool.objects.create(server=server, name="t", sha256="a", seen_sha256="a")
    graph = make_graph()
    graph["nodes"][1] = {"id": "ask", "type": "mcp_tool", "config": {"server": "s", "tool": "t"}}

    answer = ask(viewer, "validate", {"graph": graph})

    assert ("E_TOOL_NOT_ALLOWED", "ask") in codes(answer)


# --- describe ------------------------------------------------------------------------------------


def test_describe__node__tells_types_ways_and_what_it_may_read(viewer: User, feature: Feature) -> None:
    answer = ask(viewer, "describe", {"graph": make_graph(), "feature": "greeter", "nodes": ["say"]})

    nodes = answer.json()["nodes"]
    assert list(nodes) == ["say"]
    assert nodes["say"]["inputs"]["required"] == ["text"]
    assert set(nodes["say"]["outputs"]["properties"]) >= {"text", "model"}
    assert nodes["say"]["ports"] == {"out": [{"id": "", "label": ""}]}
    assert nodes["say"]["scope"][:3] == [
        {"path": "ask.system", "type": "string", "title": "system", "sure": True},
        {"path": "ask.text", "type": "string", "title": "text", "sure": True},
        {"path": "start.name", "type": "string", "title": "Name", "sure": True},
    ]
    assert {"path": "run.id", "type": "string", "title": "id", "sure": True} in nodes["say"]["scope"]


def test_describe__ways_that_exclude_each_other__are_not_sure(viewer: User, db: None) -> None:
    graph = {
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "ok", "type": "condition", "config": {"expression": "true"}},
            {"id": "a", "type": "llm_chat", "inputs": {"text": "A"}, "policy": {"on_error": "continue"}},
            {"id": "sorry", "type": "llm_chat", "inputs": {"text": "B"}},
            {"id": "end", "type": "end"},
        ],
        "edges": [
            {"source": "start", "target": "ok"},
            {"source": "ok", "target": "a", "when": "true"},
            {"source": "ok", "target": "end", "when": "false"},
            {"source": "a", "target": "end"},
            {"source": "a", "target": "sorry", "when": "error"},
            {"source": "sorry", "target": "end"},
        ],
    }

    nodes = ask(viewer, "describe", {"graph": graph}).json()["nodes"]

    sure = {offer["path"]: offer["sure"] for offer in nodes["end"]["scope"]}
    assert (sure["ok.result"], sure["a.text"], sure["sorry.text"]) == (True, False, False)
    assert "error.message" not in sure
    behind = {offer["path"]: offer["sure"] for offer in nodes["sorry"]["scope"]}
    assert (behind["error.message"], behind["a.text"]) == (True, False)
    assert nodes["a"]["ports"]["out"] == [{"id": "", "label": ""}, {"id": "error", "label": "failed"}]
    assert [port["id"] for port in nodes["ok"]["ports"]["out"]] == ["true", "false"]


@pytest.mark.parametrize(
    "graph",
    [None, [], {"nodes": [{"id": "a", "type": "nope"}]}, {"nodes": [{"id": "a", "type": "start"}] * 2}],
)
def test_describe__what_cannot_be_read__is_nothing(viewer: User, db: None, graph: Any) -> None:
    assert ask(viewer, "describe", {"graph": graph}).json() == {"nodes": {}}


def test_describe__unfinished_draft__is_told_as_far_as_it_goes(viewer: User, db: None) -> None:
    graph = {"nodes": [{"id": "a", "type": "llm_chat", "config": {"temperature": 9}}, {"id": "b", "type": "?"}]}

    assert list(ask(viewer, "describe", {"graph": graph}).json()["nodes"]) == ["a"]


# --- nodes and parts -----------------------------------------------------------------------------


def test_nodes__every_type__is_told_whole(viewer: User, db: None) -> None:
    answer = Api(viewer).get(f"{ROOT}/nodes").json()

    by_type = {one["type"]: one for one in answer["types"]}
    assert set(by_type) == set(node_types())
    assert answer["limits"] == {"nodes": 300, "depth": 5, "map_items": 10_000}
    chat = by_type["llm_chat"]
    assert chat["effect"] == "read"
    assert "temperature" in chat["config"]["schema"]["properties"]
    assert chat["config"]["defaults"]["capability"] == "chat"
    assert chat["policy"]["timeout"] == {"default": 180.0, "max": 600.0}
    assert chat["policy"]["unknown"] == ["retry", "ask", "fail"]
    assert by_type["prompt"]["policy"]["unknown"] == []
    assert by_type["condition"]["ports"]["out"] == [{"id": "true", "label": "yes"}, {"id": "false", "label": "no"}]
    assert (by_type["start"]["single"], by_type["start"]["ports"]["in"]) == (True, [])
    assert (by_type["end"]["ports"]["out"], by_type["end"]["policy"]["on_error"]) == ([], ["fail"])


def test_nodes__language__is_the_callers(viewer: User, db: None) -> None:
    english, chinese = (
        Api(viewer).get(f"{ROOT}/nodes", headers={"Accept-Language": language}).json() for language in ("en", "zh-hans")
    )

    assert english["version"] != chinese["version"]
    assert english["types"][0]["label"] != chinese["types"][0]["label"]


def test_parts__everything_that_may_be_named__is_offered(viewer: User, feature: Feature) -> None:
    server = Server.objects.create(key="s", name="S", catalogue_id="image-tools")
    known = {"server": server, "sha256": "a", "seen_sha256": "a"}
    Tool.objects.create(name="t", allowed=True, repeatable=True, annotations={"idempotentHint": True}, **known)
    Tool.objects.create(name="hidden", **known)
    graph = make_graph()
    graph["nodes"][0]["config"] = {"schema": {"type": "object", "properties": {"name": {"type": "string"}}}}
    Pipeline.objects.create(key="other", name="Other", graph=graph)

    answer = Api(viewer).get(f"{ROOT}/parts").json()

    assert [one["key"] for one in answer["prompts"]] == ["greeting"]
    assert answer["prompts"][0]["variables"] == [{"name": "name", "required": True}]
    assert [(one["address"], one["title"], one["repeatable"]) for one in answer["tools"]] == [("s/t", "t", True)]
    assert [one["key"] for one in answer["pipelines"]] == ["greeter", "other"]
    assert answer["pipelines"][0]["input"] is None
    assert answer["pipelines"][1]["input"]["properties"] == {"name": {"type": "string"}}
    assert answer["pipelines"][1]["output"]["properties"] == {"text": {"type": "string"}}
    assert answer["models"] == [{"model": "mock-1", "capabilities": ["chat"]}]
    assert answer["hosts"] == []
