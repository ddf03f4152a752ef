"""Where a URL leads, taken apart once."""

from dataclasses import dataclass
from functools import lru_cache

import aiohttp
from yarl import URL

SCHEMES = {"http", "https"}


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect to, and how a request to it begins."""

    host: str  # as the resolver takes it: IDNA, an IPv6 address without its brackets
    port: int
    tls: bool
    head: bytes  # the request line and the headers that are always the same

    @property
    def server(self) -> tuple[str, int, bool]:
        """What two addresses share when one connection serves both."""
        return self.host, self.port, self.tls


@lru_cache(maxsize=1024)
def address_of(method: str, url: str) -> Address:
    """Raises `aiohttp.InvalidURL`, a ValueError, for what is no http(s) URL or holds a name or password."""
    try:
        parsed = URL(url)
        host, port = parsed.raw_host, parsed.port
    except ValueError as exc:
        raise aiohttp.InvalidURL(url) from exc
    if parsed.scheme not in SCHEMES or not host or not port or parsed.raw_user or parsed.raw_password:
        raise aiohttp.InvalidURL(url)
    lines = (
        f"{method} {parsed.raw_path_qs} HTTP/1.1",
        f"Host: {parsed.host_port_subcomponent}",
        "User-Agent: paiban",
        "Accept: */*",
        "Accept-Encoding: gzip, deflate",
        "",
    )
    return Address(host, port, parsed.scheme == "https", "\r\n".join(lines).encode("ascii"))
