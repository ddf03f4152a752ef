"""What differs between two graphs."""

from typing import Any

import pytest

from apps.accounts.models import User
from apps.pipelines import services
from apps.pipelines.services import compare
from tests.conftest import Api
from tests.features.builders import make_feature, make_graph

NODE = {"id": "a", "type": "llm_chat", "config": {"model": "x"}, "inputs": {"text": "Hi."}}


def graph(*nodes: Any, edges: Any = (), **more: Any) -> dict[str, Any]:
    return {"nodes": list(nodes), "edges": list(edges), **more}


@pytest.mark.parametrize(
    ("new", "told"),
    [
        (NODE, None),
        ({**NODE, "config": {"model": "y"}}, ["config.model"]),
        ({**NODE, "config": {}}, ["config.model"]),
        ({**NODE, "config": {"model": "x", "temperature": None}}, ["config.temperature"]),
        ({**NODE, "inputs": {"text": "Hi.", "system": "S"}, "title": "T"}, ["inputs.system", "title"]),
        ({**NODE, "policy": {"retries": 2}}, ["policy.retries"]),
        ({**NODE, "type": "prompt"}, ["type"]),
    ],
)
def test_compare__node__tells_the_fields(new: Any, told: list[str] | None) -> None:
    found = compare(graph(NODE), graph(new))["nodes"]

    assert found == ({} if told is None else {"a": {"change": "changed", "fields": told}})


def test_compare__nodes_and_edges__come_and_go() -> None:
    edge = {"source": "a", "target": "b"}
    old = graph(NODE, {"id": "b", "type": "end"}, edges=[edge])
    new = graph(NODE, {"id": "c", "type": "end"}, edges=[{**edge, "when": "true"}])

    assert compare(old, new) == {
        "nodes": {"b": {"change": "removed", "fields": []}, "c": {"change": "added", "fields": []}},
        "edges": [{"edge": edge, "change": "removed"}, {"edge": {**edge, "when": "true"}, "change": "added"}],
        "settings": [],
    }


def test_compare__place_alone__is_moved() -> None:
    at = {"positions": {"a": [1, 2]}}

    assert compare(graph(NODE), graph(NODE), old_layout=at, new_layout={"positions": {"a": [1, 3]}})["nodes"] == {
        "a": {"change": "moved", "fields": []}
    }
    assert compare(graph(NODE), graph(NODE), old_layout=at, new_layout=at)["nodes"] == {}


def test_compare__limits_and_variables__are_settings() -> None:
    tone = {"name": "tone", "schema": {"type": "string"}}
    old = graph(limits={"seconds": 5}, variables=[tone])
    new = graph(limits={"steps": 5}, variables=[{**tone, "value": "warm"}])

    assert compare(old, new)["settings"] == ["limits.seconds", "limits.steps", "variables.tone"]


@pytest.mark.parametrize("odd", [None, [], "x", 5, {"nodes": 5}, {"nodes": [5]}, {"edges": {}}, {"nodes": [{}]}])
def test_compare__what_is_no_graph__is_no_crash(odd: Any) -> None:
    assert compare(odd, graph(NODE))["nodes"]["a"] == {"change": "added", "fields": []}
    assert compare(graph(NODE), odd)["nodes"]["a"] == {"change": "removed", "fields": []}


def test_diff__entry_with_draft_and_with_a_graph_that_is_not_stored(editor: User, viewer: User, db: None) -> None:
    make_feature()
    first = services.history_of(services.draft("greeter")).get().history_id
    services.update_pipeline("greeter", {"graph": make_graph(text="B")}, expected_revision=1, by=editor)
    api, address = Api(viewer), "/api/v1/admin/pipelines/greeter/diff"

    stored = api.post(address, json={"from": first})
    unsaved = api.post(address, json={"from": first, "graph": make_graph()})
    same = api.post(address, json={"from": first, "to": first})
    wrong = api.post(address, json={"from": "x"})
    nowhere = api.post(address, json={"from": 10**6})

    assert stored.json()["nodes"] == {"end": {"change": "changed", "fields": ["inputs.text"]}}
    assert unsaved.json() == same.json() == {"nodes": {}, "edges": [], "settings": []}
    assert (wrong.status_code, nowhere.status_code) == (400, 404)
