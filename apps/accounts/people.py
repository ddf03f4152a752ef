"""What the hot lane knows of a person without a query: kept in the read cache, forgotten when it changes."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypedDict

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete

from apps.accounts.models import User
from apps.core import cache

TTL_SECONDS = 60.0


class Known(TypedDict):
    """One person. `budget` is in credits per `budget_period`; None for no limit."""

    username: str
    roles: list[str]
    active: bool
    epoch: int
    budget: int | None
    budget_period: str


Budgets = Callable[[int], tuple[int | None, str]]
_budgets: list[Budgets] = []


def use_budgets(budgets: Budgets) -> None:
    """Set what knows a person's budget, by the user's number; the quotas app does, at start."""
    _budgets[:] = [budgets]


def known(user_id: int) -> Known | None:
    """The person, or None when there is none. Not for use in a transaction."""
    return cache.get_or_set(_name(user_id), partial(_load, user_id), ttl=TTL_SECONDS)


async def aknown(user_id: int) -> Known | None:
    """`known` for coroutines: from memory without a thread."""
    return await cache.aget_or_set(_name(user_id), partial(_load, user_id), ttl=TTL_SECONDS)


def forget_people(*user_ids: int) -> None:
    """They are looked at anew by every process once the running transaction is committed."""
    if user_ids:
        transaction.on_commit(partial(cache.forget, *map(_name, user_ids)))


def _name(user_id: int) -> str:
    return f"user:{user_id}"


def _load(user_id: int) -> Known | None:
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        return None
    budget, period = _budgets[0](user_id) if _budgets else (None, "month")
    return Known(
        username=user.username,
        roles=sorted(user.role_names),
        active=user.is_active,
        epoch=user.token_epoch,
        budget=budget,
        budget_period=period,
    )


# --- what changes a person ------------------------------------------------------------------------


def connect() -> None:
    """Hear of every change of a person or a role that goes through the ORM's objects."""
    post_save.connect(_saved, sender=User, dispatch_uid="people.saved")
    post_delete.connect(_saved, sender=User, dispatch_uid="people.deleted")
    m2m_changed.connect(_roles_changed, sender=User.groups.through, dispatch_uid="people.roles")
    post_save.connect(_role_saved, sender=Group, dispatch_uid="people.role_saved")
    pre_delete.connect(_role_saved, sender=Group, dispatch_uid="people.role_deleted")


def _saved(instance: User, update_fields: Any = None, **kwargs: Any) -> None:
    if update_fields is None or set(update_fields) - {"last_login"}:
        forget_people(instance.pk)


def _roles_changed(instance: User | Group, action: str, reverse: bool, pk_set: set[int] | None, **kwargs: Any) -> None:
    if not reverse:
        forget_people(instance.pk)
    elif action == "pre_clear":
        forget_people(*instance.user_set.values_list("pk", flat=True))  # type: ignore[union-attr]  # reverse: a group
    else:
        forget_people(*(pk_set or ()))


def _role_saved(instance: Group, **kwargs: Any) -> None:
    """A role that is renamed is another one for whoever has it."""
    if not kwargs.get("created"):
        forget_people(*User.objects.filter(groups=instance.pk).values_list("pk", flat=True))
