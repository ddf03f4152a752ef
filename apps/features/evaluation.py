"""A released feature as a flag of OpenFeature: whether somebody may run it, in which version, and why."""

from typing import Literal

from django.db.models import Q
from msgspec import Struct

from apps.accounts.models import User
from apps.core.config import Person, reader
from apps.core.permissions import allows
from apps.features.audience import words
from apps.features.delivery import Reading
from apps.features.feed import Payload, Released
from apps.features.publishing import SCOPE

Reason = Literal["STATIC", "TARGETING_MATCH", "SPLIT", "DISABLED"]


class Metadata(Struct):
    """What else is known of the flag; the protocol allows plain values only."""

    version: int
    revision: int
    title: str
    candidate: bool


class Evaluation(Struct):
    """The flag for one person, in the words of OFREP."""

    key: str
    value: bool
    reason: Reason
    variant: str
    metadata: Metadata


def evaluate(reading: Reading, released: Released, *, insider: bool) -> dict[str, Evaluation]:
    """Every flag that the person may know of, by key.

    A person who sees a feature may run it; a visitor, once signed in. What is hidden from the person is not there.
    To an `insider`, who may read drafts, a feature that is switched off is there and false.
    """
    chosen = reader.candidates_for(SCOPE, Person(roles=reading.person.roles))  # by their roles, not by lot
    found = {}
    for key, (version, payload) in released.items():
        reason = _reason(key, payload, reading, chosen)
        if reason == "DISABLED" and not insider:
            continue
        if reason != "DISABLED" and not reading.viewer.sees(payload):
            continue
        about = Metadata(
            version, reading.revision, words(payload["title"], reading.viewer.language), key in reading.candidates
        )
        found[key] = Evaluation(key, reason != "DISABLED", reason, f"v{version}", about)
    return found


def _reason(key: str, payload: Payload, reading: Reading, chosen: frozenset[str]) -> Reason:
    if not payload["enabled"]:
        return "DISABLED"
    if key in reading.candidates - chosen:
        return "SPLIT"
    return "TARGETING_MATCH" if payload["roles"] or key in chosen else "STATIC"


def may_evaluate_others(user_id: int, epoch: int) -> bool:
    """Whether this caller, by its token, may read features whatever their roles."""
    user = User.objects.filter(pk=user_id, token_epoch=epoch, is_active=True, is_staff=True).first()
    return allows(user, "features:read")


def somebody(name: str, roles: frozenset[str] | None) -> Person:
    """The person of that id or user name; unless given, its roles are those it has. A stranger has none."""
    known = (
        Q(username=name) | Q(pk=int(name)) if name.isascii() and name.isdigit() and len(name) < 19 else Q(username=name)
    )
    users = {str(user.pk): user for user in User.objects.filter(known, is_active=True)}
    by_name = (user for user in users.values() if user.username == name)
    user = users.get(name) or next(by_name, None)
    if user is None:
        return Person(id=name, roles=roles or frozenset())
    return Person(id=str(user.pk), roles=user.role_names if roles is None else roles)
