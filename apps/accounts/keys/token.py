"""What a key looks like: `pk-` and 256 random bits. Only its hash is kept."""

import hashlib
import re
import secrets
from typing import Final

PREFIX: Final = "pk-"
_SHAPE: Final = re.compile(r"pk-[A-Za-z0-9_-]{43}")


def new_token() -> str:
    """A key that nobody has."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(token: str) -> str | None:
    """The hash under which `token` is kept, or None when it cannot be a key.

    256 random bits need no slow hash and no salt, and finding a row by the hash tells nobody how close a guess was.
    """
    return hashlib.sha256(token.encode()).hexdigest() if _SHAPE.fullmatch(token) else None
