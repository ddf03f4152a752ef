"""Drafts over the API: what is kept, what is refused, and what two people do to each other."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from apps.accounts.models import User
from apps.core.errors import StaleRevision
from apps.features.models import Feature
from apps.pipelines import services
from apps.pipelines.models import Pipeline
from apps.pipelines.services import drafts
from tests.conftest import Api, make_user
from tests.features.builders import make_feature, make_graph

ROOT = "/api/v1/admin/pipelines"
BROKEN = {"nodes": [{"id": "start", "type": "start"}]}
NOON = datetime(2026, 11, 22, 12, 0, 5, tzinfo=UTC)


@pytest.fixture
def feature(db: None) -> Feature:
    return make_feature()


def patch(person: User, body: Any, *, revision: int | None = None, key: str = "greeter", **headers: str) -> Any:
    tags = {} if revision is None else {"If-Match": f'"{revision}"'}
    return Api(person).patch(f"{ROOT}/{key}", json=body, headers={**tags, **headers})


def text(words: str) -> dict[str, Any]:
    return make_graph(text=words)


def stored(key: str = "greeter") -> Pipeline:
    return services.draft(key)


def entries(key: str = "greeter") -> list[tuple[str | None, int]]:
    return [(row.history_change_reason, row.revision) for row in services.history_of(stored(key))]


# --- reading and making --------------------------------------------------------------------------


def test_read__draft__tells_everything_with_its_revision(viewer: User, feature: Feature) -> None:
    answer = Api(viewer).get(f"{ROOT}/greeter")

    body = answer.json()
    assert answer.status_code == 200
    assert answer.headers["etag"] == '"1"'
    assert body["graph"] == make_graph()
    assert {name: body[name] for name in ("key", "name", "status", "layout", "revision", "updated_by")} == {
        "key": "greeter",
        "name": "greeter",
        "status": "draft",
        "layout": {},
        "revision": 1,
        "updated_by": None,
    }
    assert body["used_by"] == [{"key": "greeter", "title": "Greeter"}]
    assert "problems" not in body


def test_read__number_in_place_of_the_key__is_the_same_draft(viewer: User, feature: Feature) -> None:
    answer = Api(viewer).get(f"{ROOT}/{feature.pipeline_id}")

    assert answer.json()["key"] == "greeter"


def test_read__key_that_is_a_number__wins_over_the_number(viewer: User, feature: Feature) -> None:
    Pipeline.objects.create(key=str(feature.pipeline_id), name="Named by a number")

    answer = Api(viewer).get(f"{ROOT}/{feature.pipeline_id}")

    assert answer.json()["name"] == "Named by a number"


@pytest.mark.parametrize("key", ["nothing", "99999", "9" * 30])
def test_read__nothing_there__is_404(viewer: User, feature: Feature, key: str) -> None:
    assert Api(viewer).get(f"{ROOT}/{key}").status_code == 404


def test_list__rows__come_without_graphs(viewer: User, feature: Feature) -> None:
    Pipeline.objects.create(key="other", name="Another")

    every, found = (Api(viewer).get(f"{ROOT}{search}").json() for search in ("", "?q=GREET"))

    assert [row["key"] for row in every["items"]] == ["other", "greeter"]
    assert [row["key"] for row in found["items"]] == ["greeter"]
    assert "graph" not in found["items"][0]


def test_create__draft_that_is_wrong__is_kept_and_told(editor: User, db: None) -> None:
    answer = Api(editor).post(ROOT, json={"key": "new", "name": "New", "graph": BROKEN})

    body = answer.json()
    assert answer.status_code == 201
    assert [problem["code"] for problem in body["problems"]] == ["E_END"]
    assert (stored("new").graph, stored("new").revision, stored("new").updated_by) == (BROKEN, 1, editor)
    assert entries("new") == [(None, 1)]


@pytest.mark.parametrize("key", ["nodes", "parts", "describe", "validate"])
def test_create__word_of_an_address__is_no_key(editor: User, db: None, key: str) -> None:
    answer = Api(editor).post(ROOT, json={"key": key, "name": "New"})

    assert answer.json()["code"] == "PIPELINES_2010"
    assert not Pipeline.objects.exists()


def test_create__taken_key__is_a_conflict(editor: User, feature: Feature) -> None:
    answer = Api(editor).post(ROOT, json={"key": "greeter", "name": "Again"})

    assert (answer.status_code, answer.json()["code"]) == (409, "PIPELINES_2011")
    assert stored().name == "greeter"


# --- changing ------------------------------------------------------------------------------------


def test_change__right_revision__is_stored_under_the_next(editor: User, feature: Feature) -> None:
    answer = patch(editor, {"graph": text("{{ say.text }}!")}, revision=1)

    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    assert [problem["code"] for problem in answer.json()["problems"]] == ["E_ROUTE_MOCK"]
    assert stored().graph == text("{{ say.text }}!")
    assert (stored().revision, stored().updated_by) == (2, editor)


def test_change__older_revision__is_refused_with_who_was_faster(editor: User, operator: User, feature: Feature) -> None:
    patch(operator, {"graph": text("First.")}, revision=1)

    answer = patch(editor, {"graph": text("Second.")}, revision=1)

    body = answer.json()
    assert (answer.status_code, body["code"]) == (412, "CORE_2007")
    assert body["details"] == {"revision": 2, "by": "olga", "at": stored().updated_at.isoformat()}
    assert stored().graph == text("First.")


def test_change__two_at_the_same_instant__one_wins(editor: User, feature: Feature, monkeypatch: Any) -> None:
    real = drafts.draft
    seen = []

    def draft(ref: str) -> Pipeline:
        """The second writer writes between the first one's look and his claim."""
        found = real(ref)
        if not seen:
            seen.append(ref)
            Pipeline.objects.filter(pk=found.pk).update(revision=2, graph=text("Faster."))
        return found

    monkeypatch.setattr(drafts, "draft", draft)

    with pytest.raises(StaleRevision) as caught:
        services.update_pipeline("greeter", {"graph": text("Slow.")}, expected_revision=1, by=editor)

    assert caught.value.details["revision"] == 2
    assert stored().graph == make_graph()  # the faster one wrote into the transaction that was refused


