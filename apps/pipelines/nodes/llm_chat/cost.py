"""The most that one model step can cost, by the prices of whoever may answer it."""

from collections.abc import Mapping
from typing import Any

from apps.core.config import reader
from apps.pipelines.nodes.llm_chat.config import LlmChatConfig
from apps.providers import pricing
from apps.providers.catalogue import SCOPE, candidates
from apps.providers.errors import NoRoute
from apps.providers.types import Candidate


def worst(config: LlmChatConfig, parts: Mapping[str, Any]) -> int | None:
    """In micro-credits: every round as long as the dearest model allows. None where nobody answers, or without a price.

    Known where `parts` tell of `answers`: whoever found them has read the catalogue, and this only looks at what is in
    memory, for it is asked with every keystroke.
    """
    if "answers" not in parts or not reader.warm(SCOPE):
        return None
    fallback = str((parts.get("degrade") or {}).get("fallback_model", ""))
    try:
        found = candidates(config.capability, model=config.model)
        found += candidates(config.capability, model=fallback) if fallback else []
    except NoRoute:
        return None
    if not all(pricing.is_priced(one.prices) for one in found):
        return None
    return _rounds(config) * max(_one(one, config.max_tokens) for one in found)


def _rounds(config: LlmChatConfig) -> int:
    """How often the model may be asked: rounds of tools, the answer, and once more for its form."""
    asked = 1 + (config.max_rounds if config.tools else 0)
    return asked + (config.repair if config.answer_schema is not None else 0)


def _one(candidate: Candidate, limit: int | None) -> int:
    """One call whose question fills what the model can take in."""
    return pricing.most(candidate, candidate.context_window, limit)
