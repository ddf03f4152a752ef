"""What API keys have spent in their running periods, for the page that lists them."""

from collections import defaultdict
from collections.abc import Sequence

from django.db.models import Sum

from apps.accounts.models import ApiKey
from apps.providers.budgets.caps import Budget, Place, place
from apps.providers.models import UsageDay


def spent_by_keys(keys: Sequence[ApiKey]) -> dict[int, int]:
    """Micro-credits by key, seconds old at the most. One query for each kind of period."""
    found: dict[int, int] = {}
    for period, numbers in _by_period(keys).items():
        where: Place = place(Budget(f"key:{numbers[0]}", 0, period))
        span = {name: value for name, value in where.which.items() if name != "key_id"}
        rows = UsageDay.objects.filter(key_id__in=numbers, **span).values_list("key_id")
        found |= dict(rows.annotate(spent=Sum("cost")).order_by())
    return found


def _by_period(keys: Sequence[ApiKey]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for key in keys:
        found[key.budget_period].append(key.pk)
    return found
