"""The guarded client: no address inside our own network, however it is written."""

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from asgiref.sync import async_to_sync

from apps.core.http import AddressRefused, GuardedResolver, check_literal, is_exempt, is_public, session

PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "203.0.114.1", "2606:4700::1111", "2a00:1450:4001:830::200e"]
INSIDE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "192.0.0.1",
    "192.0.0.9",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:100.64.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "3fff::1",
    "fc00::1",
    "fd12:3456:789a::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "100::1",
    "5f00::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_is_public__internet__is_true(address):
    assert is_public(address)


@pytest.mark.parametrize("address", INSIDE)
def test_is_public__inside_or_a_wrapper__is_false(address):
    assert not is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "::1", "169.254.169.254", "[::ffff:10.0.0.1]"])
def test_check_literal__inside__is_refused(host):
    with pytest.raises(AddressRefused):
        check_literal(host)


@pytest.mark.parametrize("host", ["", "example.com", "8.8.8.8", "127.0.0.1.example.com"])
def test_check_literal__name_or_public__passes(host):
    check_literal(host)


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1"])
def test_resolve__name_that_leads_inside__is_refused(host):
    async def resolve() -> None:
        await GuardedResolver().resolve(host, 80)

    with pytest.raises(AddressRefused):
        async_to_sync(resolve)()


def test_resolve__one_of_several_answers_inside__is_refused(monkeypatch):
    async def answers(*_args: object) -> list[dict[str, str]]:
        return [{"host": "8.8.8.8"}, {"host": "10.0.0.1"}]

    async def resolve() -> None:
        resolver = GuardedResolver()
        monkeypatch.setattr(resolver._inner, "resolve", answers)
        await resolver.resolve("rebinding.example", 80)

    with pytest.raises(AddressRefused):
        async_to_sync(resolve)()


def ask(host: str = "127.0.0.1", path: str = "/") -> tuple[int, int]:
    """The answer's status, and how many requests reached a real server on 127.0.0.1."""
    reached = []

    async def answer(request: web.Request) -> web.Response:
        reached.append(request.path)
        return web.Response(status=302, headers={"Location": f"http://127.0.0.1:{server.port}/inside"})

    async def work() -> tuple[int, int]:
        nonlocal server
        app = web.Application()
        app.router.add_get("/{tail:.*}", answer)
        server = TestServer(app)
        await server.start_server()
        client = session()
        try:
            async with client.get(f"http://{host}:{server.port}{path}", allow_redirects=False) as response:
                return response.status, len(reached)
        except (AddressRefused, aiohttp.InvalidURL):  # the second: aiohttp itself refuses odd spellings
            return 0, len(reached)
        finally:
            await client.close()
            await server.close()

    server: TestServer
    return async_to_sync(work)()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "127.1", "[::ffff:7f00:1]"])
def test_request__loopback__is_refused_and_never_sent(host):
    assert ask(host) == (0, 0)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_request__listed_host__goes_through(settings, host):
    settings.OUTBOUND_ALLOWED_HOSTS = [host.upper()]

    assert ask(host) == (302, 1)


def test_request__other_host_listed__is_refused(settings):
    settings.OUTBOUND_ALLOWED_HOSTS = ["models.example", "127.0.0.2"]

    assert (is_exempt("127.0.0.1"), ask()) == (False, (0, 0))


def test_session__one_loop__is_shared_and_reads_no_environment():
    async def work() -> tuple[bool, bool, type]:
        client = session()
        again = session()
        await client.close()
        fresh = session()
        await fresh.close()
        return client is again, fresh is client, type(client), client.trust_env  # type: ignore[return-value]

    assert async_to_sync(work)() == (True, False, aiohttp.ClientSession, False)
