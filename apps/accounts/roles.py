"""Roles are groups whose permissions follow one policy table."""

from enum import StrEnum
from typing import Any

from django.contrib.auth.models import Group, Permission


class Role(StrEnum):
    VIEWER = "viewer"  # reads drafts and releases
    EDITOR = "editor"  # edits drafts
    ADMIN = "admin"  # publishes, rolls back, manages people and credits
    MEMBER = "member"  # uses released features; no access to the admin


STAFF = frozenset({Role.VIEWER, Role.EDITOR, Role.ADMIN})

# What editors only read: people, money, and what is already released.
ADMIN_ONLY_APPS = frozenset({"accounts", "quotas", "core", "tasks"})
APPS = frozenset({"core", "accounts", "quotas", "providers", "mcp", "prompts", "pipelines", "features", "tasks"})
_VERBS: dict[Role, frozenset[str]] = {
    Role.VIEWER: frozenset({"view"}),
    Role.EDITOR: frozenset({"view", "add", "change"}),
    Role.ADMIN: frozenset({"view", "add", "change", "delete", "publish", "rollback"}),
    Role.MEMBER: frozenset(),
}


def verbs_of(role: Role, app_label: str) -> frozenset[str]:
    """The permission verbs `role` has on the models of `app_label`."""
    if app_label not in APPS:
        return frozenset()
    return _VERBS[Role.VIEWER] if role is Role.EDITOR and app_label in ADMIN_ONLY_APPS else _VERBS[role]


def sync_roles(sender: Any, **kwargs: Any) -> None:
    """`post_migrate`: give each role its permissions on the app that was just migrated."""
    if sender.label not in APPS:
        return
    permissions = list(Permission.objects.filter(content_type__app_label=sender.label))
    for role in Role:
        group, _created = Group.objects.get_or_create(name=role.value)
        verbs = verbs_of(role, sender.label)
        group.permissions.add(*[p for p in permissions if p.codename.split("_", 1)[0] in verbs])
