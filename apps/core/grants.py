"""Rights on single rows, given to a person or a group (django-guardian's tables), as querysets."""

from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet
from guardian.models import GroupObjectPermission, UserObjectPermission

from apps.core.policy.rights import ACTIONS, SHOWING


def showing(model: type[Model]) -> list[str]:
    """The permissions each of which shows a row of `model`; the first two do so for all rows."""
    meta = model._meta
    return list(dict.fromkeys(f"{meta.app_label}.{ACTIONS[action]}_{meta.model_name}" for action in SHOWING))


def has_any(user: Any, model: type[Model], permission: str = "") -> bool:
    """Whether `user` was granted `permission` (anything that shows a row, when not said) on some row of `model`."""
    wanted = _codenames(model, permission)
    return any(rows.exists() for rows in _rows(user, model, wanted))


def permitted(queryset: QuerySet[Any], user: Any) -> QuerySet[Any]:
    """The rows of `queryset` that staff `user` may see: all of them by role, else those with a grant."""
    names = showing(queryset.model)
    if any(user.has_perm(name) for name in names[:2]):
        return queryset
    found = _rows(user, queryset.model, _codenames(queryset.model, ""))
    # The keys are few and fetched first: MySQL could not use an index over text compared with numbers.
    return queryset.filter(pk__in={pk for rows in found for pk in rows.values_list("object_pk", flat=True)})


def forget(row: Model) -> int:
    """Remove every grant on `row`, which is going away; returns how many there were."""
    about = {"content_type": ContentType.objects.get_for_model(row), "object_pk": str(row.pk)}
    return sum(table.objects.filter(**about).delete()[0] for table in (UserObjectPermission, GroupObjectPermission))


def _rows(user: Any, model: type[Model], codenames: list[str]) -> list[QuerySet[Any]]:
    about = {"content_type": ContentType.objects.get_for_model(model), "permission__codename__in": codenames}
    return [
        UserObjectPermission.objects.filter(user=user, **about),
        GroupObjectPermission.objects.filter(group__in=user.groups.all(), **about),
    ]


def _codenames(model: type[Model], permission: str) -> list[str]:
    return [name.split(".")[1] for name in ([permission] if permission else showing(model))]
