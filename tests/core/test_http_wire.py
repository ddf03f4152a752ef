"""Requests on connections of our own, against servers that answer well, badly, late and never."""

import asyncio
import gzip
import ssl
import zlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from asgiref.sync import async_to_sync
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from apps.core import http_wire
from apps.core.http import AddressRefused, GuardedResolver
from apps.core.http_wire import AnswerCut, AnswerMalformed, NameUnknown, Pool, ServerUnreachable
from apps.core.http_wire import pool as pools
from apps.core.http_wire.address import address_of
from apps.core.http_wire.answer import HIGH_WATER, Answer
from apps.core.http_wire.connection import LARGEST_HEAD, Connection
from apps.core.http_wire.naming import Names

Serve = Callable[["Heard"], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
PACKED = b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n%b"


@pytest.fixture(autouse=True)
def servers_here(settings):
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1", "localhost", "models.example"]


class Heard:
    """A connection as its server sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.reader, self.writer, self.number = reader, writer, number

    async def request(self) -> tuple[str, bytes]:
        """The head and the body; raises `IncompleteReadError` once the client is gone."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        length = next((line.split(":")[1] for line in head.splitlines() if line.startswith("Content-Length:")), "0")
        return head, await self.reader.readexactly(int(length))

    async def say(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0)


class Server:
    """Does what `serve` does with each connection, and counts them."""

    def __init__(self, serve: Serve, *, tls: ssl.SSLContext | None = None) -> None:
        self._serve, self._tls, self.connections = serve, tls, 0

    async def __aenter__(self) -> "Server":
        self._server = await asyncio.start_server(self._handle, "127.0.0.1", 0, ssl=self._tls)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1/chat?a=b"
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._server.close()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._serve(Heard(reader, writer, self.connections))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def answering(*pieces: bytes) -> Serve:
    """Every request is answered with `pieces`."""

    async def serve(heard: Heard) -> None:
        while True:
            await heard.request()
            await heard.say(*pieces)

    return serve


def closing(*pieces: bytes) -> Serve:
    """The first request is answered with `pieces`, and the connection closed."""

    async def serve(heard: Heard) -> None:
        await heard.request()
        await heard.say(*pieces)

    return serve


async def read(answer: Answer) -> bytes:
    return b"".join([piece async for piece in answer])


async def posted(pool: Pool, url: str, body: bytes = b"{}", *, seconds: float = 10.0) -> tuple[int, bytes]:
    answer = await pool.ask("POST", url, {"Authorization": "Bearer k"}, body, seconds=seconds)
    return answer.status, await read(answer)


def once(serve: Serve, *, seconds: float = 10.0) -> tuple[int, bytes]:
    """What one request to such a server gives."""

    async def work() -> tuple[int, bytes]:
        async with Server(serve) as server:
            return await posted(Pool(), server.url, seconds=seconds)

    return async_to_sync(work)()


def test_post__one_after_another__use_one_connection_and_say_what_was_given():
    heads = []

    async def serve(heard: Heard) -> None:
        while True:
            head, body = await heard.request()
            heads.append(head)
            await heard.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    async def work() -> tuple[list[tuple[int, bytes]], int, str]:
        async with Server(serve) as server:
            pool = Pool()
            found = [await posted(pool, server.url, body) for body in (b"{}", b"x" * 300_000, b"")]
            return found, server.connections, server.url

    found, connections, url = async_to_sync(work)()

    assert (found, connections) == ([(200, b"{}"), (200, b"x" * 300_000), (200, b"")], 1)
    assert heads[0].splitlines()[:2] == ["POST /v1/chat?a=b HTTP/1.1", f"Host: {url.split('/')[2]}"]
    assert {"Authorization: Bearer k", "Content-Length: 2"} <= set(heads[0].splitlines())


def test_get__has_no_body__and_no_length():
    heads = []

    async def serve(heard: Heard) -> None:
        heads.append((await heard.request())[0])
        await heard.say(OK)

    async def work() -> bytes:
        async with Server(serve) as server:
            return await read(await http_wire.get(server.url, {}, seconds=10.0))

    assert async_to_sync(work)() == b"hi"
    assert heads[0].startswith("GET /v1/chat?a=b HTTP/1.1\r\n")
    assert "Content-Length" not in heads[0]


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK, b"hi"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\n1\r\n!\r\n0\r\nTrailer: t\r\n\r\n",
            b"hi!",
        ),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, b"hi"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (PACKED % (b"gzip", len(gzip.compress(b"hi" * 9)), gzip.compress(b"hi" * 9)), b"hi" * 9),
        (PACKED % (b"deflate", len(zlib.compress(b"hi" * 9)), zlib.compress(b"hi" * 9)), b"hi" * 9),
        (PACKED % (b"deflate", len(zlib.compress(b"hi" * 9)) - 6, zlib.compress(b"hi" * 9)[2:-4]), b"hi" * 9),
        (PACKED % (b"identity", 2, b"hi"), b"hi"),
    ],
    ids=["length", "chunked", "until closed", "1.0", "informational", "no content", "gzip", "deflate", "bare", "plain"],
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_answer__in_pieces_of_any_size__is_the_same(answer, body, size):
    pieces = [answer[at : at + size] for at in range(0, len(answer), size)]

    assert once(closing(*pieces))[1] == body


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", AnswerCut),
        (b"HTTP/1.1 200 OK\r\n", AnswerCut),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", AnswerCut),
        (CHUNKED + b"2\r\nhi\r\n", AnswerCut),
        (b"SSH-2.0-OpenSSH_9.6\r\n", AnswerMalformed),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhi", AnswerMalformed),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nhi", AnswerMalformed),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * LARGEST_HEAD, AnswerMalformed),
        (PACKED % (b"zstd", 2, b"hi"), AnswerMalformed),
        (PACKED % (b"gzip", 2, b"hi"), AnswerMalformed),
        (PACKED % (b"gzip", 10, gzip.compress(b"hi")[:10]), AnswerCut),
        (PACKED % (b"gzip", 24, gzip.compress(b"hi", mtime=0) + b"more"), AnswerMalformed),
    ],
)
def test_answer__that_is_none__is_told_apart(answer, error):
    with pytest.raises(error):
        once(closing(answer))


