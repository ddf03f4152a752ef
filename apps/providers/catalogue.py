"""The released catalogue of endpoints and models, and how a route is chosen from it."""

from collections.abc import Iterable, Mapping
from typing import Any

from apps.core.config import NotReleased, reader
from apps.providers.errors import NoRoute
from apps.providers.handlers import handlers
from apps.providers.models import Endpoint, Offer
from apps.providers.types import Candidate

SCOPE, KEY = "providers", "catalogue"


def collect() -> dict[str, Any]:
    """What the runtime needs of the enabled rows; secrets are named as present or not, never included."""
    rows = Endpoint.objects.filter(enabled=True).select_related("secret").prefetch_related("offers")
    return {
        "schema": 1,
        "endpoints": [released(row, row.offers.all(), has_secret=hasattr(row, "secret")) for row in rows],
    }


def released(row: Endpoint, offers: Iterable[Offer], *, has_secret: bool) -> dict[str, Any]:
    """The entry of one endpoint with those of `offers` that are enabled."""
    return {
        "id": row.pk,
        "key": row.key,
        "name": row.name,
        "handler": row.handler_key,
        "base_url": row.base_url,
        "priority": row.priority,
        "timeout": row.timeout_seconds,
        "max_retries": row.max_retries,
        "has_secret": has_secret,
        "offers": [offer.as_released() for offer in offers if offer.enabled],
    }


def candidates(capability: str, *, model: str = "") -> list[Candidate]:
    """Who can answer, in the order of trying. Raises `NoRoute` when nobody can."""
    try:
        _version, catalogue = reader.get(SCOPE, KEY)
    except NotReleased as exc:
        raise NoRoute(capability=capability) from exc
    found = [_candidate(endpoint, offer) for endpoint, offer in answering(catalogue, capability, model)]
    if not found:
        raise NoRoute(capability=model or capability)
    return found


def answering(
    catalogue: Mapping[str, Any], capability: str, model: str = ""
) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """The usable endpoints of `catalogue`, each with its offer, that can answer; in the order of trying."""
    return [
        (endpoint, offer)
        for endpoint in sorted(catalogue["endpoints"], key=lambda e: (e["priority"], e["key"]))
        if _usable(endpoint)
        for offer in endpoint["offers"]
        if _can(offer, capability) and model in ("", offer["model"])
    ]


def _can(offer: Mapping[str, Any], capability: str) -> bool:
    """Whether the offer names `capability`; operators write the list as JSON, so it may be anything."""
    named = offer["capabilities"]
    return isinstance(named, list | str) and capability in named


def _usable(endpoint: Mapping[str, Any]) -> bool:
    handler = handlers().get(endpoint["handler"])
    return handler is not None and (endpoint["has_secret"] or not handler.requires_secret)


def _candidate(endpoint: Mapping[str, Any], offer: Mapping[str, Any]) -> Candidate:
    return Candidate(
        endpoint=endpoint["key"],
        endpoint_id=endpoint["id"],
        handler_key=endpoint["handler"],
        base_url=endpoint["base_url"],
        model=offer["model"],
        timeout_seconds=endpoint["timeout"],
        max_retries=endpoint["max_retries"],
    )
