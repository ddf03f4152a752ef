"""Secrets at rest: AES-256-GCM with a key ring.

Blob: `v1.<kid>.<base64url(nonce || ciphertext || tag)>`. The nonce is 96 random bits per encryption (NIST
SP 800-38D); the associated data names the row and column, so a blob copied to another row does not decrypt.

Apps that keep sealed fields register them, so that `manage.py rotate_secrets` finds every blob (`apps.core.rotation`).
"""

import base64
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any
from urllib.parse import quote

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError

_NONCE_BYTES = 12
_KEY_BYTES = 32
SHORTEST_SHOWN = 12  # four characters of a shorter secret would be too much of it
SHORTEST_STRUCK = 6  # characters of a secret's beginning or end that are struck out of a text


class SecretUnreadable(ApiError):
    code, reason, status = "CORE_5002", "E_SECRET_UNREADABLE", 500
    message = _("A stored secret cannot be decrypted with the keys at hand. Enter it again or restore its key.")


class KeyRingInvalid(ApiError):
    code, reason, status = "CORE_5003", "E_KEY_RING", 500
    message = _("PAIBAN_MASTER_KEYS must hold entries like name:base64 of 32 bytes.")


@lru_cache(maxsize=4)
def _ring(entries: tuple[str, ...]) -> dict[str, AESGCM]:
    ring: dict[str, AESGCM] = {}
    for entry in entries:
        kid, _sep, encoded = entry.partition(":")
        try:
            key = base64.b64decode(encoded, altchars=b"-_" if "-" in encoded or "_" in encoded else None)
        except ValueError:
            key = b""
        if not kid or "." in kid or len(key) != _KEY_BYTES:
            raise KeyRingInvalid()
        ring[kid] = AESGCM(key)
    if not ring:
        raise KeyRingInvalid()
    return ring


def encrypt(plaintext: str, *, bound_to: str) -> str:
    """`plaintext` under the current key, bound to the row and column named by `bound_to`."""
    ring = _ring(tuple(settings.MASTER_KEYS))
    kid = next(iter(ring))
    nonce = os.urandom(_NONCE_BYTES)
    sealed = nonce + ring[kid].encrypt(nonce, plaintext.encode(), f"v1:{bound_to}".encode())
    return f"v1.{kid}.{base64.urlsafe_b64encode(sealed).decode()}"


def decrypt(blob: str, *, bound_to: str) -> str:
    """The plaintext of `blob`.

    Raises `SecretUnreadable` when the key is not in the ring, the blob was altered, or it belongs to another row.
    """
    try:
        version, kid, encoded = blob.split(".", 2)
        sealed = base64.urlsafe_b64decode(encoded)
        key = _ring(tuple(settings.MASTER_KEYS))[kid]
        data = f"{version}:{bound_to}".encode()
        return key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], data).decode()
    except (ValueError, KeyError, InvalidTag) as exc:
        raise SecretUnreadable() from exc


def current_kid() -> str:
    """The id of the key that encrypts. Raises `KeyRingInvalid`."""
    return next(iter(_ring(tuple(settings.MASTER_KEYS))))


def kid_of(blob: str) -> str:
    """The id of the key that `blob` was encrypted with; "" for what is no blob."""
    version, _dot, rest = blob.partition(".")
    kid, dot, _encoded = rest.partition(".")
    return kid if version == "v1" and dot else ""


def is_readable(blob: str, *, bound_to: str) -> bool:
    """Whether `blob` opens with the keys at hand."""
    try:
        decrypt(blob, bound_to=bound_to)
    except SecretUnreadable:
        return False
    return True


@dataclass(frozen=True)
class Sealed:
    """A field that holds blobs: its rows, and what each one's blob is bound to."""

    name: str
    rows: Callable[[], QuerySet[Any]]
    field: str = "blob"
    bound_to: Callable[[Any], str] = attrgetter("bound_to")


sealed_fields: dict[str, Sealed] = {}


def register(field: Sealed) -> None:
    """Have `field` rotated with all others; apps do this in `AppConfig.ready()`. An empty text in it is no blob."""
    sealed_fields[field.name] = field


def strike(text: str, secret: str | None) -> str:
    """`text` without `secret`, plain or encoded, and without longer pieces of its beginning and end."""
    if not secret:
        return text
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    for whole in (secret, quote(secret, safe=""), encoded):
        text = text.replace(whole, "…")
    for length in range(len(secret) - 1, SHORTEST_STRUCK - 1, -1):
        text = text.replace(secret[:length], "…").replace(secret[-length:], "…")
    return text


def mask(plaintext: str) -> str:
    """What a person may see of a secret: at most its last four characters."""
    return f"…{plaintext[-4:]}" if len(plaintext) >= SHORTEST_SHOWN else "…"
