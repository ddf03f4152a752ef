"""What a key may do: which features and models, from where, and whether in the administration."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

Network = IPv4Network | IPv6Network
MOST = 200  # entries of one list
LONGEST = 200  # characters of one entry


@dataclass(frozen=True)
class Scopes:
    """None for features or models stands for all; no networks for anywhere."""

    features: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    ips: tuple[str, ...] = ()
    admin: bool = False

    def as_dict(self) -> dict[str, Any]:
        """As it is stored, and as the API shows it."""
        return {
            "features": None if self.features is None else list(self.features),
            "models": None if self.models is None else list(self.models),
            "ips": list(self.ips),
            "admin": self.admin,
        }


def scopes(
    *,
    features: Iterable[str] | None = None,
    models: Iterable[str] | None = None,
    ips: Iterable[str] = (),
    admin: bool = False,
) -> Scopes:
    """Sound scopes, every list without doubles. Raises Django's `ValidationError` by field."""
    return Scopes(
        features=None if features is None else _names("features", features),
        models=None if models is None else _names("models", models),
        ips=tuple(dict.fromkeys(str(_network(text)) for text in _names("ips", ips))),
        admin=admin,
    )


def _names(field: str, given: Iterable[str]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in given if name.strip()))
    if len(names) > MOST or any(len(name) > LONGEST for name in names):
        words = _("At most %(most)s entries of at most %(longest)s characters.")
        raise ValidationError({field: ValidationError(words, code="max", params={"most": MOST, "longest": LONGEST})})
    return names


def _network(text: str) -> Network:
    try:
        return ip_network(text, strict=False)
    except ValueError as exc:
        words = _("“%(text)s” is no address and no network, such as 192.0.2.7 or 2001:db8::/32.")
        raise ValidationError({"ips": ValidationError(words, code="network", params={"text": text})}) from exc


def networks(ips: Iterable[str]) -> tuple[Network, ...]:
    """The networks that a stored scope names."""
    return tuple(ip_network(text) for text in ips)


@lru_cache(maxsize=4_096)  # the same callers come from the same places; parsing costs more than the rest of the check
def is_within(address: str, allowed: tuple[Network, ...]) -> bool:
    """Whether `address` is in one of the networks. IPv4 written as IPv6 is IPv4; what is no address is nowhere."""
    try:
        found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return any((mapped or found) in network or found in network for network in allowed)
