"""What tokens cost, as far as the released catalogue tells; None where it does not."""

from collections.abc import Iterator, Mapping
from typing import Any

from apps.core.config import NotReleased, reader
from apps.providers.catalogue import KEY, SCOPE
from apps.providers.types import Answer

PER = 1_000_000  # tokens that a price is for


def input_cost(model: str, tokens: int) -> int | None:
    """Micro-credits for `tokens` read by `model`, rounded up; of several offers the first that has a price."""
    return next((_cost(prices.get("input"), tokens) for prices in _prices(model)), None)


def cost_of(answer: Answer) -> int | None:
    """Micro-credits that an answer cost: as the gateway says, or else by the catalogue."""
    told = getattr(answer.usage, "cost", None)
    if isinstance(told, int):
        return told
    usage = answer.usage
    for prices in _prices(answer.model_used, endpoint=answer.endpoint):
        parts = (_cost(prices.get("input"), usage.input_tokens), _cost(prices.get("output"), usage.output_tokens))
        known = [part for part in parts if part is not None]
        if len(known) == len(parts):
            return sum(known)
    return None


def _cost(price: Any, tokens: int | None) -> int | None:
    if not isinstance(price, int | float) or isinstance(price, bool) or tokens is None:
        return None
    return -(-int(price * tokens) // PER)


def _prices(model: str, *, endpoint: str = "") -> Iterator[Mapping[str, Any]]:
    """The prices of every offer of `model`, as far as offers have any."""
    try:
        _version, catalogue = reader.get(SCOPE, KEY)
    except NotReleased:
        return
    for entry in catalogue["endpoints"]:
        for offer in entry["offers"]:
            prices = offer.get("prices")
            if offer["model"] == model and endpoint in ("", entry["key"]) and isinstance(prices, Mapping):
                yield prices
