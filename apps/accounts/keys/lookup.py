"""From the key in a header to its owner and what it may do, without a query for one that was seen lately."""

import time
from functools import partial
from typing import Any, TypedDict

from django.db import transaction

from apps.accounts.errors import KeyAddressRefused, KeyExpired, KeyInvalid
from apps.accounts.keys.last_use import note_use
from apps.accounts.keys.scopes import is_within, networks
from apps.accounts.keys.services import cache_name
from apps.accounts.keys.token import digest_of
from apps.accounts.models import ApiKey
from apps.accounts.people import Known, aknown, known
from apps.core import cache
from apps.core.lane.identity import KeyGrant, Principal

TTL_SECONDS = 60.0
KEPT = 4_096  # principals that are put together already
MICRO = 1_000_000


class Kept(TypedDict):
    """What the read cache holds of a key that was not revoked."""

    id: int
    user: int
    features: list[str] | None
    models: list[str] | None
    budget: int | None  # micro-credits
    period: str
    ips: list[str]
    admin: bool
    expires: float | None


# By digest, with the very objects they were made of: the cache hands out the same ones until something changed.
_made: dict[str, tuple[Kept, Known, Principal]] = {}


async def aprincipal_of(token: str, address: str) -> Principal:
    """The owner of `token`, who calls from `address`.

    Raises `KeyInvalid` (also for a revoked key, and for one whose owner is switched off), `KeyExpired`,
    `KeyAddressRefused`. An unknown key is asked of the database once in 30 seconds, however often it is tried.
    """
    digest = _digest(token)
    kept = await cache.aget_or_set(cache_name(digest), partial(_load, digest), ttl=TTL_SECONDS)
    owner = await aknown(kept["user"]) if kept else None
    return _checked(digest, kept, owner, address)


def principal_of(token: str, address: str) -> Principal:
    """`aprincipal_of` for threads."""
    digest = _digest(token)
    kept = cache.get_or_set(cache_name(digest), partial(_load, digest), ttl=TTL_SECONDS)
    owner = known(kept["user"]) if kept else None
    return _checked(digest, kept, owner, address)


def _digest(token: str) -> str:
    digest = digest_of(token)
    if digest is None:
        raise KeyInvalid()
    return digest


def _checked(digest: str, kept: Kept | None, owner: Known | None, address: str) -> Principal:
    """What changes from call to call is looked at on every call."""
    if kept is None or owner is None or not owner["active"]:
        raise KeyInvalid()
    if kept["expires"] is not None and kept["expires"] <= time.time():
        raise KeyExpired()
    principal = _principal(digest, kept, owner)
    grant = principal.key
    if grant is not None and grant.networks and not is_within(address, grant.networks):
        raise KeyAddressRefused(address=address)
    note_use(kept["id"])
    return principal


def _principal(digest: str, kept: Kept, owner: Known) -> Principal:
    made = _made.get(digest)
    if made is not None and made[0] is kept and made[1] is owner:
        return made[2]
    budget = owner["budget"]
    principal = Principal(
        user_id=kept["user"],
        username=owner["username"],
        roles=frozenset(owner["roles"]),
        epoch=owner["epoch"],
        key=_grant(kept),
        budget=None if budget is None else budget * MICRO,
        budget_period=owner["budget_period"],
    )
    if len(_made) >= KEPT:
        _made.clear()
    _made[digest] = (kept, owner, principal)
    return principal


def _grant(kept: Kept) -> KeyGrant:
    return KeyGrant(
        id=kept["id"],
        features=None if kept["features"] is None else frozenset(kept["features"]),
        models=None if kept["models"] is None else frozenset(kept["models"]),
        budget=kept["budget"],
        budget_period=kept["period"],
        networks=networks(kept["ips"]),
        admin=kept["admin"],
    )


def _load(digest: str) -> Kept | None:
    key = ApiKey.objects.filter(digest=digest, revoked_at=None).first()
    if key is None:
        return None
    return Kept(
        id=key.pk,
        user=key.user_id,
        features=key.scopes.get("features"),
        models=key.scopes.get("models"),
        budget=None if key.budget is None else key.budget * MICRO,
        period=key.budget_period,
        ips=key.scopes.get("ips", []),
        admin=bool(key.scopes.get("admin")),
        expires=key.expires_at.timestamp() if key.expires_at else None,
    )


def forget_deleted(instance: ApiKey, **kwargs: Any) -> None:
    """A key went with its owner, or alone."""
    transaction.on_commit(partial(cache.forget, cache_name(instance.digest)))
