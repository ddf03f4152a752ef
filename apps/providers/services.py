"""Keep secrets, and release the catalogue whenever something in it changes."""

from typing import Any

from django.db import transaction

from apps.core.crypto import SecretUnreadable, decrypt, encrypt, mask
from apps.core.publishing.services import release
from apps.providers.catalogue import KEY, SCOPE, collect
from apps.providers.models import Endpoint, Secret

__all__ = ["read_secret", "release_catalogue", "set_secret"]


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
