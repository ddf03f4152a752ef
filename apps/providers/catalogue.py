"""The released catalogue of endpoints and models, and who of them can answer."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import Any, Final

from asgiref.sync import sync_to_async

from apps.core.config import NotReleased, reader
from apps.providers.errors import NoRoute
from apps.providers.handlers import handlers
from apps.providers.models import OFFERED, PRICE_COLUMNS, PRICES, Endpoint, Offer, offered
from apps.providers.types import Candidate, Prices

SCOPE, KEY = "providers", "catalogue"


# What is released of a row, by its name there and its column's.
_RELEASED: Final = {
    "id": "pk",
    "key": "key",
    "name": "name",
    "kind": "kind",
    "handler": "handler_key",
    "base_url": "base_url",
    "priority": "priority",
    "weight": "weight",
    "timeout": "timeout_seconds",
    "first_byte": "first_byte_seconds",
    "max_retries": "max_retries",
    "max_concurrency": "max_concurrency",
    "rpm": "rpm",
    "tpm": "tpm",
}


def collect() -> dict[str, Any]:
    """What the runtime needs of the enabled rows; secrets are named as present or not, never included.

    Plain values, in two queries: with hundreds of endpoints, making objects of their rows was most of what saving one
    of them cost.
    """
    offers: dict[int, list[dict[str, Any]]] = defaultdict(list)
    enabled = Offer.objects.filter(enabled=True, endpoint__enabled=True).order_by("model")
    for values in enabled.values("endpoint_id", *OFFERED, *PRICE_COLUMNS):
        offers[values["endpoint_id"]].append(offered(values))
    rows = Endpoint.objects.filter(enabled=True).values_list(*_RELEASED.values(), "secret__version")
    return {"schema": 2, "endpoints": [_entry(row[:-1], row[-1], offers[row[0]]) for row in rows]}


def _entry(values: Iterable[Any], version: int | None, offers: list[dict[str, Any]]) -> dict[str, Any]:
    """`version` is the secret's, None where there is none."""
    entry = dict(zip(_RELEASED, values, strict=True))
    return {**entry, "has_secret": version is not None, "secret_version": version or 0, "offers": offers}


def released(row: Endpoint, offers: Iterable[Offer], *, has_secret: bool) -> dict[str, Any]:
    """The entry of one endpoint, as it would be with those of `offers` that are enabled."""
    version = row.secret.version if hasattr(row, "secret") else None
    entry = _entry(attrgetter(*_RELEASED.values())(row), version, [o.as_released() for o in offers if o.enabled])
    return {**entry, "has_secret": has_secret}


def candidates(capability: str, *, model: str = "") -> list[Candidate]:
    """Who can answer, by priority. Raises `NoRoute` when nobody can."""
    try:
        _version, catalogue = reader.get(SCOPE, KEY)
    except NotReleased as exc:
        raise NoRoute(capability=model or capability) from exc
    found = _view(catalogue).answering(capability, model)
    if not found:
        raise NoRoute(capability=model or capability)
    return list(found)


def every_model() -> list[Candidate]:
    """Every model that could be asked now, by priority; empty when nothing is released."""
    try:
        _version, catalogue = reader.get(SCOPE, KEY)
    except NotReleased:
        return []
    return list(_view(catalogue).everyone)


def model_names() -> list[str]:
    """What callers may ask for by name, in order."""
    return sorted({candidate.model for candidate in every_model()})


async def acandidates(capability: str, *, model: str = "") -> list[Candidate]:
    """`candidates` for async callers: a thread is used only when this process's memory cannot answer."""
    if reader.warm(SCOPE):
        return candidates(capability, model=model)
    return await sync_to_async(candidates)(capability, model=model)


async def aevery_model() -> list[Candidate]:
    """`every_model` for async callers."""
    return every_model() if reader.warm(SCOPE) else await sync_to_async(every_model)()


class _View:
    """The candidates of one released catalogue, by what is asked of them."""

    def __init__(self, catalogue: Mapping[str, Any]) -> None:
        self.catalogue = catalogue
        self.everyone = [_candidate(endpoint, offer) for endpoint, offer in answering(catalogue, "")]
        self._found: dict[tuple[str, str], list[Candidate]] = {}

    def answering(self, capability: str, model: str) -> list[Candidate]:
        """Kept by question: there are few, and the view goes with its catalogue."""
        found = self._found.get((capability, model))
        if found is None:
            found = [c for c in self.everyone if capability in c.capabilities and model in ("", c.model)]
            if found:  # names that nobody offers are the caller's, and endless
                self._found[capability, model] = found
        return found


_newest: list[_View] = []


def _view(catalogue: Mapping[str, Any]) -> _View:
    """The view of `catalogue`; a released payload is one object for as long as it is live."""
    if not _newest or _newest[0].catalogue is not catalogue:
        _newest[:] = [_View(catalogue)]
    return _newest[0]


def answering(
    catalogue: Mapping[str, Any], capability: str, model: str = ""
) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """The usable endpoints of `catalogue`, each with its offer, that can answer; by priority.

    An empty `capability` stands for any.
    """
    return [
        (endpoint, offer)
        for endpoint in sorted(catalogue["endpoints"], key=lambda e: (e["priority"], e["key"]))
        if _usable(endpoint)
        for offer in endpoint["offers"]
        if (not capability or capability in _named(offer)) and model in ("", offer["model"])
    ]


def _named(offer: Mapping[str, Any]) -> frozenset[str]:
    """The capabilities; operators write the list as JSON, so it may be anything."""
    named = offer["capabilities"]
    if isinstance(named, str):
        return frozenset({named})
    return frozenset(name for name in named if isinstance(name, str)) if isinstance(named, list) else frozenset()


def _usable(endpoint: Mapping[str, Any]) -> bool:
    handler = handlers().get(endpoint["handler"])
    return handler is not None and (endpoint["has_secret"] or not handler.requires_secret)


def _candidate(endpoint: Mapping[str, Any], offer: Mapping[str, Any]) -> Candidate:
    """What is missing was released before there was such a thing (schema 1)."""
    prices = offer.get("prices", {})
    return Candidate(
        endpoint=endpoint["key"],
        endpoint_id=endpoint["id"],
        handler_key=endpoint["handler"],
        base_url=endpoint["base_url"],
        model=offer["model"],
        timeout_seconds=endpoint["timeout"],
        first_byte_seconds=endpoint.get("first_byte", 0),
        max_retries=endpoint["max_retries"],
        priority=endpoint["priority"],
        weight=endpoint.get("weight", 100),
        quality=offer.get("quality", 50),
        max_concurrency=endpoint.get("max_concurrency", 0),
        rpm=endpoint.get("rpm", 0),
        tpm=endpoint.get("tpm", 0),
        context_window=offer["context_window"],
        max_output=offer.get("max_output", 0),
        capabilities=_named(offer),
        prices=Prices(**{name: prices.get(name) for name in PRICES}),
        secret_version=endpoint.get("secret_version", 0),
    )
