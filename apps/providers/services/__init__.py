"""Every write of endpoints, keys, models and prices; each releases the catalogue."""

from apps.providers.services.endpoints import (
    claim_revision,
    create_endpoint,
    delete_endpoint,
    endpoint_of,
    offer_models,
    refuse_stale,
    update_endpoint,
)
from apps.providers.services.health import keep_health, test_endpoint
from apps.providers.services.keys import key_state, read_secret, refuse_kept_key, set_secret
from apps.providers.services.prices import apply_prices, plan_prices
from apps.providers.services.releasing import effects_of_removal, refuse_removal, release_catalogue

__all__ = [
    "apply_prices",
    "claim_revision",
    "create_endpoint",
    "delete_endpoint",
    "effects_of_removal",
    "endpoint_of",
    "keep_health",
    "key_state",
    "offer_models",
    "plan_prices",
    "read_secret",
    "refuse_kept_key",
    "refuse_removal",
    "refuse_stale",
    "release_catalogue",
    "set_secret",
    "test_endpoint",
    "update_endpoint",
]
