"""What a change of the catalogue does to those who ask models."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from apps.core.publishing.usage import Use, distinct, uses_of_kind
from apps.providers.catalogue import answering

Catalogue = Mapping[str, Any]


@dataclass(frozen=True)
class Effects:
    """`lost`: nobody could answer them any more. `moved`: others answer what a model answered that is now missing."""

    lost: list[Use]
    moved: list[Use]


def effects(before: Catalogue, after: Catalogue) -> Effects:
    """Whom it touches that `after` takes the place of `before`. What had no route before loses none."""
    lost, moved = [], []
    for route, uses in uses_of_kind("route").items():
        was, will_be = models_of(before, route), models_of(after, route)
        if was and not will_be:
            lost += uses
        elif was - will_be:
            moved += uses
    lost = distinct(lost)
    gone = {(use.kind, use.key) for use in lost}
    return Effects(lost, [use for use in distinct(moved) if (use.kind, use.key) not in gone])


def models_of(catalogue: Catalogue, route: str) -> frozenset[str]:
    """Which "endpoint/model" can answer `route`, a capability or "capability/model"."""
    capability, _slash, model = route.partition("/")
    return frozenset(f"{e['key']}/{offer['model']}" for e, offer in answering(catalogue, capability, model))


def without(catalogue: Catalogue, ids: Set[int]) -> dict[str, Any]:
    """`catalogue` less the endpoints with these primary keys."""
    return {**catalogue, "endpoints": [entry for entry in catalogue["endpoints"] if entry["id"] not in ids]}


def with_entry(catalogue: Catalogue, entry: Mapping[str, Any]) -> dict[str, Any]:
    """`catalogue` with `entry` in the place of what it holds of the same endpoint."""
    return {**catalogue, "endpoints": [*without(catalogue, {entry["id"]})["endpoints"], entry]}
