"""Rights on single features: to run them, and to edit or publish them, in the menus, the API and the admin alike."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from guardian.models import GroupObjectPermission, UserObjectPermission
from guardian.shortcuts import assign_perm, remove_perm

from apps.accounts.models import User
from apps.core import assets
from apps.core.config import Person, reader
from apps.core.errors import DependencyDown
from apps.core.publishing import services as publishing
from apps.core.publishing.errors import PublishConflict
from apps.core.publishing.models import Snapshot
from apps.features import delivery, grants
from apps.features.audience import VISITOR, Audience, audience_of, is_visible, may_run
from apps.features.models import Feature
from apps.features.services import publish_feature
from apps.tasks.models import Task
from tests.conftest import Api, make_user
from tests.features.builders import make_feature


@pytest.fixture(autouse=True)
def _front_end(monkeypatch):
    manifest = {entry: {"file": "x-1.js"} for entry in ("src/boot.ts", "src/admin.tsx", "src/storefront.tsx")}
    monkeypatch.setattr(assets, "_manifest", lambda: manifest)


@pytest.fixture
def closed(db: None) -> Feature:
    """A released feature for administrators alone."""
    feature = make_feature("closed", title="Closed")
    feature.roles.set([Group.objects.get(name="admin")])
    publish_feature("closed", by=None)
    reader.reset()
    return feature


def granted() -> dict[str, dict[str, list[str]]]:
    """What is released about grants; None was ever released."""
    live = publishing.live_snapshot("access", "grants")
    return live.payload["run"] if live else {}


def shown(user: User | None) -> list[str]:
    reader.reset()  # as the message after the commit would
    groups = Api(user).get("/api/v1/ui/menus").json()["groups"]
    return [item["feature"] for group in groups for item in group["items"]]


def run(user: User, key: str = "closed") -> int:
    reader.reset()
    return Api(user).post("/api/v1/tasks", json={"feature": key, "input": {"name": "x"}}).status_code


# --- running ----------------------------------------------------------------------------------


def test_run__granted_to_a_person__sees_and_runs_it_and_nobody_else_does(closed, member, stranger):
    assert (shown(member), run(member)) == ([], 404)

    assign_perm("run_feature", member, closed)

    assert granted() == {"closed": {"users": [str(member.pk)], "groups": []}}
    assert (shown(member), run(member)) == (["closed"], 202)
    assert (shown(stranger), run(stranger), shown(None)) == ([], 404, [])
    assert Task.objects.count() == 1


def test_run__granted_to_a_group__reaches_its_people(closed, member, stranger):
    beta = Group.objects.create(name="beta")
    member.groups.add(beta)

    assign_perm("run_feature", beta, closed)

    assert granted() == {"closed": {"users": [], "groups": ["beta"]}}
    assert (run(member), run(stranger)) == (202, 404)


def test_run__grant_taken_back__ends_at_once(closed, member):
    assign_perm("run_feature", member, closed)
    remove_perm("run_feature", member, closed)

    assert granted() == {}
    assert (shown(member), run(member), Task.objects.count()) == ([], 404, 0)


def test_run__granted_but_switched_off__stays_closed(closed, member):
    Feature.objects.update(enabled=False)
    publish_feature("closed", by=None)
    assign_perm("run_feature", member, closed)

    assert (shown(member), run(member)) == ([], 404)


def test_run__schema_and_registry__tell_the_granted_person_alone(closed, member, stranger):
    assign_perm("run_feature", member, closed)
    reader.reset()

    def told(user: User) -> list[int]:
        one = Api(user).get("/api/v1/ui/schema?feature=closed").status_code
        return [one, len(Api(user).get("/api/v1/ui/features").json()["items"])]

    assert (told(member), told(stranger)) == ([200, 1], [404, 0])


def test_run__permission_on_all_features__opens_every_one(closed, member, stranger):
    everything = Permission.objects.get(codename="run_feature")
    testers = Group.objects.create(name="testers")
    testers.permissions.add(everything)
    member.groups.add(testers)

    assert granted() == {"*": {"users": [], "groups": ["testers"]}}
    assert (run(member), run(stranger)) == (202, 404)
    stranger.user_permissions.add(everything)
    testers.permissions.clear()
    assert granted() == {"*": {"users": [str(stranger.pk)], "groups": []}}
    assert (run(member), run(stranger)) == (404, 202)


def test_release__other_grants__release_nothing(closed, editor):
    assign_perm("change_feature", editor, closed)
    Group.objects.create(name="x").permissions.add(Permission.objects.get(codename="view_feature"))

    assert Snapshot.objects.filter(scope="access").count() == 0


def test_release__group_renamed_or_deleted_or_person_deleted__follows(closed, member):
    beta = Group.objects.create(name="beta")
    for holder in (beta, member):
        assign_perm("run_feature", holder, closed)

    beta.name = "testers"
    beta.save()
    assert granted() == {"closed": {"users": [str(member.pk)], "groups": ["testers"]}}
    beta.delete()
    assert granted() == {"closed": {"users": [str(member.pk)], "groups": []}}
    member.delete()
    assert granted() == {}


def test_release__feature_deleted__leaves_no_grant_behind(closed, member):
    assign_perm("run_feature", member, closed)
    assign_perm("change_feature", Group.objects.create(name="beta"), closed)

    closed.delete()

    assert (UserObjectPermission.objects.count(), GroupObjectPermission.objects.count(), granted()) == (0, 0, {})


def test_release__two_grants__are_two_versions_with_a_note(closed, member, stranger):
    assign_perm("run_feature", member, closed)
    assign_perm("run_feature", stranger, closed)
    grants.release_grants(by=None)  # nothing changed: nothing is released

    rows = Snapshot.objects.filter(scope="access", key="grants").order_by("version")
    assert [(row.version, row.note) for row in rows] == [
        (1, f"granted to user {member.pk}"),
        (2, f"granted to user {stranger.pk}"),
    ]
    assert rows[1].payload == {
        "schema": 1,
        "run": {"closed": {"users": sorted([str(member.pk), str(stranger.pk)]), "groups": []}},
    }


def test_release__rows_are_read__under_the_lock_of_the_release(closed, member, stranger, monkeypatch):
    """Another process gave a right after this one had looked, and before it released."""
    real = publishing.release

    def late(*args: object, **about: object) -> object:
        UserObjectPermission.objects.bulk_create([_row(closed, stranger)])
        return real(*args, **about)  # type: ignore[arg-type]

    monkeypatch.setattr(publishing, "release", late)
    assign_perm("run_feature", member, closed)

    assert granted() == {"closed": {"users": sorted([str(member.pk), str(stranger.pk)]), "groups": []}}


def _row(feature: Feature, user: User) -> UserObjectPermission:
    permission = Permission.objects.get(codename="run_feature")
    kind = permission.content_type
    return UserObjectPermission(permission=permission, content_type=kind, object_pk=str(feature.pk), user=user)


def test_release__refused__takes_the_grant_back_with_it(closed, operator, member, client, monkeypatch):
    def refused(*args: object, **about: object) -> None:
        raise PublishConflict()

    monkeypatch.setattr(publishing, "release", refused)
    client.force_login(operator)

    address = page("permissions_manage_user", closed.pk, member.pk)
    answer = client.post(address, {"permissions": ["view_feature", "run_feature"]}, follow=True)

    assert (answer.redirect_chain, "Somebody else published" in answer.content.decode()) == ([(address, 302)], True)
    assert (UserObjectPermission.objects.count(), granted()) == (0, {})


def test_audience__grants_that_cannot_be_read__are_none(closed, member, monkeypatch):
    """Closed rather than open, and the rest of the menu stays."""

    def down(*args: object) -> None:
        raise DependencyDown()

    monkeypatch.setattr(reader, "get", down)

    assert audience_of(Person(str(member.pk), frozenset({"member"}))) == Audience(frozenset({"member"}), str(member.pk))


@pytest.mark.parametrize("payload", [{}, {"schema": 2, "run": {}}, {"schema": 1}, {"schema": 1, "run": []}])
def test_load__unknown_shape__is_refused(payload):
    with pytest.raises(ValueError, match="grants of schema"):
        grants.GrantsKind().load(payload)


# --- the rule itself --------------------------------------------------------------------------

OPEN = {"key": "open", "enabled": True, "roles": []}
STAFF = {"key": "staff", "enabled": True, "roles": ["admin"]}
OFF = {"key": "off", "enabled": False, "roles": []}


@pytest.mark.parametrize(
    ("payload", "who", "told"),
    [
        (OPEN, VISITOR, (True, False)),
        (OPEN, Audience(user_id="1"), (True, True)),
        (STAFF, VISITOR, (False, False)),
        (STAFF, Audience(frozenset({"admin"}), "1"), (True, True)),
        (STAFF, Audience(user_id="1"), (False, False)),
        (STAFF, Audience(user_id="1", granted=frozenset({"staff"})), (True, True)),
        (STAFF, Audience(user_id="1", granted=frozenset({"other"})), (False, False)),
        (STAFF, Audience(user_id="1", granted=frozenset({"*"})), (True, True)),
        (OFF, Audience(user_id="1", granted=frozenset({"off", "*"})), (False, False)),
    ],
)
def test_audience__rule__is_exact(payload, who, told):
    assert (is_visible(payload, who), may_run(payload, who)) == told


def test_audience__roles_alone__are_judged_as_before():
    assert is_visible(STAFF, frozenset({"admin"})) is True
    assert may_run(STAFF, frozenset({"admin"}), signed_in=True) is True
    assert may_run(STAFF, frozenset({"admin"}), signed_in=False) is False
    assert may_run(OPEN, frozenset()) is False


def test_audience__grants_in_memory__cost_no_query(closed, member, django_assert_num_queries):
    assign_perm("run_feature", member, closed)
    reader.reset()
    person = Person(str(member.pk), frozenset({"member"}))
    audience_of(person)

    with django_assert_num_queries(0):
        assert audience_of(person).granted == {"closed"}
        assert audience_of(Person("999")).granted == frozenset()
        assert audience_of(Person()) is VISITOR


def test_menus__audiences_with_the_same_view__share_one_answer(closed, member, stranger):
    shown(member)
    before = len(delivery.bodies)
    Api(stranger).get("/api/v1/ui/menus")

    assert len(delivery.bodies) == before


# --- editing and publishing through the API ---------------------------------------------------

BASE = "/api/v1/admin/features"


@pytest.fixture
def guest(db: None) -> User:
    """Staff without a role: what they may do, they were granted."""
    user = make_user("gus")
    user.groups.clear()
    user.is_staff = True
    user.save()
    return user


@pytest.fixture
def two(db: None) -> tuple[Feature, Feature]:
    return make_feature("mine", title="Mine", published=True), make_feature("theirs", title="Theirs", published=True)


def test_api__no_grant__sees_no_list_and_no_feature(two, guest):
    api = Api(guest)

    assert (api.get(BASE).status_code, api.get(f"{BASE}/mine").status_code) == (403, 404)
    assert api.post(f"{BASE}/publish", json={"key": "mine"}).status_code == 404
    assert api.get(f"{BASE}/never-heard-of").json()["code"] == api.get(f"{BASE}/mine").json()["code"] == "CORE_2003"


def test_api__granted_to_read__lists_and_reads_that_one_and_changes_nothing(two, guest):
    assign_perm("view_feature", guest, two[0])
    api = Api(guest)

    patch = api.patch(f"{BASE}/mine", json={"title": "Hi"}, headers={"If-Match": '"1"'})
    release = api.post(f"{BASE}/publish", json={"key": "mine"})
    back = api.post(f"{BASE}/rollback", json={"key": "mine", "version": 1})

    assert [item["key"] for item in api.get(BASE).json()["items"]] == ["mine"]
    pages = [api.get(f"{BASE}/mine{page}").status_code for page in ("", "/versions", "/diff?from=1&to=1")]
    assert pages == [200, 200, 200]
    assert [api.get(f"{BASE}/theirs{page}").status_code for page in ("", "/versions", "/diff?from=1&to=1")] == [404] * 3
    assert [(a.status_code, a.json()["code"]) for a in (patch, release, back)] == [(403, "CORE_2002")] * 3
    assert (Feature.objects.get(key="mine").title, Snapshot.objects.filter(scope="feature").count()) == ("Mine", 2)


def test_api__granted_to_change_and_publish__does_so_with_that_one_alone(two, guest):
    for permission in ("change_feature", "publish_feature", "rollback_feature"):
        assign_perm(permission, guest, two[0])
    api = Api(guest)

    def tried(key: str) -> list[int]:
        return [
            api.patch(f"{BASE}/{key}", json={"title": "Hi"}, headers={"If-Match": '"1"'}).status_code,
            api.post(f"{BASE}/publish", json={"key": key}).status_code,
            api.post(f"{BASE}/rollback", json={"key": key, "version": 1}).status_code,
        ]

    assert (tried("mine"), tried("theirs")) == ([200, 200, 200], [404, 404, 404])
    assert list(Feature.objects.order_by("key").values_list("title", flat=True)) == ["Hi", "Theirs"]
    assert publishing.live_versions("feature") == {"mine": 3, "theirs": 1}


def test_api__grant_of_a_member__opens_nothing(two, member):
    assign_perm("view_feature", member, two[0])
    api = Api(member)

    assert (api.get(BASE).status_code, api.get(f"{BASE}/mine").status_code) == (403, 403)


@pytest.mark.parametrize("body", [[], "x", {"key": 3}, {"key": ["mine"]}, {}])
def test_api__body_that_names_no_feature__is_not_found_for_a_guest(two, guest, body):
    assign_perm("publish_feature", guest, two[0])

    assert Api(guest).post(f"{BASE}/publish", json=body).status_code == 404
    assert publishing.live_versions("feature") == {"mine": 1, "theirs": 1}


# --- the admin --------------------------------------------------------------------------------


def page(name: str, *args: object) -> str:
    return reverse(f"admin:features_feature_{name}", args=args)


def test_admin__granted_to_read__list_shows_that_one_and_pages_open(client, two, guest):
    mine, theirs = two
    assign_perm("view_feature", guest, mine)
    client.force_login(guest)

    listed = client.get(page("changelist")).content.decode()

    assert ("Mine" in listed, "Theirs" in listed) == (True, False)
    assert "Mine" in client.get("/admin/").content.decode()
    assert [client.get(page(n, mine.pk)).status_code for n in ("change", "history", "release")] == [200, 200, 200]
    assert [client.get(page(n, mine.pk)).status_code for n in ("delete", "permissions")] == [403, 403]
    assert client.post(page("publish", mine.pk)).status_code == 403
    assert client.get(page("add")).status_code == 403
    hidden = {n: client.get(page(n, theirs.pk)).status_code for n in ("change", "history", "release")}
    assert hidden == {"change": 302, "history": 404, "release": 404}
    assert client.post(page("publish", theirs.pk)).status_code == 404


def test_admin__granted_to_publish__publishes_that_one(client, two, guest):
    mine, theirs = two
    assign_perm("publish_feature", guest, mine)
    Feature.objects.update(description="Changed")
    client.force_login(guest)

    assert client.post(page("publish", mine.pk), {"note": "mine"}).status_code == 302
    assert client.post(page("publish", theirs.pk), {"note": "theirs"}).status_code == 404
    assert publishing.live_versions("feature") == {"mine": 2, "theirs": 1}


def test_admin__no_grant__sees_no_list(client, two, guest):
    client.force_login(guest)

    assert client.get(page("changelist")).status_code == 403
    assert "Mine" not in client.get("/admin/").content.decode()


def test_admin__list_of_a_guest__costs_the_same_for_many_rows(client, guest, django_assert_num_queries):
    from django.db import connection

    def opened(count: int) -> int:
        for number in range(count):
            assign_perm("view_feature", guest, make_feature(f"f{Feature.objects.count() + number}-{number}"))
        client.get(page("changelist"))
        with CaptureQueriesContext(connection) as seen:
            assert client.get(page("changelist")).status_code == 200
        return len(seen)

    client.force_login(guest)
    assert opened(1) == opened(8)


def test_access_page__admin_grants__takes_effect_and_is_in_the_history(client, closed, operator, member):
    client.force_login(operator)

    found = client.post(page("permissions", closed.pk), {"submit_manage_user": "1", "user": member.username})
    saved = client.post(page("permissions_manage_user", closed.pk, member.pk), {"permissions": ["run_feature"]})

    assert (found.status_code, saved.status_code) == (302, 302)
    assert granted() == {"closed": {"users": [str(member.pk)], "groups": []}}
    assert Snapshot.objects.get(scope="access").author == operator
    assert run(member) == 202
    overview = client.get(page("permissions", closed.pk)).content.decode()
    assert (member.username in overview, "Run it, whatever its roles" in overview) == (True, True)
    client.post(page("permissions_manage_user", closed.pk, member.pk), {"_": "as a browser's token, it is never empty"})
    assert granted() == {}
    rows = UserObjectPermission.history.order_by("history_id").values_list("history_type", "user_id", "history_user")  # type: ignore[attr-defined]
    assert list(rows) == [("+", member.pk, operator.pk), ("-", member.pk, operator.pk)]


def test_access_page__group__takes_effect(client, closed, operator, member):
    beta = Group.objects.create(name="beta")
    member.groups.add(beta)
    client.force_login(operator)

    found = client.post(page("permissions", closed.pk), {"submit_manage_group": "1", "group": "beta"})
    client.post(page("permissions_manage_group", closed.pk, beta.pk), {"permissions": ["run_feature"]})

    assert (found.status_code, run(member)) == (302, 202)


@pytest.mark.parametrize("name", ["", "nobody-there", "<script>alert(1)</script>"])
def test_access_page__unknown_name__is_told_and_nothing_changes(client, closed, operator, name):
    client.force_login(operator)

    answer = client.post(page("permissions", closed.pk), {"submit_manage_user": "1", "user": name})

    text = answer.content.decode()
    assert (answer.status_code, text.count('role="alert"'), "<script>alert(1)" in text) == (200, 1, False)
    assert UserObjectPermission.objects.count() == 0


@pytest.mark.parametrize("permission", ["add_feature", "change_user", "x"])
def test_access_page__right_that_no_row_can_have__is_refused(client, closed, operator, member, permission):
    client.force_login(operator)

    answer = client.post(page("permissions_manage_user", closed.pk, member.pk), {"permissions": [permission]})

    assert (answer.status_code, UserObjectPermission.objects.count()) == (200, 0)


def test_access_page__editor__cannot_give_rights_to_anybody(client, closed, editor):
    client.force_login(editor)
    wish = {"permissions": ["publish_feature", "delete_feature"]}

    answers = [
        client.get(page("permissions", closed.pk)),
        client.post(page("permissions_manage_user", closed.pk, editor.pk), wish),
        client.post(page("permissions_manage_group", closed.pk, Group.objects.get(name="editor").pk), wish),
    ]

    assert [(a.status_code, a.json()["code"]) for a in answers] == [(403, "CORE_2002")] * 3
    assert (UserObjectPermission.objects.count(), GroupObjectPermission.objects.count()) == (0, 0)
