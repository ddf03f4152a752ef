"""No address of an endpoint reaches the inside, however it is written: listeners on this machine hear nothing."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from asgiref.sync import async_to_sync
from django.core.exceptions import ValidationError

from apps.core.errors import ApiError
from apps.core.http import AddressRefused, check_refused, session
from apps.providers.handlers import handlers
from apps.providers.models import Endpoint
from tests.conftest import Api
from tests.providers.builders import KEY, make_candidate, make_request

# What leads to this machine, to its network or to a cloud's metadata, in every spelling that some library reads.
INSIDE = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0X7F.0.0.1", "0x7f.0x0.0x0.0x1",
    "0177.0.0.1", "0177.1", "017700000001", "00000177.0.0.1", "127.0.0.1.", "2130706433.", "4294967297", "0", "0.0.0.0",
    "localhost", "LocalHost", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::1%25lo]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1%25eth0]", "10.0.0.1", "169.254.169.254",
    "2852039166", "0xa9fea9fe", "[::ffff:169.254.169.254]", "100.100.100.200", "192.168.0.1",
    "１２７.０.０.１", "127。0。0。1", "①②⑦.⓪.⓪.①", "ⓛocalhost", "%31%32%37.0.0.1",
]  # fmt: skip
# What is no address, or whose host is not what it seems.
TRICKS = [
    "example.com@127.0.0.1", "example.com:80@127.0.0.1", "1.1.1.1 &@127.0.0.1", "127.0.0.1#@example.com",
    "127.0.0.1\\@example.com", "127.0.0.1%23@example.com", "127.0.0.1%2f@example.com", "127.0.0.256", "[::1", "",
]  # fmt: skip


class Canary:
    """Listens on all addresses of this machine, and counts who comes."""

    def __init__(self) -> None:
        self.heard = 0
        self.port = 0

    async def come(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard += 1
        writer.close()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Canary"]:
        every = await asyncio.start_server(self.come, "", 0, family=socket.AF_INET)
        self.port = every.sockets[0].getsockname()[1]
        loop = await asyncio.start_server(self.come, "::1", self.port)
        try:
            yield self
        finally:
            await session().close()
            for server in (every, loop):
                server.close()


async def ask(url: str, *, secret: str | None = KEY) -> list[str]:
    """The codes that asking for models, for a chat and for a stream of one end in."""
    handler, candidate = handlers()["openai"], make_candidate(url)

    async def chat(stream: bool) -> None:
        async for _item in handler.chat(make_request(stream=stream), candidate, secret):
            pass

    return [await code(work) for work in (handler.models(url, secret, seconds=2), chat(False), chat(True))]


async def code(work: Any) -> str:
    with pytest.raises(ApiError) as failed:
        await work
    return failed.value.code


@pytest.mark.parametrize("scheme", ["http", "HtTpS"])
def test_ask__address_inside__is_refused_and_nobody_is_reached(settings, scheme):
    settings.OUTBOUND_ALLOWED_HOSTS = []

    async def work() -> tuple[dict[str, list[str]], int]:
        async with Canary().listening() as canary:
            return {host: await ask(f"{scheme}://{host}:{canary.port}/v1") for host in INSIDE}, canary.heard

    told, heard = async_to_sync(work)()

    assert heard == 0
    assert {host: codes for host, codes in told.items() if codes != ["CORE_2014"] * 3} == {}


@pytest.mark.parametrize("secret", [KEY, None])
def test_ask__address_that_is_none_or_seems_another__reaches_nobody(settings, monkeypatch, secret):
    settings.OUTBOUND_ALLOWED_HOSTS = []

    async def nowhere(*_given: Any) -> Any:
        raise OSError("not looked up in a test")

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", nowhere)

    async def work() -> tuple[dict[str, list[str]], int]:
        async with Canary().listening() as canary:
            found = {host: await ask(f"http://{host}:{canary.port}/v1", secret=secret) for host in TRICKS}
            return found, canary.heard

    told, heard = async_to_sync(work)()

    assert heard == 0
    assert {one for codes in told.values() for one in codes} <= {"CORE_2014", "PROVIDERS_5001"}
    if secret is None:  # with a key, the client finds two ways to sign in before it looks where to
        assert told["example.com@127.0.0.1"] == ["CORE_2014"] * 3


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_ask__answer_leads_inside__is_not_followed(settings, status):
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]  # the server itself; where it leads is not allowed

    async def work() -> tuple[list[list[str]], int, int]:
        asked: list[str] = []

        async def moved(request: web.Request) -> web.Response:
            asked.append(request.path)
            return web.Response(status=status, headers={"Location": targets[0]})

        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", moved)
        server = TestServer(app)
        await server.start_server()
        async with Canary().listening() as canary:
            hosts = ("localhost", "2130706433", "[::1]", "127.0.0.1")
            told = []
            for host in hosts:
                targets = [f"http://{host}:{canary.port}/inside"]
                told.append(await ask(f"http://127.0.0.1:{server.port}/v1"))
            await server.close()
            return told, canary.heard, len(asked)

    told, heard, asked = async_to_sync(work)()

    assert (told, heard, asked) == ([["PROVIDERS_5001"] * 3] * 4, 0, 12)


@pytest.mark.parametrize("named", ["http://127.0.0.1:80/x", "127.1", "http://2130706433/", "[::1]"])
def test_check_refused__client_took_it_for_no_address__is_told_as_ours(named):
    with pytest.raises(AddressRefused):
        check_refused(aiohttp.InvalidURL(named))


@pytest.mark.parametrize("named", ["http://", "http://[::1", "http:///x", "example.com", ""])
def test_check_refused__leads_nowhere__says_nothing(named):
    check_refused(aiohttp.InvalidURL(named))


@pytest.mark.parametrize("url", ["https://me:secret@example.com/v1", "https://example.com@127.0.0.1/v1"])
def test_save__name_or_password_in_the_address__is_refused_and_nothing_kept(operator, url):
    body = {"key": "x", "name": "X", "handler": "openai", "base_url": url}

    answer = Api(operator).post("/api/v1/admin/providers", json=body)
    with pytest.raises(ValidationError) as refused:
        Endpoint(key="x", name="X", handler_key="openai", base_url=url).full_clean()

    assert (answer.status_code, answer.json()["details"]["errors"][0]["pointer"]) == (400, "/base_url")
    assert set(refused.value.error_dict) == {"base_url"}
    assert not Endpoint.objects.exists()
