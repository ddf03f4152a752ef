"""What reading a prompt costs, as far as the released catalogue tells."""

from apps.providers import pricing
from apps.providers.catalogue import every_model
from apps.providers.types import Usage


def input_cost(model: str, tokens: int) -> int | None:
    """Micro-credits for `tokens` read by `model`, rounded up; of several offers the first that has a price."""
    costs = (pricing.cost(each.prices, Usage(tokens, 0)) for each in every_model() if each.model == model)
    return next((cost for cost in costs if cost is not None), None)
