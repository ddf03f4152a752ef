"""Drafts over the management API: made, changed side by side, deleted."""

import pytest
from django.contrib.auth.models import Group

from apps.core.publishing.services import plan_release
from apps.features.models import Feature, MenuGroup
from tests.conftest import Api, make_user
from tests.features.builders import make_feature, withdrawn

BASE = "/api/v1/admin/features"
NEW = {"key": "poet", "title": "Poet", "menu": "texts", "pipeline": "greeter"}


@pytest.fixture
def draft(db):
    return make_feature(published=True)


def patch(user, revision=1, **changes):  # type: ignore[no-untyped-def]
    return Api(user).patch(f"{BASE}/greeter", json=changes, headers={"If-Match": f'"{revision}"'})


def delete(user, key="greeter", revision=1):  # type: ignore[no-untyped-def]
    return Api(user).request("DELETE", f"{BASE}/{key}", headers={"If-Match": f'"{revision}"'})


def test_create__editor__is_a_draft_at_revision_1_with_history(draft, editor):
    answer = Api(editor).post(BASE, json={**NEW, "roles": ["member"], "cost": 3})

    body = answer.json()
    assert (answer.status_code, answer.headers["ETag"], body["live_version"]) == (201, '"1"', None)
    assert (body["key"], body["menu"], body["pipeline"], body["roles"]) == ("poet", "texts", "greeter", ["member"])
    feature = Feature.objects.get(key="poet")
    assert feature.history.first().history_user == editor


def test_create__taken_key__is_a_conflict(draft, editor):
    answer = Api(editor).post(BASE, json={**NEW, "key": "greeter"})

    assert (answer.status_code, answer.json()["code"]) == (409, "FEATURES_2082")
    assert Feature.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"key": "-poet"}, "/key"),
        ({"key": "UPPER"}, "/key"),
        ({"title": ""}, "/title"),
        ({"menu": "nowhere"}, "/menu"),
        ({"pipeline": 5}, "/pipeline"),
        ({"colour": "red"}, "/colour"),
        ({"revision": 7}, "/revision"),
        ({"cost": 10**9}, "/cost"),
    ],
)
def test_create__bad_field__is_named_and_nothing_made(draft, editor, changes, pointer):
    answer = Api(editor).post(BASE, json={**NEW, **changes})

    assert (answer.status_code, [e["pointer"] for e in answer.json()["details"]["errors"]]) == (400, [pointer])
    assert Feature.objects.count() == 1


@pytest.mark.parametrize(("role", "status"), [("member", 403), ("viewer", 403), ("editor", 201), ("admin", 201)])
def test_create__role__may_or_may_not(draft, role, status):
    assert Api(make_user("pat", role=role)).post(BASE, json=NEW).status_code == status


def test_patch__relations_and_policies__are_written_with_their_history(draft, editor):
    MenuGroup.objects.create(key="more", title="More")
    changes = {"menu": "more", "roles": ["member"], "table": ["name"], "degrade": {"notice": {"en": "Soon"}}}

    answer = patch(editor, **changes)

    assert (answer.status_code, {name: answer.json()[name] for name in changes}) == (200, changes)
    assert [role.group.name for role in draft.history.first().roles.all()] == ["member"]


@pytest.mark.parametrize("role", ["editor", "admin"])
def test_patch__needs_approval__is_the_publishers_to_change(draft, role):
    answer = patch(make_user("pat", role=role), needs_approval=True)

    draft.refresh_from_db()
    told = (answer.status_code, answer.json().get("code"), draft.needs_approval, draft.revision)
    assert told == ((200, None, True, 2) if role == "admin" else (403, "FEATURES_2083", False, 1))


def test_patch__needs_approval_as_it_is__is_fine_for_an_editor(draft, editor):
    assert patch(editor, needs_approval=False, title="Hello").status_code == 200


def test_patch__changed_meanwhile__tells_by_whom_and_what(draft, editor, operator):
    patch(operator, title="Hello", cost=5)
    patch(operator, 2, roles=["member"])

    answer = patch(editor, title="Mine")

    details = answer.json()["details"]
    assert (answer.status_code, answer.json()["code"], details["revision"]) == (412, "CORE_2007", 3)
    assert {c["path"]: (c["old"], c["new"]) for c in details["changes"]} == {
        "/title": ("Greeter", "Hello"),
        "/cost": (2, 5),
        "/roles": ([], ["member"]),
    }
    assert [(e["by"], e["revision"]) for e in details["edits"]] == [("olga", 2), ("olga", 3)]
    draft.refresh_from_db()
    assert draft.title == "Hello"


def test_patch__deep_change_meanwhile__names_the_place(draft, editor, operator):
    schema = {**draft.form_schema, "required": []}
    patch(operator, form_schema=schema)

    changes = patch(editor, title="Mine").json()["details"]["changes"]

    assert [(c["path"], c["old"], c["new"]) for c in changes] == [("/form_schema/required", ["name"], [])]


def test_delete__never_released__is_gone_and_its_history_stays(draft, operator):
    make_feature("poet")

    answer = delete(operator, "poet")

    assert (answer.status_code, answer.content) == (204, b"")
    assert not Feature.objects.filter(key="poet").exists()
    assert Feature.history.filter(key="poet", history_type="-", history_user=operator).count() == 1  # type: ignore[attr-defined]


def test_delete__live__is_refused_until_it_is_withdrawn(draft, operator):
    refused = delete(operator)

    assert (refused.status_code, refused.json()["code"]) == (409, "CORE_2022")
    draft.refresh_from_db()
    assert draft.revision == 1
    withdrawn(draft)
    assert delete(operator).status_code == 204


def test_delete__release_planned__is_refused(db, operator):
    make_feature("poet")
    plan_release("feature", "poet", by=operator, ask=True)

    answer = delete(operator, "poet")

    assert (answer.status_code, answer.json()["code"]) == (409, "FEATURES_2081")
    assert Feature.objects.filter(key="poet").exists()


@pytest.mark.parametrize(("revision", "status"), [(2, 412), ("x", 400)])
def test_delete__other_revision__changes_nothing(draft, operator, revision, status):
    withdrawn(draft)

    assert (delete(operator, revision=revision).status_code, Feature.objects.count()) == (status, 1)


@pytest.mark.parametrize(("role", "status"), [("member", 403), ("viewer", 403), ("editor", 403), ("admin", 204)])
def test_delete__role__may_or_may_not(draft, role, status):
    withdrawn(draft)

    assert delete(make_user("pat", role=role)).status_code == status


def test_create__role_that_is_gone_meanwhile__is_refused(draft, editor):
    Group.objects.create(name="testers")
    Group.objects.filter(name="testers").delete()

    assert Api(editor).post(BASE, json={**NEW, "roles": ["testers"]}).status_code == 400
