"""Access tokens: short-lived JWTs that the hot lane believes without a query (RFC 7519, HS256 pinned)."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt
from django.conf import settings

from apps.accounts.errors import TokenInvalid
from apps.accounts.models import User

ALGORITHM = "HS256"
ISSUER = AUDIENCE = "paiban"
LEEWAY_SECONDS = 10


@dataclass(frozen=True)
class Claims:
    """What an access token says."""

    user_id: int
    username: str
    roles: frozenset[str]
    epoch: int


def sign_access(user: User) -> str:
    """An access token for `user`, good for `ACCESS_TOKEN_SECONDS`."""
    now = datetime.now(UTC)
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "typ": "access",
        "jti": uuid.uuid4().hex,
        "uid": user.pk,
        "name": user.username,
        "role": sorted(user.role_names),
        "epoch": user.token_epoch,
        "iat": now,
        "exp": now + timedelta(seconds=settings.ACCESS_TOKEN_SECONDS),
    }
    return jwt.encode(claims, settings.SIGNING_KEYS[0], algorithm=ALGORITHM)


def read_access(token: str) -> Claims:
    """The claims of a valid access token. Raises `TokenInvalid`."""
    for key in settings.SIGNING_KEYS:
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "jti", "uid", "typ", "role", "epoch"]},
            )
        except jwt.InvalidTokenError:
            continue
        if claims["typ"] == "access":
            return Claims(claims["uid"], claims.get("name", ""), frozenset(claims["role"]), claims["epoch"])
    raise TokenInvalid()
