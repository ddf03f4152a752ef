"""Keeps the released table of grants in step with the rows it is made of. Their models are not ours: hence signals."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete
from guardian.models import GroupObjectPermission, UserObjectPermission
from simple_history.models import HistoricalRecords

from apps.core import grants as rows
from apps.features.grants import RUN, release_grants
from apps.features.models import Feature


def connect() -> None:
    """Called once, when the apps are ready."""
    user = get_user_model()
    for table in (UserObjectPermission, GroupObjectPermission):
        for signal in (post_save, post_delete):
            signal.connect(_grant_changed, sender=table, dispatch_uid=f"features.grants.{table.__name__}")
    for through in (Group.permissions.through, user.user_permissions.through):
        m2m_changed.connect(_permissions_changed, sender=through, dispatch_uid=f"features.grants.{through.__name__}")
    post_save.connect(_group_saved, sender=Group, dispatch_uid="features.grants.group_saved")
    # After the group's or person's own rows are gone.
    post_delete.connect(_holder_deleted, sender=Group, dispatch_uid="features.grants.group_deleted")
    post_delete.connect(_holder_deleted, sender=user, dispatch_uid="features.grants.user_deleted")
    pre_delete.connect(_feature_deleted, sender=Feature, dispatch_uid="features.grants.feature_deleted")


def _release(note: str, origin: Any = None) -> None:
    with transaction.atomic():
        release_grants(by=_actor(origin), note=note)


def _actor(origin: Any) -> Any:
    """Who is signed in; nobody when a person is being deleted, who may be the one that does it."""
    request = getattr(HistoricalRecords.context, "request", None)
    user = getattr(request, "user", None)
    people = getattr(origin, "model", type(origin)) is get_user_model()
    return user if user is not None and user.pk and not people else None


def _grant_changed(instance: Any, raw: bool = False, origin: Any = None, **kwargs: Any) -> None:
    if not raw and instance.permission.codename == RUN:
        _release(f"{'granted to' if 'created' in kwargs else 'taken from'} {_holder(instance)}", origin)


def _holder(row: Any) -> str:
    return f"user {row.user_id}" if hasattr(row, "user_id") else f"group {row.group_id}"


def _permissions_changed(action: str, pk_set: set[int] | None, **kwargs: Any) -> None:
    """A role, group or person was given the right to run every feature, or lost it."""
    if action not in ("post_add", "post_remove", "post_clear"):
        return
    if pk_set is None or kwargs["reverse"] or Permission.objects.filter(pk__in=pk_set, codename=RUN).exists():
        _release("the right to run every feature changed")


def _group_saved(created: bool, raw: bool = False, **kwargs: Any) -> None:
    """Groups are released by name, and names can change."""
    if not created and not raw:
        _release("a group was renamed")


def _holder_deleted(origin: Any = None, **kwargs: Any) -> None:
    _release("a holder was deleted", origin)


def _feature_deleted(instance: Feature, **kwargs: Any) -> None:
    rows.forget(instance)
