"""Secrets at rest: AES-256-GCM with a key ring.

Blob: `v1.<kid>.<base64url(nonce || ciphertext || tag)>`. The nonce is 96 random bits per encryption (NIST
SP 800-38D); the associated data names the row and column, so a blob copied to another row does not decrypt.
"""

import base64
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError

_NONCE_BYTES = 12
_KEY_BYTES = 32
SHORTEST_SHOWN = 12  # four characters of a shorter secret would be too much of it


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


def mask(plaintext: str) -> str:
    """What a person may see of a secret: at most its last four characters."""
    return f"…{plaintext[-4:]}" if len(plaintext) >= SHORTEST_SHOWN else "…"
