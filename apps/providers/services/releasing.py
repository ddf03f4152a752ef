"""Release the catalogue, and judge what would go missing from it."""

from collections.abc import Iterable
from typing import Any

from apps.core.publishing.services import release
from apps.core.publishing.usage import OnlyRoute, hold_releases
from apps.providers.catalogue import KEY, SCOPE, collect
from apps.providers.models import Endpoint
from apps.providers.routes import Catalogue, Effects, effects, without


def release_catalogue(*, by: Any, note: str = "") -> None:
    """Endpoints and models are not drafts: what the operator saves is live."""
    release(SCOPE, KEY, collect, by=by, note=note)


def refuse_lost(before: Catalogue) -> None:
    """Raises `OnlyRoute` when what the rows say now leaves somebody without a model that `before` had for them."""
    if lost := effects(before, collect()).lost:
        raise OnlyRoute(lost)


def effects_of_removal(endpoints: Iterable[Endpoint]) -> Effects:
    """Whom it would touch if all of `endpoints` were gone."""
    catalogue = collect()
    return effects(catalogue, without(catalogue, {endpoint.pk for endpoint in endpoints}))


def refuse_removal(endpoints: Iterable[Endpoint]) -> None:
    """Raises `OnlyRoute` when somebody would be left without a model. To be called in the transaction that removes."""
    hold_releases()
    if lost := effects_of_removal(endpoints).lost:
        raise OnlyRoute(lost)