@pytest.mark.parametrize("tag", [None, "", '"x"', '"-1"', '"12345678901"', "*"])
def test_change__no_revision__is_refused(editor: User, feature: Feature, tag: str | None) -> None:
    headers = {} if tag is None else {"If-Match": tag}

    answer = Api(editor).patch(f"{ROOT}/greeter", json={"name": "New"}, headers=headers)

    assert answer.status_code == 400
    assert stored().name == "greeter"


def test_change__same_content__is_no_new_revision(editor: User, feature: Feature) -> None:
    answer = patch(editor, {"graph": make_graph(), "name": "greeter"}, revision=1)

    assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
    assert stored().revision == 1


def test_change__one_becomes_true__is_a_change(editor: User, feature: Feature) -> None:
    patch(editor, {"graph": {"nodes": [], "x": 1}}, revision=1)

    answer = patch(editor, {"graph": {"nodes": [], "x": True}}, revision=2)

    assert answer.headers["etag"] == '"3"'
    assert stored().graph["x"] is True


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"graph": []}, 422, "PIPELINES_2010"),
        ({"graph": "text"}, 422, "PIPELINES_2010"),
        ({"graph": None}, 400, "CORE_2000"),
        ({"layout": {"positions": {"a": [1]}}, "name": "New"}, 422, "PIPELINES_2010"),
        ({"status": "live"}, 422, "PIPELINES_2010"),
        ({"name": ""}, 400, "CORE_2000"),
        ({"name": "x" * 121}, 400, "CORE_2000"),
        ({"key": "other"}, 400, "CORE_2000"),
        ({"colour": "red"}, 400, "CORE_2000"),
        ([], 400, "CORE_2000"),
        ("text", 400, "CORE_2000"),
        ({"graph": {"nodes": ["x" * 2_000_001]}}, 413, "CORE_2008"),
    ],
)
def test_change__bad_input__is_refused_and_changes_nothing(
    editor: User, feature: Feature, body: Any, status: int, code: str
) -> None:
    answer = patch(editor, body, revision=1)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (stored().graph, stored().name, stored().revision) == (make_graph(), "greeter", 1)


