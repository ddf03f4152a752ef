"""Who may do what through the management API, exactly."""

import pytest
from django.contrib.auth.models import Group

from apps.accounts.roles import Role, rights_of
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
