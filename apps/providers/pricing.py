"""What a call costs, in micro-credits: whole numbers, rounded up once per call."""

from dataclasses import replace

from apps.core.tokens import estimate_tokens
from apps.providers.types import Candidate, ChatRequest, Prices, Usage
from apps.providers.wire import text_of_all

MILLION = 1_000_000
PRESUMED_OUTPUT = 4096  # tokens; where neither the caller nor the catalogue limits the answer
IMAGE_TOKENS = 1_000  # of an image that is read; vendors count some hundreds to some thousands


def cost(prices: Prices, usage: Usage) -> int | None:
    """What `usage` costs; None where a price it needs is unknown. Unknown counts are to be estimated before."""
    tokens_in, tokens_out = usage.input_tokens or 0, usage.output_tokens or 0
    cached = min(usage.cached_tokens, tokens_in)
    cached_price = prices.input if prices.cached is None else prices.cached
    parts = ((tokens_in - cached, prices.input), (cached, cached_price), (tokens_out, prices.output))
    if any(count and price is None for count, price in parts):
        return None
    total = sum(count * (price or 0) for count, price in parts)
    return -(-total // MILLION) + (prices.call or 0)


def is_priced(prices: Prices) -> bool:
    """Whether a call could be counted against a budget."""
    return (prices.input is not None and prices.output is not None) or prices.call is not None


def most(candidate: Candidate, tokens_in: int, limit: int | None) -> int:
    """The most that a call of `tokens_in` tokens may cost, to be reserved before it is made."""
    return cost(candidate.prices, Usage(tokens_in, _longest(candidate, limit))) or 0


def weight(candidate: Candidate, tokens_in: int, limit: int | None) -> int:
    """How many tokens a call may come to, to be reserved of those that the endpoint has for a minute.

    What may be answered counts, too, or answers that begin together pass the limit together. At most the whole minute:
    a call that might need more than that is still made, alone.
    """
    if not candidate.tpm:
        return tokens_in
    return min(tokens_in + _longest(candidate, limit), max(tokens_in, candidate.tpm))


def _longest(candidate: Candidate, limit: int | None) -> int:
    """Tokens of the longest answer."""
    return limit or candidate.max_output or min(PRESUMED_OUTPUT, candidate.context_window)


def tokens_of(request: ChatRequest) -> int:
    """About how many tokens the request is."""
    images: int = sum(
        isinstance(part, dict) and part.get("type") == "image_url"
        for message in request.messages
        if isinstance(message.get("content"), list)
        for part in message["content"]
    )
    tools = estimate_tokens(str(request.options["tools"])) if request.options.get("tools") else 0
    return estimate_tokens(text_of_all(request.messages)) + 4 * len(request.messages) + tools + images * IMAGE_TOKENS


def completed(usage: Usage, *, tokens_in: int, text: str) -> tuple[Usage, bool]:
    """`usage` with what the upstream left out estimated, and whether anything was."""
    if usage.input_tokens is not None and usage.output_tokens is not None:
        return usage, False
    return (
        replace(
            usage,
            input_tokens=tokens_in if usage.input_tokens is None else usage.input_tokens,
            output_tokens=estimate_tokens(text) if usage.output_tokens is None else usage.output_tokens,
        ),
        True,
    )