@pytest.mark.parametrize("value", ["[" * 101 + "]" * 101, "[" * 5_000 + "]" * 5_000, '"\\ud800"', "NaN", "1e999"])
def test_change__graph_that_nobody_can_store__is_refused(editor: User, feature: Feature, value: str) -> None:
    raw = f'{{"graph": {{"a": {value}}}}}'

    answer = Api(editor).request(
        "PATCH",
        f"{ROOT}/greeter",
        content=raw.encode(),
        headers={"If-Match": '"1"', "Content-Type": "application/json"},
    )

    assert answer.status_code in (400, 422)
    assert stored().graph == make_graph()


# --- ready ---------------------------------------------------------------------------------------


def test_ready__sound_graph__is_ready_until_it_changes(editor: User, feature: Feature) -> None:
    ready = patch(editor, {"status": "ready"}, revision=1)
    renamed = patch(editor, {"name": "Renamed"}, revision=2)
    changed = patch(editor, {"graph": text("Other.")}, revision=3)

    assert [answer.json()["status"] for answer in (ready, renamed, changed)] == ["ready", "ready", "draft"]


def test_ready__graph_with_problems__is_refused_with_them(editor: User, feature: Feature) -> None:
    answer = patch(editor, {"graph": BROKEN, "status": "ready"}, revision=1)

    body = answer.json()
    assert (answer.status_code, body["code"]) == (422, "PIPELINES_2012")
    assert [problem["code"] for problem in body["details"]["problems"]] == ["E_END"]
    assert (stored().status, stored().graph, stored().revision) == ("draft", make_graph(), 1)


# --- layout --------------------------------------------------------------------------------------


def test_layout__alone__needs_no_revision_and_is_none(editor: User, feature: Feature) -> None:
    answer = patch(editor, {"layout": {"positions": {"ask": [10, 20.5]}}})

    assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
    assert stored().layout == {"positions": {"ask": [10, 20.5]}}
    assert len(entries()) == 1


def test_layout__two_people_move_two_boxes__both_did(editor: User, operator: User, feature: Feature) -> None:
    patch(editor, {"layout": {"positions": {"ask": [1, 1], "say": [2, 2]}, "notes": []}})
    patch(operator, {"layout": {"positions": {"say": [3, 3]}}})

    assert stored().layout == {"positions": {"ask": [1, 1], "say": [3, 3]}, "notes": []}


def test_layout__box_of_no_node__is_forgotten(editor: User, feature: Feature) -> None:
    patch(editor, {"layout": {"positions": {"ask": [1, 1], "ghost": [2, 2]}}})

    assert stored().layout == {"positions": {"ask": [1, 1]}}


@pytest.mark.parametrize(
    ("layout", "pointer"),
    [
        ([], "/layout"),
        ({"zoom": 1}, "/layout/zoom"),
        ({"positions": {"ask": ["a", 1]}}, "/layout/positions/ask/0"),
        ({"positions": {"ask": [1, 10_000_000]}}, "/layout/positions/ask/1"),
        ({"groups": [{"id": "g"}]}, "/layout/groups/0/nodes"),
        ({"notes": [{"id": "n", "text": "x" * 2_001, "at": [0, 0]}]}, "/layout/notes/0/text"),
    ],
)
def test_layout__wrong__is_refused_with_its_place(editor: User, feature: Feature, layout: Any, pointer: str) -> None:
    answer = patch(editor, {"layout": layout})

    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json()["details"]["errors"]]
    assert stored().layout == {}


