"""Roles are groups whose permissions follow the policy file."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import structlog
from django.contrib.auth.models import Group, Permission
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import QuerySet

from apps.core.policy import policy

log = structlog.get_logger("accounts")


class Role(StrEnum):
    VIEWER = "viewer"  # reads drafts and releases
    EDITOR = "editor"  # edits drafts
    ADMIN = "admin"  # publishes, rolls back, manages people and credits
    MEMBER = "member"  # uses released features; no access to the admin


STAFF = frozenset({Role.VIEWER, Role.EDITOR, Role.ADMIN})


@dataclass(frozen=True)
class RoleChange:
    """What one role gained and lost, as permission names."""

    role: str
    added: tuple[str, ...]
    removed: tuple[str, ...]


def rights_of(role: Role) -> frozenset[str]:
    """The rights (`features:write`) that the policy file gives to `role`."""
    return policy().roles[role.value]


def sync_after_migrate(sender: Any, **kwargs: Any) -> None:
    """`post_migrate`: bring the roles' permissions on the app that was just migrated to what the file says."""
    if _history_is_kept(kwargs.get("using", DEFAULT_DB_ALIAS)):
        sync_roles(Permission.objects.filter(content_type__app_label=sender.label))


def _history_is_kept(using: str) -> bool:
    """A run that migrated a part of the apps may have no table yet for the audit rows; the next one syncs."""
    return "accounts_historicalgroup" in connections[using].introspection.table_names()


def sync_roles(among: QuerySet[Permission] | None = None, *, dry_run: bool = False) -> list[RoleChange]:
    """Make the four built-in groups hold exactly what the policy file says; returns what that changed.

    `among` limits it to some permissions. Groups that are no role are left alone. Idempotent. Raises `PolicyInvalid`.
    """
    there = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in (among if among is not None else Permission.objects.all()).select_related("content_type")
    }
    changes = [change for role in Role if (change := _synced(role, there, dry_run=dry_run))]
    for change in changes if not dry_run else ():
        log.info("role.synced", role=change.role, added=len(change.added), removed=len(change.removed))
    return changes


def _synced(role: Role, there: dict[str, Permission], *, dry_run: bool) -> RoleChange | None:
    group = Group.objects.filter(name=role.value).first()
    if group is None and not dry_run:
        group = Group.objects.create(name=role.value)
    wanted = policy().permissions(rights_of(role)) & set(there)
    held = set(group.permissions.values_list("pk", flat=True)) if group else set()
    present = {name for name, permission in there.items() if permission.pk in held}
    if wanted == present:
        return None
    change = RoleChange(role.value, tuple(sorted(wanted - present)), tuple(sorted(present - wanted)))
    if group is not None and not dry_run:
        with transaction.atomic():
            group.permissions.add(*(there[name] for name in change.added))
            group.permissions.remove(*(there[name] for name in change.removed))
    return change