def test_answer__cut_after_a_piece__gives_the_piece_first():
    async def work() -> list[bytes]:
        found = []
        async with Server(closing(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi")) as server:
            answer = await Pool().ask("POST", server.url, {}, b"", seconds=10.0)
            found.append(await anext(answer))
            with pytest.raises(AnswerCut):
                await anext(answer)
        return found

    assert async_to_sync(work)() == [b"hi"]


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"], ids=["head", "body"])
def test_answer__that_does_not_go_on__is_a_timeout_and_ends_the_connection(answer):
    gone = asyncio.Event()

    async def serve(heard: Heard) -> None:
        await heard.request()
        await heard.say(answer)
        await heard.reader.read()
        gone.set()

    async def work() -> None:
        async with Server(serve) as server:
            with pytest.raises(TimeoutError):
                await posted(Pool(), server.url, seconds=0.2)
            await asyncio.wait_for(gone.wait(), 10)

    async_to_sync(work)()


def test_ask__caller_gives_up__ends_the_connection_and_gives_its_place_back(monkeypatch):
    monkeypatch.setattr(pools, "CONNECTIONS", 1)
    asked, gone = asyncio.Event(), asyncio.Event()

    async def serve(heard: Heard) -> None:
        await heard.request()
        if heard.number > 1:
            await heard.say(OK)
            return
        asked.set()
        await heard.reader.read()
        gone.set()

    async def work() -> tuple[int, bytes]:
        async with Server(serve) as server:
            pool = Pool()
            asking = asyncio.ensure_future(posted(pool, server.url))
            await asyncio.wait_for(asked.wait(), 10)
            asking.cancel()
            await asyncio.wait_for(gone.wait(), 10)
            return await posted(pool, server.url)

    assert async_to_sync(work)() == (200, b"hi")


def test_ask__no_place_left__waits_for_one_but_not_longer_than_its_time(monkeypatch):
    monkeypatch.setattr(pools, "CONNECTIONS", 1)
    let_go = asyncio.Event()

    async def serve(heard: Heard) -> None:
        while True:
            await heard.request()
            await heard.say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
            await let_go.wait()
            await heard.say(b"hi")

    async def work() -> tuple[list[bytes], int]:
        async with Server(serve) as server:
            pool = Pool()
            first = await pool.ask("POST", server.url, {}, b"", seconds=10.0)
            with pytest.raises(TimeoutError):
                await posted(pool, server.url, seconds=0.1)
            second = asyncio.ensure_future(posted(pool, server.url))
            await asyncio.sleep(0)
            let_go.set()
            return [await read(first), (await second)[1]], server.connections

    assert async_to_sync(work)() == ([b"hi", b"hi"], 1)


@pytest.mark.parametrize(
    "serve",
    [
        closing(OK),
        answering(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"),
        answering(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"),
    ],
    ids=["closed after it", "says it closes", "says more than asked"],
)
def test_connection__that_cannot_serve_again__is_not_used_again(serve):
    async def work() -> tuple[list[tuple[int, bytes]], int]:
        async with Server(serve) as server:
            pool, found = Pool(), []
            for _ in range(3):
                found.append(await posted(pool, server.url))
                await asyncio.sleep(0.05)  # the server's closing is on its way
            return found, server.connections

    assert async_to_sync(work)() == ([(200, b"hi")] * 3, 3)


def test_connection__answered_before_the_request_was_heard__is_not_used_again():
    async def serve(heard: Heard) -> None:
        await heard.reader.readuntil(b"\r\n\r\n")
        await heard.say(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        await asyncio.sleep(5)

    async def work() -> tuple[list[tuple[int, bytes]], int]:
        async with Server(serve) as server:
            pool = Pool()
            return [await posted(pool, server.url, b"x" * 30_000_000) for _ in range(2)], server.connections

    assert async_to_sync(work)() == ([(413, b"no")] * 2, 2)


def test_connection__idle_for_long__is_closed(monkeypatch):
    monkeypatch.setattr(pools, "KEPT_SECONDS", 0.05)
    gone = asyncio.Event()

    async def serve(heard: Heard) -> None:
        await heard.request()
        await heard.say(OK)
        assert await heard.reader.read() == b""
        gone.set()

    async def work() -> dict[object, object]:
        async with Server(serve) as server:
            pool = Pool()
            await posted(pool, server.url)
            await asyncio.wait_for(gone.wait(), 10)
            return dict(pool._free)

    assert async_to_sync(work)() == {}


def test_answer__nobody_reads__stops_the_server_instead_of_filling_the_memory():
    whole = 200 * HIGH_WATER
    full = asyncio.Event()

    async def serve(heard: Heard) -> None:
        await heard.request()
        await heard.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % whole)
        asyncio.get_running_loop().call_later(0.5, full.set)  # by then it would all be there
        for _ in range(200):
            await heard.say(b"x" * HIGH_WATER)

    async def work() -> tuple[int, int]:
        async with Server(serve) as server:
            answer = await Pool().ask("POST", server.url, {}, b"", seconds=30.0)
            await asyncio.wait_for(full.wait(), 20)
            most = answer._size
            return most, sum([len(piece) async for piece in answer])

    most, read_in_all = async_to_sync(work)()

    assert most < 3 * HIGH_WATER
    assert read_in_all == whole


def test_answer__small_and_huge_once_unpacked__comes_in_bounded_pieces():
    packed = gzip.compress(bytes(64 * 1024 * 1024))

    async def work() -> tuple[int, int]:
        async with Server(closing(PACKED % (b"gzip", len(packed), packed))) as server:
            answer = await Pool().ask("POST", server.url, {}, b"", seconds=30.0)
            sizes = [len(piece) async for piece in answer]
            return max(sizes), sum(sizes)

    assert async_to_sync(work)() == (1024 * 1024, 64 * 1024 * 1024)


def test_ask__name_that_leads_inside__is_refused_and_nobody_is_reached(settings, monkeypatch):
    settings.OUTBOUND_ALLOWED_HOSTS = []

    async def inside(*_given: object, **_more: object) -> list[dict[str, object]]:
        return [{"host": "127.0.0.1", "port": 1, "family": 2}]

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", inside)

    async def work() -> int:
        async with Server(answering(OK)) as server:
            port = server.url.split(":")[2].split("/")[0]
            for host in ("127.0.0.1", "2130706433", "models.example", "[::1]"):
                with pytest.raises((AddressRefused, aiohttp.InvalidURL)):
                    await posted(Pool(), f"http://{host}:{port}/")
            return server.connections

    assert async_to_sync(work)() == 0


def test_names__many_ask_at_once__are_looked_up_once(monkeypatch):
    asked = []

    async def resolve(_self: object, host: str, port: int = 0, *_more: object) -> list[dict[str, object]]:
        asked.append(host)
        await asyncio.sleep(0.01)
        return [{"host": "127.0.0.1", "port": port, "family": 2}]

    monkeypatch.setattr(GuardedResolver, "resolve", resolve)

    async def work() -> list[tuple[int, bytes]]:
        async with Server(answering(OK)) as server:
            pool, url = Pool(), server.url.replace("127.0.0.1", "models.example")
            return await asyncio.gather(*[posted(pool, url) for _ in range(20)])

    assert async_to_sync(work)() == [(200, b"hi")] * 20
    assert asked == ["models.example"]


def test_names__both_families__are_told_as_sockets_take_them(monkeypatch):
    async def resolve(_self: object, host: str, port: int = 0, *_more: object) -> list[dict[str, object]]:
        return [{"host": address, "port": port} for address in ("2606:4700::1", "1.1.1.1")]

    monkeypatch.setattr(GuardedResolver, "resolve", resolve)

    async def work() -> list[object]:
        return [info[-1] for info in await Names(asyncio.get_running_loop()).addresses("models.example", 443)]

    assert async_to_sync(work)() == [("2606:4700::1", 443, 0, 0), ("1.1.1.1", 443)]


def test_ask__nobody_knows_the_name_or_listens__is_told_apart():
    async def work() -> None:
        with pytest.raises(NameUnknown):
            await posted(Pool(), "http://no-such-host.invalid/")
        async with Server(answering(OK)) as server:
            url = server.url
        with pytest.raises(ServerUnreachable):
            await posted(Pool(), url)

    async_to_sync(work)()


def test_ask__server_that_does_not_speak_tls__is_unreachable():
    async def serve(heard: Heard) -> None:
        await heard.say(b"220 mail.example ESMTP\r\n")
        await heard.reader.read()

    async def work() -> None:
        async with Server(serve) as server:
            with pytest.raises(ServerUnreachable):
                await posted(Pool(), server.url.replace("http:", "https:"))

    async_to_sync(work)()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """A certificate of its own for localhost, and its key, in one file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    pem = serialization.Encoding.PEM
    path: Path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        made.sign(key, hashes.SHA256()).public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.mark.parametrize(
    ("host", "trusted", "outcome"),
    [
        ("localhost", True, (200, b"hi")),
        ("localhost", False, "CERTIFICATE_VERIFY_FAILED"),
        ("127.0.0.1", True, "CERTIFICATE_VERIFY_FAILED"),
    ],
    ids=["trusted", "not trusted", "another name"],
)
def test_ask__tls__certificate_decides(certificate, host, trusted, outcome, monkeypatch):
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    theirs.load_cert_chain(certificate)
    if trusted:
        ours = ssl.create_default_context(cafile=str(certificate))
        monkeypatch.setattr(pools, "_tls", lambda: ours)

    async def work() -> object:
        async with Server(answering(OK), tls=theirs) as server:
            pool, url = Pool(), server.url.replace("http://127.0.0.1", f"https://{host}")
            try:
                found = [await posted(pool, url) for _ in range(3)]
            except ServerUnreachable as exc:
                return str(exc)
            assert server.connections == 1
            return found[-1]

    found = async_to_sync(work)()

    assert found == outcome if trusted and host == "localhost" else outcome in found


@pytest.mark.parametrize("url", ["", "no url", "ftp://a/b", "http://", "http:///x", "http://u:p@a.example/", "//a/b"])
def test_address_of__no_address__is_refused(url):
    with pytest.raises(aiohttp.InvalidURL):
        address_of("POST", url)


def test_address_of__odd_but_right__is_what_the_server_expects():
    address = address_of("GET", "https://Bücher.example/a b/ü?q=1 2#part")

    assert (address.host, address.port, address.tls) == ("xn--bcher-kva.example", 443, True)
    assert address.head.startswith(b"GET /a%20b/%C3%BC?q=1+2 HTTP/1.1\r\nHost: xn--bcher-kva.example\r\n")
    assert address_of("GET", "http://[2606:4700::1]:81/").head.split(b"\r\n")[1] == b"Host: [2606:4700::1]:81"


@pytest.mark.parametrize(("name", "value"), [("a", "b\r\nc: d"), ("a\r\nb", "c"), ("a b", "c"), ("", "c"), ("a", "\0")])
def test_ask__header_with_a_line_of_its_own__is_not_sent(name, value):
    async def work() -> int:
        async with Server(answering(OK)) as server:
            with pytest.raises(ValueError, match="header"):
                await Pool().ask("POST", server.url, {name: value}, b"", seconds=10.0)
            return server.connections

    assert async_to_sync(work)() == 0


class _Nowhere:
    """An owner that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def give_back(self, _connection: Connection) -> None:
        self.told.append("free")

    def forget(self, _connection: Connection) -> None:
        self.told.append("gone")


class _Wire(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.closed = False

    def write(self, data: object) -> None: ...
    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return 0


@given(
    st.lists(st.binary(max_size=40) | st.sampled_from([OK, OK[:20], OK[20:], b"\r\n\r\n", b"0\r\n\r\n"]), max_size=8)
)
def test_connection__whatever_a_server_says__never_breaks_and_frees_itself_once(pieces):
    owner, wire = _Nowhere(), _Wire()
    connection = Connection(owner, ("a", 1, False))
    connection.connection_made(wire)
    answer = connection.ask(b"", b"")

    for piece in pieces:
        if not wire.closed:
            connection.data_received(piece)
    connection.connection_lost(None)

    assert owner.told.count("free") <= 1
    assert owner.told[-1] == "gone"
    assert answer.is_whole or answer._error is not None
