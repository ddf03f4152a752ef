"""Which budgets a caller's calls count against."""

from dataclasses import replace

from apps.accounts.people import aknown
from apps.core.lane.identity import Principal
from apps.providers.budgets.caps import Budget

MICRO = 1_000_000


async def budgets_of(principal: Principal) -> tuple[Budget, ...]:
    """The key's budget and its owner's, where there are any. From memory for whoever was seen lately.

    An access token says nothing of its owner's budget; it is looked up here, so that routes which ask no model need
    not. Raises what the look-up raises: a budget that cannot be known is not ignored.
    """
    if principal.key is None:
        principal = await _with_budget(principal)
    found = []
    if principal.key is not None and principal.key.budget is not None:
        found.append(Budget(f"key:{principal.key.id}", principal.key.budget, principal.key.budget_period))
    if principal.budget is not None:
        found.append(Budget(f"user:{principal.user_id}", principal.budget, principal.budget_period))
    return tuple(found)


async def _with_budget(principal: Principal) -> Principal:
    owner = await aknown(principal.user_id)
    if owner is None or owner["budget"] is None:
        return principal
    return replace(principal, budget=owner["budget"] * MICRO, budget_period=owner["budget_period"])