# --- history -------------------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Noon and five seconds, until the test moves it."""
    clock = SimpleNamespace(at=NOON)
    monkeypatch.setattr(drafts, "timezone", SimpleNamespace(now=lambda: clock.at))
    return clock


def autosave(person: User, words: str, revision: int) -> Any:
    return patch(person, {"graph": text(words)}, revision=revision, **{"X-Autosave": "1"})


def test_autosave__one_person_within_ten_minutes__is_one_entry(editor: User, feature: Feature, clock: Any) -> None:
    for revision, words in enumerate(("A", "Ab", "Abc"), start=1):
        autosave(editor, words, revision)
        clock.at += timedelta(minutes=2)

    assert entries() == [("autosave", 4), (None, 1)]
    newest = services.history_of(stored()).first()
    assert (newest.graph, newest.history_user) == (text("Abc"), editor)


def test_autosave__later_or_of_somebody_else_or_after_a_save__is_its_own_entry(
    editor: User, operator: User, feature: Feature, clock: Any
) -> None:
    autosave(editor, "A", 1)
    autosave(operator, "B", 2)
    clock.at += timedelta(minutes=10)
    autosave(operator, "C", 3)
    patch(operator, {"graph": text("D")}, revision=4)
    autosave(operator, "E", 5)

    assert entries() == [("autosave", 6), (None, 5), ("autosave", 4), ("autosave", 3), ("autosave", 2), (None, 1)]


def test_history__entries__are_listed_and_opened(editor: User, viewer: User, feature: Feature) -> None:
    patch(editor, {"graph": text("Second.")}, revision=1)

    items = Api(viewer).get(f"{ROOT}/greeter/history").json()["items"]
    first = Api(viewer).get(f"{ROOT}/greeter/history/{items[-1]['n']}").json()

    assert [(one["by"], one["revision"], one["comment"]) for one in items] == [("eddy", 2, ""), (None, 1, "")]
    assert first["graph"] == make_graph()
    assert first["layout"] == {}


def test_history__entry_of_another_pipeline__is_404(viewer: User, feature: Feature) -> None:
    other = Pipeline.objects.create(key="other", name="Other")
    entry = services.history_of(other).get()

    assert Api(viewer).get(f"{ROOT}/greeter/history/{entry.history_id}").status_code == 404


# --- deleting ------------------------------------------------------------------------------------


def test_delete__used__is_refused_with_its_users(operator: User, feature: Feature) -> None:
    answer = Api(operator).request("DELETE", f"{ROOT}/greeter", headers={"If-Match": '"1"'})

    assert (answer.status_code, answer.json()["code"]) == (409, "CORE_2020")
    assert Pipeline.objects.count() == 1


def test_delete__unused__is_gone_and_its_history_stays(operator: User, db: None) -> None:
    pipeline = Pipeline.objects.create(key="spare", name="Spare")

    stale = Api(operator).request("DELETE", f"{ROOT}/spare", headers={"If-Match": '"7"'})
    gone = Api(operator).request("DELETE", f"{ROOT}/spare", headers={"If-Match": '"1"'})

    assert (stale.status_code, gone.status_code) == (412, 204)
    assert not Pipeline.objects.exists()
    assert list(Pipeline.history.filter(key="spare").values_list("history_type", flat=True)) == ["-", "+"]
    assert pipeline.pk


def test_roles__member_viewer_editor__may_what_the_policy_says(feature: Feature, editor: User, viewer: User) -> None:
    member = make_user("mel")
    calls = [("GET", ""), ("PATCH", "/greeter"), ("DELETE", "/greeter")]

    told = {
        person.username: [
            Api(person).request(method, f"{ROOT}{path}", json={"name": "x"}).status_code for method, path in calls
        ]
        for person in (member, viewer, editor)
    }

    assert told == {"mel": [403, 403, 403], "vera": [200, 403, 403], "eddy": [200, 400, 403]}
