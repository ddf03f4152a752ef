"""What one person may spend on models: their own limit, else everybody's."""

from typing import Any

from django.conf import settings

from apps.accounts.people import forget_people
from apps.quotas.models import UserBudget


def budget_of(user_id: int) -> tuple[int | None, str]:
    """Credits, or None for no limit, and for which period."""
    own = UserBudget.objects.filter(user=user_id).first()
    if own is not None:
        return own.credits, own.period
    return settings.USER_BUDGET, settings.USER_BUDGET_PERIOD


def forget_changed(instance: UserBudget, **kwargs: Any) -> None:
    """A limit was saved or taken away: it holds everywhere from now on."""
    forget_people(instance.user_id)
