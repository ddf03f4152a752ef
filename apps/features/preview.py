"""A draft shown to whoever holds a link: signed, short-lived, and only as good as its maker's rights."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.accounts.tokens import ALGORITHM, ISSUER, LEEWAY_SECONDS
from apps.core.errors import ApiError
from apps.core.permissions import allows
from apps.core.publishing.registry import publishable
from apps.features import services
from apps.features.models import Feature
from apps.features.publishing import SCOPE

__all__ = [
    "Draft",
    "Link",
    "PreviewExpired",
    "PreviewInvalid",
    "PreviewRevoked",
    "make_link",
    "may_preview",
    "open_draft",
]

TYPE = "preview"
AUDIENCE = "paiban-preview"  # not that of access tokens: neither passes for the other
LINK_SECONDS = 3600
RIGHTS = ("features:write", "features:publish")


class PreviewInvalid(ApiError):
    code, reason, status = "FEATURES_2040", "E_PREVIEW_INVALID", 400
    message = _("This preview link is not whole. Copy it again, or ask for a new one.")


class PreviewExpired(ApiError):
    code, reason, status = "FEATURES_2041", "E_PREVIEW_EXPIRED", 410
    message = _("This preview link has lapsed. Ask for a new one.")


class PreviewRevoked(ApiError):
    code, reason, status = "FEATURES_2042", "E_PREVIEW_REVOKED", 403
    message = _("This preview link no longer works: whoever made it has signed out or lost the right to it.")


@dataclass(frozen=True)
class Link:
    """A way to see the draft."""

    url: str
    token: str
    expires_at: datetime


@dataclass(frozen=True)
class Draft:
    """The draft that a link opens, as if it were released to everybody."""

    key: str
    payload: dict[str, Any]
    expires_at: datetime


def may_preview(user: Any, feature: Feature | None) -> bool:
    """Whether `user` may show this draft to others; one right is enough, also when it was granted for it alone."""
    return any(allows(user, right, feature) for right in RIGHTS)


def make_link(key: str, *, by: User) -> Link:
    """A link that shows the draft `key` for `LINK_SECONDS`. Raises `NotFound`."""
    services.draft(key)
    now = datetime.now(UTC).replace(microsecond=0)
    expires_at = now + timedelta(seconds=LINK_SECONDS)
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "typ": TYPE,
        "jti": uuid.uuid4().hex,
        "feature": key,
        "uid": by.pk,
        "epoch": by.token_epoch,
        "iat": now,
        "exp": expires_at,
    }
    token = jwt.encode(claims, settings.SIGNING_KEYS[0], algorithm=ALGORITHM)
    return Link(f"{settings.BASE_URL.rstrip('/')}/f/{key}?preview={token}", token, expires_at)


def open_draft(token: str) -> Draft:
    """The draft that `token` shows, as it stands now.

    Raises `PreviewInvalid`, `PreviewExpired`, `PreviewRevoked`, or `NotFound` when the draft was deleted. Its maker is
    looked up each time: no link outlives the right to make one.
    """
    claims = _claims(token)
    maker = User.objects.filter(pk=claims["uid"], token_epoch=claims["epoch"]).first()
    if maker is None or not may_preview(maker, Feature.objects.filter(key=claims["feature"]).first()):
        raise PreviewRevoked()
    payload = publishable(SCOPE).collect(claims["feature"])
    expires_at = datetime.fromtimestamp(claims["exp"], UTC)
    return Draft(claims["feature"], {**payload, "enabled": True, "roles": []}, expires_at)


def _claims(token: str) -> dict[str, Any]:
    """The claims of a genuine token. Raises `PreviewInvalid` or `PreviewExpired`."""
    lapsed = False
    for key in settings.SIGNING_KEYS:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "jti", "typ", "feature", "uid", "epoch"]},
            )
        except jwt.ExpiredSignatureError:
            lapsed = True
        except jwt.InvalidTokenError:
            continue
        else:
            if claims["typ"] == TYPE:
                return claims
    raise PreviewExpired() if lapsed else PreviewInvalid()
