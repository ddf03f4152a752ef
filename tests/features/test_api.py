"""The management API: drafts with revisions, releases, differences."""

import pytest

from apps.core.publishing.models import Snapshot
from apps.features.models import Feature
from tests.conftest import Api
from tests.features.builders import make_feature

BASE = "/api/v1/admin/features"


@pytest.fixture
def draft(db):
    return make_feature(published=True)


def patch(user, tag='"1"', **changes):  # type: ignore[no-untyped-def]
    headers = {} if tag is None else {"If-Match": tag}
    return Api(user).patch(f"{BASE}/greeter", json=changes, headers=headers)


def test_list__drafts__come_with_their_live_version(draft, viewer):
    make_feature("unreleased")

    items = Api(viewer).get(BASE).json()["items"]

    assert [(item["key"], item["live_version"]) for item in items] == [("greeter", 1), ("unreleased", None)]


def test_list__more_rows__cost_no_more_queries(draft, viewer, django_assert_max_num_queries):
    for number in range(10):
        make_feature(f"more-{number}")

    # user, group permissions (and the user's own, and guardian's), features, roles, heads
    with django_assert_max_num_queries(8):
        assert len(Api(viewer).get(BASE).json()["items"]) == 11


def test_read__draft__carries_its_revision_as_etag(draft, viewer):
    answer = Api(viewer).get(f"{BASE}/greeter")

    assert (answer.status_code, answer.headers["ETag"], answer.json()["revision"]) == (200, '"1"', 1)
    assert answer.json()["title"] == "Greeter"


def test_read__unknown__is_not_found(viewer):
    answer = Api(viewer).get(f"{BASE}/unheard-of")

    assert (answer.status_code, answer.json()["code"]) == (404, "CORE_2003")


def test_patch__current_revision__changes_the_draft_only(draft, editor):
    answer = patch(editor, title="Hello", cost=5)

    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    draft.refresh_from_db()
    assert (draft.title, draft.cost, draft.revision) == ("Hello", 5, 2)
    assert draft.history.first().history_user == editor
    assert Snapshot.objects.filter(scope="feature").count() == 1


@pytest.mark.parametrize("tag", ['"0"', '"2"', '"999999999999999999999"'])
def test_patch__another_revision__is_stale_and_changes_nothing(draft, editor, tag):
    answer = patch(editor, tag, title="Hello")

    assert (answer.status_code, answer.json()["code"]) == (412, "CORE_2007")
    assert answer.json()["details"] == {"revision": 1}
    assert Feature.objects.values_list("title", "revision").get() == ("Greeter", 1)


@pytest.mark.parametrize("tag", [None, "", "*", '"x"', "-1", '"²"', 'W/"1"', '"' + "1" * 5000 + '"'])
def test_patch__no_or_odd_revision__is_a_clean_400(draft, editor, tag):
    tag = tag.encode("latin-1") if tag else tag

    answer = patch(editor, tag, title="Hello")

    assert (answer.status_code, answer.json()["details"]["errors"][0]["code"]) == (400, "if_match")
    assert Feature.objects.values_list("title", "revision").get() == ("Greeter", 1)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"nope": 1}, "/nope"),
        ({"key": "other"}, "/key"),
        ({"revision": 9}, "/revision"),
        ({"roles": ["no-such"]}, "/roles"),
        ({"menu": "no-such"}, "/menu"),
        ({"pipeline": None}, "/pipeline"),
        ({"table": "name"}, "/table"),
        ({"degrade": []}, "/degrade"),
        ({"title": ""}, "/title"),
        ({"title": "x" * 81}, "/title"),
        ({"cost": -1}, "/cost"),
        ({"cost": "many"}, "/cost"),
        ({"icon": "skull"}, "/icon"),
        ({"enabled": "perhaps"}, "/enabled"),
    ],
)
def test_patch__unknown_or_bad_field__is_named_and_changes_nothing(draft, editor, changes, pointer):
    before = list(Feature.objects.values_list())

    answer = patch(editor, **changes)

    assert (answer.status_code, answer.json()["code"]) == (400, "CORE_2000")
    assert [error["pointer"] for error in answer.json()["details"]["errors"]] == [pointer]
    assert list(Feature.objects.values_list()) == before


@pytest.mark.parametrize("body", ["[]", '"x"', "5", "null"])
def test_patch__not_an_object__is_a_clean_400(draft, editor, body):
    headers = {"If-Match": '"1"', "Content-Type": "application/json"}

    assert Api(editor).request("PATCH", f"{BASE}/greeter", content=body, headers=headers).status_code == 400


def test_publish__changed_draft__is_the_next_version(draft, operator):
    Feature.objects.update(title="Hello")

    answer = Api(operator).post(f"{BASE}/publish", json={"key": "greeter", "note": "new words"})

    body = answer.json()
    assert answer.status_code == 200
    assert {k: body[k] for k in ("key", "version", "author", "note", "restored_from", "live")} == {
        "key": "greeter",
        "version": 2,
        "author": "olga",
        "note": "new words",
        "restored_from": None,
        "live": True,
    }


def test_publish__mistakes__are_listed(draft, operator):
    Feature.objects.update(cost=None)

    answer = Api(operator).post(f"{BASE}/publish", json={"key": "greeter"})

    assert (answer.status_code, answer.json()["code"]) == (422, "CORE_2010")
    told = [(p["path"], p["level"]) for p in answer.json()["details"]["problems"]]
    assert told == [("/cost", "error"), ("/routes", "warning")]


@pytest.mark.parametrize("body", [{}, {"key": ""}, {"key": "no spaces"}, {"key": "greeter", "note": "x" * 501}])
def test_publish__bad_request__is_a_clean_400(draft, operator, body):
    assert Api(operator).post(f"{BASE}/publish", json=body).status_code == 400


def test_rollback__old_version__is_live_again_as_a_new_one(draft, operator):
    Feature.objects.update(title="Hello")
    api = Api(operator)
    api.post(f"{BASE}/publish", json={"key": "greeter"})

    answer = api.post(f"{BASE}/rollback", json={"key": "greeter", "version": 1})

    assert (answer.json()["version"], answer.json()["restored_from"]) == (3, 1)
    versions = api.get(f"{BASE}/greeter/versions").json()["items"]
    assert [(v["version"], v["live"]) for v in versions] == [(3, True), (2, False), (1, False)]


@pytest.mark.parametrize(("version", "status"), [(7, 404), (0, 400), (-1, 400), ("x", 400), (10**30, 404)])
def test_rollback__no_such_version__changes_nothing(draft, operator, version, status):
    answer = Api(operator).post(f"{BASE}/rollback", json={"key": "greeter", "version": version})

    assert (answer.status_code, Snapshot.objects.filter(scope="feature").count()) == (status, 1)


def test_diff__two_versions__names_the_changes(draft, operator):
    Feature.objects.update(title="Hello")
    api = Api(operator)
    api.post(f"{BASE}/publish", json={"key": "greeter"})

    body = api.get(f"{BASE}/greeter/diff?from=1&to=2").json()

    assert body["changes"] == [{"path": "/title/en", "kind": "changed", "old": "Greeter", "new": "Hello", "lines": []}]


@pytest.mark.parametrize(("query", "status"), [("", 400), ("from=1", 400), ("from=x&to=1", 400), ("from=1&to=9", 404)])
def test_diff__missing_or_unknown_version__is_refused(draft, viewer, query, status):
    assert Api(viewer).get(f"{BASE}/greeter/diff?{query}").status_code == status
