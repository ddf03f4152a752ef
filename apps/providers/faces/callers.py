"""For whom a request asks, and what it may spend."""

from apps.core.errors import ApiError, Forbidden
from apps.core.lane.identity import Principal
from apps.providers.budgets import budgets_of
from apps.providers.errors import NoRoute
from apps.providers.gateway import Caller


async def caller_of(principal: Principal) -> Caller:
    """The principal with the budgets that apply: the key's and the person's."""
    key = principal.key
    return Caller(principal.user_id, key.id if key else None, budgets=await budgets_of(principal))


def check_model(principal: Principal, model: str) -> None:
    """Raises `NoRoute` for a model that the key may not ask: it is not told apart from one there is not.

    A key that is kept to some models has to name one.
    """
    key = principal.key
    if key is None or key.models is None:
        return
    if not model:
        raise Forbidden()
    if not key.allows_model(model):
        refused: ApiError = NoRoute(capability=model)
        raise refused
