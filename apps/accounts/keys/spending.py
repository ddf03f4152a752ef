"""What keys have spent of their budgets: counted by the app that asks models, shown by this one."""

from collections.abc import Callable, Sequence

from apps.accounts.models import ApiKey

Spending = Callable[[Sequence[ApiKey]], dict[int, int]]
_spending: list[Spending] = []


def use_spending(spending: Spending) -> None:
    """Set what knows the micro-credits that keys spent in their running periods; the providers app does, at start."""
    _spending[:] = [spending]


def spending(keys: Sequence[ApiKey]) -> dict[int, int]:
    """Micro-credits by the key's number. A constant number of queries."""
    return _spending[0](keys) if _spending and keys else {}
