"""What a person may do, with where each right comes from; for oneself, and for staff who may read people."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from guardian.shortcuts import assign_perm

from apps.accounts.effective import effective
from apps.accounts.models import User
from apps.accounts.rights_table import COLUMNS, REASONS, RESOURCES
from apps.core.config import reader
from apps.core.policy import policy
from apps.features.services import publish_feature
from tests.conftest import Api, make_user
from tests.features.builders import make_feature

ADDRESS = "/api/v1/auth/permissions"


def told(user: User) -> dict[str, Any]:
    reader.reset()
    answer = Api(user).get(ADDRESS)
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


def held(body: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """Each right that is held, with its sources."""
    rights = (right for line in body["matrix"] for right in line["rights"] if right["allowed"])
    return {right["right"]: [(s["kind"], s["name"]) for s in right["sources"]] for right in rights}


@pytest.mark.parametrize("role", ["viewer", "editor", "admin"])
def test_permissions__role__are_what_the_policy_file_says(db, role):
    body = told(make_user("pat", role=role))

    assert held(body) == {right: [("role", role)] for right in policy().roles[role]}
    assert (body["roles"], body["staff"], body["superuser"], body["mode"]) == ([role], True, False, "enforce")
    assert [line["resource"] for line in body["matrix"]] == list(policy().resources)


def test_permissions__member__holds_no_right_even_with_a_staff_role(member):
    member.groups.add(Group.objects.get(name="admin"))

    assert held(told(member)) == {}


def test_permissions__superuser__holds_every_right_as_one(db):
    body = told(User.objects.create_superuser("root", password="x"))

    assert held(body) == {right: [("superuser", "")] for right in policy().rights()}


def test_permissions__several_sources__are_all_named(viewer):
    publishers = Group.objects.create(name="publishers")
    publishers.permissions.add(*Permission.objects.filter(codename__in=["publish_feature", "view_feature"]))
    viewer.groups.add(publishers)
    viewer.user_permissions.add(Permission.objects.get(codename="publish_feature"))

    rights = held(told(viewer))

    assert rights["features:read"] == [("group", "publishers"), ("role", "viewer")]
    assert rights["features:publish"] == [("group", "publishers"), ("direct", "")]


def test_permissions__grants__are_listed_with_their_way(member):
    feature = make_feature("greeter", title="Greeter", published=True)
    beta = Group.objects.create(name="beta")
    member.groups.add(beta)
    assign_perm("run_feature", member, feature)
    assign_perm("view_feature", beta, feature)

    assert told(member)["grants"] == [
        {
            "kind": "feature",
            "key": "greeter",
            "title": "Greeter",
            "right": "features:run",
            "via": {"kind": "direct", "name": ""},
        },
        {
            "kind": "feature",
            "key": "greeter",
            "title": "Greeter",
            "right": "features:read",
            "via": {"kind": "group", "name": "beta"},
        },
    ]


def test_permissions__features__say_what_is_seen_and_run_and_why(member):
    make_feature("open", published=True)
    make_feature("off", enabled=False, published=True)
    for key, roles in (("mine", ["member"]), ("staff", ["admin"]), ("given", ["admin"])):
        feature = make_feature(key)
        feature.roles.set(Group.objects.filter(name__in=roles))
        publish_feature(key, by=None)
        if key == "given":
            assign_perm("run_feature", member, feature)

    found = {one["key"]: (one["visible"], one["run"], one["because"]) for one in told(member)["features"]}

    assert found == {
        "open": (True, True, "everybody"),
        "off": (False, False, "off"),
        "mine": (True, True, "role"),
        "staff": (False, False, "no-role"),
        "given": (True, True, "granted"),
    }


def test_permissions__anonymous__has_to_sign_in(db):
    assert Api().get(ADDRESS).status_code == 401


def test_effective__inactive__may_do_nothing(db):
    make_feature(published=True)
    gone = make_user("gone", role="admin", is_active=False)

    found = effective(gone)

    assert (found.counts, found.grants, found.features) == (False, (), ())
    assert not [right for line in found.matrix for right in line.rights if right.allowed]


def test_effective__more_groups_and_grants__cost_no_more_queries(viewer):
    def asked() -> int:
        fresh = User.objects.get(pk=viewer.pk)
        with CaptureQueriesContext(connection) as seen:
            effective(fresh)
        return len(seen)

    def more(number: int) -> None:
        group = Group.objects.create(name=f"g{number}")
        group.permissions.add(*Permission.objects.filter(codename__startswith="view_")[: number + 3])
        viewer.groups.add(group)
        feature = make_feature(f"f{number}")
        assign_perm("change_feature", viewer, feature)
        assign_perm("publish_feature", group, feature)

    more(0)
    asked()
    one = asked()
    for number in range(1, 8):
        more(number)

    assert asked() == one


@pytest.mark.parametrize(("role", "status"), [("viewer", 200), ("editor", 200), ("admin", 200), ("member", 302)])
def test_page__role__opens_for_those_who_read_people(client, db, member, role, status):
    client.force_login(make_user("pat", role=role))

    assert client.get(reverse("admin:accounts_user_open_rights", args=[member.pk])).status_code == status


def test_page__of_an_editor__shows_rights_grants_and_features(client, viewer, editor):
    feature = make_feature(title="<b>Greeter</b>", published=True)
    reader.reset()
    assign_perm("publish_feature", editor, feature)
    client.force_login(viewer)

    text = client.get(reverse("admin:accounts_user_open_rights", args=[editor.pk])).content.decode()

    assert "What may eddy do?" in text
    assert ("features:publish" in text, "sees and runs it" in text, "<b>Greeter" in text) == (True, True, False)
    assert text.count('scope="row"') == len(policy().resources)


@pytest.mark.parametrize("pk", ["0", "x", "²", "9" * 30])
def test_page__nobody__is_not_found(client, viewer, pk):
    client.force_login(viewer)

    assert client.get(f"/admin/accounts/user/{pk}/rights/").status_code == 404


def test_words__every_action_and_resource__has_some():
    offered = {action for resource in policy().resources.values() for action in resource.actions}
    assert set(RESOURCES) == set(policy().resources)
    assert offered <= set(COLUMNS)
    assert set(REASONS) == {"everybody", "role", "granted", "off", "no-role"}
