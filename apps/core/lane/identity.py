"""Who calls, as far as token or key tell; the hot lane asks no database for somebody it has seen lately."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network


@dataclass(frozen=True, slots=True)
class KeyGrant:
    """What an API key may do. `None` for features or models stands for all of them.

    `budget` is in micro-credits per `budget_period` (`total`, `day`, `month`); `networks` are where the key may be
    used from, anywhere when there are none; `admin` lets it act in the administration as its owner may.
    """

    id: int
    features: frozenset[str] | None = None
    models: frozenset[str] | None = None
    budget: int | None = None
    budget_period: str = "total"
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    admin: bool = False

    def allows_feature(self, key: str) -> bool:
        """Whether the key may use the feature."""
        return self.features is None or key in self.features

    def allows_model(self, name: str) -> bool:
        """Whether the key may ask the model."""
        return self.models is None or name in self.models


@dataclass(frozen=True, slots=True)
class Principal:
    """A known user, by the claims of the access token or by an API key of theirs.

    `budget` is the user's own, in micro-credits per `budget_period`.
    """

    user_id: int
    username: str
    roles: frozenset[str]
    epoch: int  # of the token; streams compare it with the user's
    key: KeyGrant | None = None
    budget: int | None = None
    budget_period: str = "month"


Authenticator = Callable[[str, str], Awaitable[Principal | None]]

_authenticator: list[Authenticator] = []


def use_authenticator(authenticator: Authenticator) -> None:
    """Set what reads an `Authorization` header; the accounts app does, at start."""
    _authenticator[:] = [authenticator]


async def identify(authorization: str, address: str) -> Principal | None:
    """The caller from `address`, or None for an anonymous one. Raises `ApiError` for a bad or lapsed token or key."""
    return await _authenticator[0](authorization, address) if authorization and _authenticator else None
