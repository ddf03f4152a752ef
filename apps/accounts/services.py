"""Sign in, refresh, sign out."""

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.conf import settings
from django.contrib.auth import authenticate
from django.db import transaction
from django.utils import timezone

from apps.accounts.errors import PasswordChangeDue, RefreshReused, TokenInvalid, WrongCredentials
from apps.accounts.models import RefreshToken, User
from apps.accounts.tokens import sign_access

__all__ = ["SignIn", "purge_tokens", "refresh", "sign_in", "sign_out"]

log = structlog.get_logger("accounts")


@dataclass(frozen=True)
class SignIn:
    """A pair of fresh tokens and whose they are."""

    user: User
    access: str
    refresh: str


def sign_in(username: str, password: str) -> SignIn:
    """Check the password and start a token family. Raises `WrongCredentials` or `PasswordChangeDue`."""
    user = authenticate(username=username, password=password)
    if not isinstance(user, User):
        log.info("sign_in.refused")
        raise WrongCredentials()
    if user.must_change_password:
        raise PasswordChangeDue()
    return _issue(user, family=uuid.uuid4())


def refresh(token: str) -> SignIn:
    """Spend a refresh token for a new pair.

    Raises `TokenInvalid` (signed out counts as that), or `RefreshReused` when the token was spent before; then its
    whole family ends.
    Concurrency: one conditional update decides; exactly one of many callers wins.
    """
    now = timezone.now()
    row = RefreshToken.objects.select_related("user").filter(token_hash=_hash(token)).first()
    if row is None or row.expires_at < now or not row.user.is_active or row.epoch != row.user.token_epoch:
        raise TokenInvalid()
    with transaction.atomic():
        if RefreshToken.objects.filter(pk=row.pk, used_at=None, revoked_at=None).update(used_at=now):
            return _issue(row.user, family=row.family)
    if RefreshToken.objects.filter(pk=row.pk, used_at=None).exists():
        raise TokenInvalid()
    RefreshToken.objects.filter(family=row.family, revoked_at=None).update(revoked_at=now)
    log.warning("refresh.reused", userId=row.user_id, family=str(row.family))
    raise RefreshReused()


def sign_out(token: str) -> None:
    """End the family of this refresh token; an unknown one is no news."""
    row = RefreshToken.objects.filter(token_hash=_hash(token)).first()
    if row:
        RefreshToken.objects.filter(family=row.family, revoked_at=None).update(revoked_at=timezone.now())


def purge_tokens() -> int:
    """Drop rows of tokens that have lapsed."""
    return RefreshToken.objects.filter(expires_at__lt=timezone.now()).delete()[0]


def _issue(user: User, *, family: uuid.UUID) -> SignIn:
    token = secrets.token_urlsafe(32)
    RefreshToken.objects.create(
        token_hash=_hash(token),
        family=family,
        user=user,
        epoch=user.token_epoch,
        expires_at=timezone.now() + timedelta(seconds=settings.REFRESH_TOKEN_SECONDS),
    )
    return SignIn(user, sign_access(user), token)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
