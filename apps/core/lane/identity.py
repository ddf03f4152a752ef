"""Who calls, as far as the token tells; the hot lane asks no database."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Principal:
    """A signed-in user by the claims of the access token."""

    user_id: int
    username: str
    roles: frozenset[str]
    epoch: int  # of the token; streams compare it with the user's


Authenticator = Callable[[str], Principal | None]

_authenticator: list[Authenticator] = []


def use_authenticator(authenticator: Authenticator) -> None:
    """Set what reads an `Authorization` header; the accounts app does, at start."""
    _authenticator[:] = [authenticator]


def identify(authorization: str) -> Principal | None:
    """The caller, or None for an anonymous one. Raises `ApiError` for a bad or lapsed token."""
    return _authenticator[0](authorization) if authorization and _authenticator else None
