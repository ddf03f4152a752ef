"""No row's address reaches the inside, however it is written: a listener on this machine hears nothing."""

import asyncio
import socket
from typing import Any

import aiohttp
import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ValidationError

from apps.core.errors import ApiError
from apps.core.http import AddressRefused
from apps.mcp import client, services
from apps.mcp.models import Server
from apps.mcp.sessions import Session
from apps.mcp.target import Credential, Target

HOSTS = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001",
    "0.0.0.0", "0", "localhost", "LOCALHOST", "localhost.", "ip6-localhost",
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::7f00:1]",
    "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fec0::1]", "[fc00::1]",
    "[fe80::1]", "[ff02::1]", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1",
    "192.0.0.9", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
]  # fmt: skip
SCHEMES = {"http": "http", "sse": "http", "ws": "ws"}


class Canary:
    """Listens on all addresses of this machine, and counts who comes."""

    def __init__(self) -> None:
        self.heard = 0
        self.server: Any = None

    async def __aenter__(self) -> "Canary":
        async def come(reader: Any, writer: Any) -> None:
            self.heard += 1
            writer.close()

        self.server = await asyncio.start_server(come, "", 0, family=socket.AF_INET)
        return self

    async def __aexit__(self, *args: object) -> None:
        self.server.close()

    @property
    def port(self) -> int:
        port: int = self.server.sockets[0].getsockname()[1]
        return port


async def refused(transport: str, url: str) -> ApiError:
    """What opening a session to `url` ends in."""
    session = Session(Target("raw", transport, url=url), client.fixed(Credential(token="tok-1234567890")))
    with pytest.raises(ApiError) as failed:
        await session.client()
    await session.close()
    return failed.value


@pytest.mark.parametrize("transport", SCHEMES)
def test_open__address_inside__nobody_is_reached(settings, transport):
    settings.OUTBOUND_ALLOWED_HOSTS = []

    async def work() -> tuple[dict[str, type], int]:
        async with Canary() as canary:
            told = {
                host: type(await refused(transport, f"{SCHEMES[transport]}://{host}:{canary.port}/mcp"))
                for host in HOSTS
            }
            return told, canary.heard

    told, heard = async_to_sync(work)()

    assert heard == 0
    wrong = {host: kind.__name__ for host, kind in told.items() if kind is not AddressRefused}
    # Names that this machine does not know, and an address that the HTTP library takes for none, lead nowhere.
    assert {host for host in wrong if host not in ("ip6-localhost", "localhost.", "0177.0.0.1")} == set()


@pytest.mark.parametrize("transport", SCHEMES)
def test_open__name_that_changes_its_address__is_asked_once_and_the_answer_used(settings, monkeypatch, transport):
    settings.OUTBOUND_ALLOWED_HOSTS = []
    asked: list[str] = []

    async def rebinding(self: Any, host: str, port: int = 0, family: Any = None) -> Any:
        asked.append(host)
        address = "203.0.114.1" if len(asked) == 1 else "127.0.0.1"
        return [{"hostname": host, "host": address, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}]

    async def no_route(*args: Any, **kwargs: Any) -> Any:
        connected.append(args)
        raise OSError("no route")

    connected: list[Any] = []
    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", rebinding)

    async def work() -> int:
        async with Canary() as canary:
            loop = asyncio.get_running_loop()
            monkeypatch.setattr(loop, "sock_connect", no_route)
            monkeypatch.setattr("anyio.connect_tcp", no_route)
            await refused(transport, f"{SCHEMES[transport]}://evil.example:{canary.port}/mcp")
            return canary.heard

    assert async_to_sync(work)() == 0
    assert asked[:1] == ["evil.example"]
    assert all("127.0.0.1" not in str(one) for one in connected[:1])
    assert len(connected) == 1


@pytest.mark.parametrize(
    ("transport", "url"),
    [
        ("http", ""),
        ("http", "file:///etc/passwd"),
        ("http", "gopher://example.com/"),
        ("http", "ws://example.com/"),
        ("ws", "https://example.com/"),
        ("sse", "unix:///run/docker.sock"),
        ("http", "http://"),
        ("http", "http:///mcp"),
        ("http", "http://example.com:0/"),
        ("http", "http://example.com:99999/"),
        ("http", "http://user:pass@example.com/"),
        ("http", "http://example.com@127.0.0.1/"),
        ("http", "http://example.com/ HTTP/1.1\r\nX: y"),
        ("http", "http://exam ple.com/"),
        ("http", "http://example。com/"),
        ("http", "http://example.com/#x"),
        ("http", "http://[::1"),
    ],
)
def test_clean__url_that_is_none_of_a_server__is_refused(db, transport, url):
    with pytest.raises(ValidationError) as failed:
        services.create_server("x", {"name": "x", "transport": transport, "url": url}, by=None)

    assert set(failed.value.error_dict) == {"url"}
    assert not Server.objects.exists()


@pytest.mark.parametrize("header", ["Host", "content-length", "X\r\nY", "", "Ä", "a b", "x" * 65])
def test_clean__header_that_would_change_the_request__is_refused(db, header):
    fields = {"name": "x", "transport": "http", "url": "https://example.com/mcp", "token_header": header}

    with pytest.raises(ValidationError) as failed:
        services.create_server("x", fields, by=None)

    assert set(failed.value.error_dict) == {"token_header"}


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "tok\x00", "tök", "tok\n"])
def test_token__that_could_end_the_header__is_refused_and_nothing_kept(db, token):
    fields = {"name": "x", "transport": "http", "url": "https://example.com/mcp"}

    with pytest.raises(ValidationError):
        services.create_server("x", fields, token=token, by=None)

    assert not Server.objects.exists()
