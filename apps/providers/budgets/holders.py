"""Which budgets a caller's calls count against."""

from apps.core.lane.identity import Principal
from apps.providers.budgets.caps import Budget


async def budgets_of(principal: Principal) -> tuple[Budget, ...]:
    """The key's budget and its owner's, where there are any."""
    found = []
    if principal.key is not None and principal.key.budget is not None:
        found.append(Budget(f"key:{principal.key.id}", principal.key.budget, principal.key.budget_period))
    if principal.budget is not None:
        found.append(Budget(f"user:{principal.user_id}", principal.budget, principal.budget_period))
    return tuple(found)
