"""The hot lane's own parts: conditional requests, compression, bodies in and out, methods."""

import asyncio
import gzip
import threading

import httpx
import pytest
from asgiref.sync import async_to_sync
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from apps.core.errors import ApiError, NotFound
from apps.core.lane import app, body
from apps.core.lane.app import HotRoute
from apps.core.lane.bodies import SMALLEST_PACKED, Bodies, packed
from apps.core.lane.conditional import is_any, tags_of, takes_gzip


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        ("", set()),
        ('"a"', {'"a"'}),
        ('W/"a"', {'"a"'}),
        ('"a", W/"b" ,"c"', {'"a"', '"b"', '"c"'}),
        (', "a",, "b",', {'"a"', '"b"'}),
        ('"a,b"', {'"a,b"'}),
        ('""', {'""'}),
        ("a", set()),
        ('"a', set()),
        ('w/"a"', set()),
        ('"a" "b"', set()),
        ('"a", b, "c"', {'"a"'}),
        ("*", set()),
    ],
)
def test_tags_of__header__has_these_tags(header, tags):
    assert tags_of(header) == tags


@pytest.mark.parametrize(
    ("header", "wanted"), [("*", True), (" * ", True), ("", False), ('"*"', False), ("*, *", False)]
)
def test_is_any__header__is_the_star_alone(header, wanted):
    assert is_any(header) is wanted


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("deflate, gzip;q=1.0, *;q=0.5", True),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("gzip; q=0.001", True),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("identity", False),
        ("identity;q=1, gzip;q=0.5", False),
        ("identity;q=0.5, gzip;q=0.5", True),
        ("identity;q=0, gzip;q=0.1", True),
        ("gzip;q=2", False),
        ("gzip;level=9", False),
        (",,;q=1", False),
    ],
)
def test_takes_gzip__header__is_obeyed(header, wanted):
    assert takes_gzip(header) is wanted


def test_packed__few_bytes__stay_as_they_are():
    few, many = packed(b"x" * SMALLEST_PACKED), packed(b"x" * (SMALLEST_PACKED + 1))

    assert few.packed is None
    assert many.packed == packed(many.plain).packed  # no time of day in it
    assert gzip.decompress(many.packed or b"") == many.plain


def test_bodies__many_callers_at_once__one_builds():
    built: list[int] = []
    may_go_on = threading.Event()

    def build() -> bytes:
        built.append(1)
        may_go_on.wait(10)
        return b"body"

    async def ask() -> set[bytes]:
        bodies = Bodies(4)
        callers = [asyncio.create_task(bodies.get("a", build)) for _number in range(50)]
        await asyncio.sleep(0)
        callers[0].cancel()  # takes the body from nobody
        may_go_on.set()
        return {one.plain for one in await asyncio.gather(*callers[1:])}

    assert asyncio.run(ask()) == {b"body"}
    assert built == [1]


def test_bodies__full__drops_the_longest_unread():
    async def fill() -> list[bytes]:
        bodies, built = Bodies(2), []

        def builds(name: str):  # type: ignore[no-untyped-def]
            return lambda: built.append(name) or name.encode()  # type: ignore[func-returns-value]

        for name in ("a", "b", "a", "c", "a", "b"):
            await bodies.get(name, builds(name))
        assert len(bodies) == 2
        return built

    assert asyncio.run(fill()) == ["a", "b", "c", "b"]


def test_bodies__build_fails__next_caller_tries_again():
    def fail() -> bytes:
        raise NotFound()

    async def ask() -> bytes:
        bodies = Bodies(2)
        with pytest.raises(NotFound):
            await bodies.get("a", fail)
        return (await bodies.get("a", lambda: b"now")).plain

    assert asyncio.run(ask()) == b"now"


# --- a route that takes a body ----------------------------------------------------------------


async def echo(request: Request) -> Response:
    return JSONResponse({"got": await body.read_json(request)})


def speak_otherwise(request: Request, error: ApiError) -> Response:
    return JSONResponse({"sorry": error.code}, status_code=error.status)


@pytest.fixture
def lane(monkeypatch):
    routes = [
        HotRoute("/echo", echo, "public", methods=("POST",)),
        HotRoute("/own", echo, "public", methods=("POST",), refusal=speak_otherwise),
        HotRoute("/plain", echo, "public"),
    ]
    monkeypatch.setattr(app, "routes", routes)
    return app.build()


def send(lane, method: str, path: str, **kwargs) -> httpx.Response:  # type: ignore[no-untyped-def]
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=lane)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            return await client.request(method, path, **kwargs)

    return async_to_sync(ask)()


JSON = {"Content-Type": "application/json"}


def test_post__json__is_read(lane):
    answer = send(
        lane, "POST", "/echo", content=b'{"a": [1]}', headers={"Content-Type": "Application/JSON; charset=utf-8"}
    )

    assert (answer.status_code, answer.json()) == (200, {"got": {"a": [1]}})


@pytest.mark.parametrize(
    ("content", "media", "status", "code"),
    [
        (b"{}", "text/plain", 415, "CORE_2005"),
        (b"{}", "", 415, "CORE_2005"),
        (b"", "application/json", 400, "CORE_2000"),
        (b"{", "application/json", 400, "CORE_2000"),
        (b"\xff", "application/json", 400, "CORE_2000"),
        (b"[" * 60_000, "application/json", 400, "CORE_2000"),
        (b'"' + b"x" * body.LARGEST + b'"', "application/json", 413, "CORE_2008"),
    ],
)
def test_post__bad_body__is_refused_in_the_one_shape(lane, content, media, status, code):
    answer = send(lane, "POST", "/echo", content=content, headers={"Content-Type": media} if media else {})

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["requestId"] == answer.headers["X-Request-Id"]


def test_post__largest_body__is_taken(lane):
    content = b'"' + b"x" * (body.LARGEST - 2) + b'"'

    assert send(lane, "POST", "/echo", content=content, headers=JSON).status_code == 200


def test_post__no_length_said__is_cut_off_all_the_same(lane):
    sent: list[int] = []

    async def endless():  # type: ignore[no-untyped-def]
        for _number in range(1000):
            sent.append(1)
            yield b" " * 10_000

    answer = send(lane, "POST", "/echo", content=endless(), headers=JSON)

    assert answer.status_code == 413


def test_route__method_it_does_not_serve__405_and_says_which_it_does(lane):
    posted, read = send(lane, "GET", "/echo"), send(lane, "POST", "/plain")

    assert (posted.status_code, posted.headers["Allow"]) == (405, "POST")
    assert (read.status_code, read.headers["Allow"]) == (405, "GET, HEAD")


def test_route__shape_of_its_own__is_used_for_every_refusal(lane):
    answers = [send(lane, "GET", "/own"), send(lane, "POST", "/own", content=b"{", headers=JSON)]
    token = send(lane, "POST", "/own", content=b"{}", headers={**JSON, "Authorization": "Bearer x"})

    assert [a.json() for a in [*answers, token]] == [
        {"sorry": "CORE_2004"},
        {"sorry": "CORE_2000"},
        {"sorry": "ACCOUNTS_2003"},
    ]
    assert all(a.headers["X-Request-Id"] for a in answers)
