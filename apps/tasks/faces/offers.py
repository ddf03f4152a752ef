"""Which released features somebody may run from outside: the person's own, as far as their key allows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.core.config import reader
from apps.core.lane.identity import Principal
from apps.features.audience import aaudience_of, may_run
from apps.features.delivery import person_of
from apps.features.publishing import SCOPE


@dataclass(frozen=True, slots=True)
class Offer:
    """A feature in the version that the person gets."""

    key: str
    version: int
    payload: Mapping[str, Any]


async def offers_for(principal: Principal) -> list[Offer]:
    """What `principal` may run, by key; no query once released configuration is in memory."""
    person = person_of(principal)
    who = await aaudience_of(person)
    served = await reader.aserved(SCOPE, person)
    return [
        Offer(key, version, payload)
        for key, (version, payload) in sorted(served.items())
        if may_run(payload, who) and allows(principal, key)
    ]


def allows(principal: Principal, key: str) -> bool:
    """Whether the key that `principal` came with, if any, is for this feature."""
    return principal.key is None or principal.key.allows_feature(key)
