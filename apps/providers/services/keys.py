"""Keys of endpoints: written, used, never read back."""

import secrets
from typing import Any

from django.db import IntegrityError, transaction

from apps.core.crypto import SecretUnreadable, decrypt, encrypt, is_readable, mask
from apps.core.publishing.errors import PublishConflict
from apps.providers.errors import KeyNeeded, KeyUnfit
from apps.providers.handlers import handlers
from apps.providers.models import Endpoint, EndpointHealth, Secret
from apps.providers.services.releasing import release_catalogue

LONGEST = 4096  # characters; vendors' keys have 40 to 200, tokens of cloud services some 2,000
KeyState = EndpointHealth.KeyState


def set_secret(endpoint: Endpoint, plaintext: str, *, by: Any) -> Secret:
    """Seal and keep the endpoint's key, for its present address; it takes effect everywhere with the release.

    Raises `KeyUnfit` for what no header can carry, `PublishConflict` when somebody enters one at the same instant.
    """
    if not plaintext or len(plaintext) > LONGEST or not plaintext.isascii() or not plaintext.isprintable():
        raise KeyUnfit(longest=LONGEST)
    try:
        with transaction.atomic():
            secret = Secret.objects.filter(endpoint=endpoint).first() or Secret(endpoint=endpoint)
            secret.blob = encrypt(plaintext, bound_to=secret.bound_to)
            secret.hint = mask(plaintext)
            secret.version = secrets.randbelow(2**53)
            secret.address = endpoint.address
            secret.save()
            endpoint.secret = secret
            release_catalogue(by=by)
    except IntegrityError as exc:
        raise PublishConflict() from exc
    return secret


def read_secret(endpoint_id: int) -> str:
    """The key of an endpoint, from the table. Raises `SecretUnreadable`."""
    secret = Secret.objects.filter(endpoint_id=endpoint_id).first()
    if secret is None:
        raise SecretUnreadable()
    return decrypt(secret.blob, bound_to=secret.bound_to)


def key_state(endpoint: Endpoint) -> KeyState:
    """Whether the endpoint has the key it needs, and whether it opens; `select_related("secret")` saves queries."""
    secret = getattr(endpoint, "secret", None)
    if secret is not None:
        readable = is_readable(secret.blob, bound_to=secret.bound_to) and secret.address in ("", endpoint.address)
        return KeyState.KEPT if readable else KeyState.UNREADABLE
    handler = handlers().get(endpoint.handler_key)
    return KeyState.MISSING if handler is None or handler.requires_secret else KeyState.NOT_NEEDED


def refuse_kept_key(endpoint: Endpoint, *, kind: str, handler_key: str, base_url: str) -> None:
    """Raises `KeyNeeded` when the present key would go to another address than it was entered for.

    `endpoint` is the row as it was; the rest is what it would be.
    """
    same = (endpoint.kind, endpoint.handler_key, endpoint.base_url) == (kind, handler_key, base_url)
    if not same and Secret.objects.filter(endpoint_id=endpoint.pk).exists():
        raise KeyNeeded()
