"""The one guarded HTTP client: no address inside our own network is ever reached for a user.

Every name is resolved once, every answer checked, and the connection goes to the checked address (no second
lookup, so DNS cannot be changed in between). Redirects are not followed. Hosts in `PAIBAN_OUTBOUND_ALLOWED_HOSTS`
are exempt: that is how an operator reaches a model server in the own network.
"""

import asyncio
import ipaddress
import re
import socket
from functools import lru_cache
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from aiohttp.abc import AbstractResolver, ResolveResult
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError

CONNECT_SECONDS = 2.0
CONNECTIONS = 1000  # at once, of one process; how many an endpoint gets is its own limit

# `is_global` is true for these in one Python or another: wrappers of other addresses (NAT64, 6to4 and its relays,
# Teredo, IPv4-mapped), site-local, protocol assignments, documentation, segment routing.
_REFUSED = [
    ipaddress.ip_network(net)
    for net in (
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2002::/16",
        "192.88.99.0/24",
        "2001::/32",
        "::ffff:0:0/96",
        "fec0::/10",
        "192.0.0.0/24",
        "3fff::/20",
        "5f00::/16",
    )
]

# A host whose last label is a number is an address in another spelling (WHATWG URL, "ends in a number"): 2130706433,
# 0x7f.1, 0177.0.0.1. No domain ends so; which address it is depends on who reads it.
_NUMBER_LAST = re.compile(r"(?:^|\.)(?:0x[0-9a-f]*|[0-9]+)\.?$", re.IGNORECASE)


class AddressRefused(ApiError):
    code, reason, status = "CORE_2014", "E_ADDRESS_REFUSED", 422
    message = _(
        "%(host)s leads to an address inside this network. Add it to PAIBAN_OUTBOUND_ALLOWED_HOSTS if that is wanted."
    )


@lru_cache(maxsize=4096)
def is_public(address: str) -> bool:
    """Whether `address` is reachable on the public internet and wraps no other address."""
    ip = ipaddress.ip_address(address)
    if any(ip.version == net.version and ip in net for net in _REFUSED):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def is_exempt(host: str) -> bool:
    """Whether the installation allows `host` wherever it leads."""
    return host.lower() in {h.lower() for h in settings.OUTBOUND_ALLOWED_HOSTS}


class GuardedResolver(AbstractResolver):
    """Resolves names and refuses answers that are not public."""

    def __init__(self) -> None:
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if not is_exempt(host) and not all(is_public(answer["host"]) for answer in found):
            raise AddressRefused(host=host)
        return found

    async def close(self) -> None:
        await self._inner.close()


def check_literal(host: str) -> None:
    """Refuse a literal address that is not public, or not written as addresses are. Raises `AddressRefused`."""
    if _is_inside(host) and not is_exempt(host):
        raise AddressRefused(host=host)


@lru_cache(maxsize=4096)
def _is_inside(host: str) -> bool:
    """Whether `host` is a literal address that is not public, or looks like one in another spelling."""
    try:
        return not is_public(host.strip("[]").rstrip("."))
    except ValueError:
        return _NUMBER_LAST.search(host) is not None


def check_refused(error: aiohttp.InvalidURL) -> None:
    """Say why the client took an address for none, where it may lead inside. Raises `AddressRefused`.

    The client looks at the shape of an address before this module sees it, and names the host or the whole address.
    """
    named = str(error.url)
    try:
        host = urlsplit(named).hostname if "://" in named else named
    except ValueError:
        return
    if host:
        check_literal(host)


async def _refuse_literals(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Literal addresses skip the resolver, so they are checked before each request."""
    check_literal(request.url.host or "")
    return await handler(request)


_sessions: "WeakKeyDictionary[asyncio.AbstractEventLoop, aiohttp.ClientSession]" = WeakKeyDictionary()


def session() -> aiohttp.ClientSession:
    """The pooled client of the running loop."""
    loop = asyncio.get_running_loop()
    found = _sessions.get(loop)
    if found is None or found.closed:
        connector = aiohttp.TCPConnector(resolver=GuardedResolver(), limit=CONNECTIONS, ttl_dns_cache=30)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
        found = _sessions[loop] = aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,
            trust_env=False,
            middlewares=[_refuse_literals],
            cookie_jar=aiohttp.DummyCookieJar(),
        )
    return found
