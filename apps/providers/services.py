"""Keep secrets, and release the catalogue whenever something in it changes."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from apps.core.crypto import SecretUnreadable, decrypt, encrypt, mask
from apps.core.publishing.services import release
from apps.core.publishing.usage import OnlyRoute, hold_releases
from apps.providers.catalogue import KEY, SCOPE, collect
from apps.providers.models import Endpoint, Secret
from apps.providers.routes import Effects, effects, without

__all__ = ["effects_of_removal", "read_secret", "refuse_removal", "release_catalogue", "set_secret"]


@transaction.atomic
def set_secret(endpoint: Endpoint, plaintext: str, *, by: Any) -> Secret:
    """Seal and keep the endpoint's key; it takes effect everywhere at once."""
    secret = Secret.objects.filter(endpoint=endpoint).first() or Secret(endpoint=endpoint)
    secret.blob = encrypt(plaintext, bound_to=secret.bound_to)
    secret.hint = mask(plaintext)
    secret.save()
    release_catalogue(by=by)
    return secret


def read_secret(endpoint_id: int) -> str:
    """The key of an endpoint, at the moment of the call. Raises `SecretUnreadable`."""
    secret = Secret.objects.filter(endpoint_id=endpoint_id).first()
    if secret is None:
        raise SecretUnreadable()
    return decrypt(secret.blob, bound_to=secret.bound_to)


def release_catalogue(*, by: Any) -> None:
    """Endpoints and models are not drafts: what the operator saves is live."""
    release(SCOPE, KEY, collect, by=by)


def effects_of_removal(endpoints: Iterable[Endpoint]) -> Effects:
    """Whom it would touch if all of `endpoints` were gone."""
    catalogue = collect()
    return effects(catalogue, without(catalogue, {endpoint.pk for endpoint in endpoints}))


def refuse_removal(endpoints: Iterable[Endpoint]) -> None:
    """Raises `OnlyRoute` when somebody would be left without a model. To be called in the transaction that removes."""
    hold_releases()
    if lost := effects_of_removal(endpoints).lost:
        raise OnlyRoute(lost)
