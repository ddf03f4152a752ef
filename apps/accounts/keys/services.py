"""Make keys and revoke them."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import structlog
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.errors import KeyMakesNoKeys, KeyTooPowerful, TooManyKeys
from apps.accounts.keys.scopes import Scopes
from apps.accounts.keys.token import digest_of, new_token
from apps.accounts.models import ApiKey, User
from apps.core import cache
from apps.core.errors import Forbidden, NotFound
from apps.core.permissions import allows

__all__ = ["NewKey", "create_key", "revoke_key", "visible_to"]

log = structlog.get_logger("accounts")

MOST_ACTIVE = 50  # keys of one person: who needs more wants a key for each client, which are users


@dataclass(frozen=True)
class NewKey:
    """A key that was just made; `token` is shown now and never again."""

    row: ApiKey
    token: str = field(repr=False)


def create_key(
    owner: User,
    *,
    by: User,
    name: str,
    scopes: Scopes,
    budget: int | None = None,
    budget_period: str = ApiKey.Period.TOTAL,
    expires_at: datetime | None = None,
) -> NewKey:
    """A key of `owner`'s.

    Raises `KeyMakesNoKeys`, `KeyTooPowerful`, `TooManyKeys`, `Forbidden` for somebody else's key, `ValidationError`
    for an expiry that has passed.
    """
    _check_maker(owner, by, scopes)
    if expires_at is not None and expires_at <= timezone.now():
        raise ValidationError({"expires_at": ValidationError(_("This time has passed."), code="past")})
    if owner.api_keys.filter(revoked_at=None).count() >= MOST_ACTIVE:
        raise TooManyKeys(most=MOST_ACTIVE)
    token = new_token()
    row = ApiKey(
        user=owner,
        name=name,
        prefix=token[:8],
        last4=token[-4:],
        digest=digest_of(token) or "",
        scopes=scopes.as_dict(),
        budget=budget,
        budget_period=budget_period,
        expires_at=expires_at,
        created_by=by,
    )
    row.save()
    log.info("api_key.created", keyId=row.pk, userId=owner.pk, by=by.pk, admin=scopes.admin)
    return NewKey(row, token)


def _check_maker(owner: User, by: User, scopes: Scopes) -> None:
    if by.key_grant is not None:
        raise KeyMakesNoKeys()
    if scopes.admin and (owner.pk != by.pk or not owner.is_staff):
        raise KeyTooPowerful()  # it may do all that its owner may: nobody makes one for somebody who may do more
    if owner.pk != by.pk and (not allows(by, "keys:create") or (owner.is_superuser and not by.is_superuser)):
        raise Forbidden()


def visible_to(user: User) -> "QuerySet[ApiKey]":
    """One's own keys; all of them for staff who may read keys."""
    keys = ApiKey.objects.select_related("user")
    return keys if allows(user, "keys:read") else keys.filter(user=user)


def revoke_key(key_id: int, *, by: User) -> ApiKey:
    """End a key: one's own, or anybody's with the right `keys:write`. A second call changes nothing.

    Raises `NotFound`, `KeyMakesNoKeys`. Concurrency: one conditional update decides when it was. Every process refuses
    the key as soon as it hears of it, at the latest when it looks, some five seconds later.
    """
    if by.key_grant is not None:
        raise KeyMakesNoKeys()
    row = ApiKey.objects.select_related("user").filter(pk=key_id).first()
    if row is None or (row.user_id != by.pk and not allows(by, "keys:write")):
        raise NotFound()
    with transaction.atomic():
        now = timezone.now()
        if ApiKey.objects.filter(pk=row.pk, revoked_at=None).update(revoked_at=now):
            row.revoked_at = now
            row.save(update_fields=["revoked_at"])  # for the history
            log.info("api_key.revoked", keyId=row.pk, by=by.pk)
        # Again for one that was revoked before: whoever asks twice may have met a process that had not heard of it.
        transaction.on_commit(partial(cache.forget, cache_name(row.digest)))
    return row


def cache_name(digest: str) -> str:
    """Under which name the read cache keeps what is known of a key."""
    return f"apikey:{digest}"
