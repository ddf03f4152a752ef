"""Who may do what through the management API, exactly."""

import json

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.roles import Role, rights_of, sync_roles
from apps.core.policy import policy
from apps.core.publishing.models import Snapshot
from tests.conftest import Api, make_user
from tests.features.builders import make_feature

BASE = "/api/v1/admin/features"
REQUESTS = {
    "list": ("GET", BASE, {}),
    "read": ("GET", f"{BASE}/greeter", {}),
    "versions": ("GET", f"{BASE}/greeter/versions", {}),
    "diff": ("GET", f"{BASE}/greeter/diff?from=1&to=1", {}),
    "patch": ("PATCH", f"{BASE}/greeter", {"json": {"title": "Hi"}, "headers": {"If-Match": '"1"'}}),
    "publish": ("POST", f"{BASE}/publish", {"json": {"key": "greeter"}}),
    "rollback": ("POST", f"{BASE}/rollback", {"json": {"key": "greeter", "version": 1}}),
}
READ, EDIT, RELEASE = ["list", "read", "versions", "diff"], ["patch"], ["publish", "rollback"]
ALLOWED = {
    "viewer": READ,
    "editor": READ + EDIT,
    "admin": READ + EDIT + RELEASE,
    "member": [],
}


@pytest.mark.parametrize("role", ALLOWED)
@pytest.mark.parametrize("what", REQUESTS)
def test_call__role__is_allowed_or_forbidden(db, role, what):
    feature = make_feature(published=True)
    user = make_user("pat", role=role)
    method, path, extra = REQUESTS[what]

    answer = Api(user).request(method, path, **extra)

    if what in ALLOWED[role]:
        assert answer.status_code == 200
    else:
        assert (answer.status_code, answer.json()["code"]) == (403, "CORE_2002")
        feature.refresh_from_db()
        assert (feature.title, feature.revision, Snapshot.objects.filter(scope="feature").count()) == ("Greeter", 1, 1)


@pytest.mark.parametrize("what", REQUESTS)
def test_call__member_with_a_staff_permission__is_still_forbidden(db, what):
    make_feature(published=True)
    user = make_user("pat")
    user.groups.add(Group.objects.get(name="admin"))
    method, path, extra = REQUESTS[what]

    assert Api(user).request(method, path, **extra).status_code == 403


def about(role: Role, resource: str) -> set[str]:
    return {right for right in rights_of(role) if right.startswith(f"{resource}:")}


def test_rights__roles__follow_the_policy_file():
    assert about(Role.EDITOR, "features") == {"features:read", "features:create", "features:write"}
    assert about(Role.EDITOR, "quotas") == {"quotas:read"}
    assert about(Role.EDITOR, "people") == {"people:read"}
    assert rights_of(Role.MEMBER) == set()
    assert about(Role.ADMIN, "roles") == set()


@pytest.mark.parametrize(
    ("role", "permission", "has"),
    [
        ("viewer", "features.view_feature", True),
        ("viewer", "features.change_feature", False),
        ("editor", "features.change_feature", True),
        ("editor", "features.publish_feature", False),
        ("editor", "features.delete_feature", False),
        ("editor", "accounts.change_user", False),
        ("editor", "quotas.change_account", False),
        ("admin", "features.rollback_feature", True),
        ("admin", "accounts.change_user", True),
        ("member", "features.view_feature", False),
    ],
)
def test_sync__role__has_exactly_its_permissions(db, role, permission, has):
    assert make_user("pat", role=role).has_perm(permission) is has


# --- the groups follow the file ---------------------------------------------------------------


def permissions_of(name: str) -> set[str]:
    pairs = Group.objects.get(name=name).permissions.values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in pairs}


@pytest.mark.parametrize("role", list(Role))
def test_sync__after_migrating__roles_hold_exactly_the_file(db, role):
    assert permissions_of(role.value) == policy().permissions(rights_of(role))


def test_sync__something_else_in_a_role__is_taken_away_and_the_missing_given(db):
    viewer = Group.objects.get(name="viewer")
    viewer.permissions.set(Permission.objects.filter(codename__in=["publish_feature", "view_session", "view_feature"]))

    (change,) = sync_roles()

    assert change.role == "viewer"
    assert change.removed == ("features.publish_feature", "sessions.view_session")
    assert len(change.added) == len(policy().permissions(rights_of(Role.VIEWER))) - 1
    assert permissions_of("viewer") == policy().permissions(rights_of(Role.VIEWER))
    assert sync_roles() == []


def test_sync__group_of_the_operators_own__is_left_alone(db):
    own = Group.objects.create(name="publishers")
    own.permissions.add(Permission.objects.get(codename="publish_feature"))

    sync_roles()

    assert permissions_of("publishers") == {"features.publish_feature"}


def test_sync__group_of_a_role_is_missing__comes_back(db):
    Group.objects.get(name="editor").delete()

    assert [change.role for change in sync_roles()] == ["editor"]
    assert permissions_of("editor") == policy().permissions(rights_of(Role.EDITOR))


def test_sync_command__dry_run__shows_and_changes_nothing(db, capsys):
    viewer = Group.objects.get(name="viewer")
    viewer.permissions.add(Permission.objects.get(codename="publish_feature"))

    call_command("sync_roles", "--dry-run")
    call_command("sync_roles", "--dry-run", "--json")

    lines = capsys.readouterr().out.splitlines()
    change = {"role": "viewer", "added": [], "removed": ["features.publish_feature"]}
    assert (lines[0], json.loads(lines[1])) == ("viewer - features.publish_feature", [change])
    assert "features.publish_feature" in permissions_of("viewer")
    call_command("sync_roles")
    call_command("sync_roles")
    assert capsys.readouterr().out.splitlines()[-1] == "The roles hold exactly what the policy file says."
    assert "features.publish_feature" not in permissions_of("viewer")


def test_sync_command__policy_that_cannot_be_used__is_told_and_changes_nothing(db, settings, tmp_path):
    settings.POLICY_FILE = tmp_path / "policy.toml"
    settings.POLICY_FILE.write_text("schema = 2\n")
    before = permissions_of("admin")

    with pytest.raises(CommandError, match="schema must be 1, not 2"):
        call_command("sync_roles")

    assert permissions_of("admin") == before


def test_role__built_in__is_neither_edited_nor_deleted_in_the_admin(client, db):
    client.force_login(User.objects.create_superuser("root", password="root-pass-1"))
    admin = Group.objects.get(name="admin")
    before = permissions_of("admin")

    client.post(reverse("admin:auth_group_change", args=[admin.pk]), {"name": "boss", "permissions": []})
    deleted = client.post(reverse("admin:auth_group_delete", args=[admin.pk]), {"post": "yes"})

    assert (deleted.status_code, permissions_of("admin")) == (403, before)
