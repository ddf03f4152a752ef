"""Which released features a person sees and may run, and why: a part of "what may this person do"."""

from typing import Any

from django.utils.translation import get_language

from apps.accounts.effective import Usable
from apps.accounts.models import User
from apps.core.config import Person, reader
from apps.features.audience import Audience, audience_of, is_granted, is_visible, may_run, words
from apps.features.publishing import SCOPE


def usable(user: User) -> list[Usable]:
    """Every released feature, in the version that is live for everybody, from released configuration alone."""
    who = audience_of(Person(str(user.pk), user.role_names))
    language = get_language() or "en"
    return [
        Usable(
            key=key,
            title=words(payload["title"], language),
            version=version,
            visible=is_visible(payload, who),
            run=may_run(payload, who),
            because=_because(payload, who),
        )
        for key, (version, payload) in sorted(reader.all(SCOPE).items())
    ]


def _because(payload: Any, who: Audience) -> str:
    if not payload["enabled"]:
        return "off"
    if not payload["roles"]:
        return "everybody"
    if who.roles & set(payload["roles"]):
        return "role"
    return "granted" if is_granted(payload, who) else "no-role"


def feature_keys() -> list[str]:
    """Every released feature by key, in order."""
    return sorted(reader.all(SCOPE))
