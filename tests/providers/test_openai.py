"""The OpenAI wire format, against a real server on the loopback."""

from itertools import pairwise
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core.errors import ApiError
from apps.core.http import AddressRefused
from apps.providers.errors import (
    ModelVanished,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamKeyRefused,
    UpstreamRefused,
    UpstreamTimeout,
)
from apps.providers.handlers import handlers
from apps.providers.types import Delta, Usage
from tests.providers.builders import DONE, KEY, USAGE, ModelServer, event, make_candidate, make_request, words


@pytest.fixture(autouse=True)
def _loopback_allowed(settings):
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]


def ask(
    server: ModelServer, *, candidate: dict[str, Any] | None = None, **request: Any
) -> tuple[list[str], Usage | None]:
    """The pieces and the usage that the handler gave."""

    async def work() -> tuple[list[str], Usage | None]:
        async with server.running() as url:
            given = make_candidate(**({"base_url": url} | (candidate or {})))
            pieces, usage = [], None
            async for item in handlers()["openai"].chat(make_request(**request), given, KEY):
                if isinstance(item, Delta):
                    pieces.append(item.text)
                elif isinstance(item, Usage):
                    usage = item
            return pieces, usage

    return async_to_sync(work)()


def test_chat__normal_stream__gives_pieces_and_usage():
    server = ModelServer()

    assert ask(server, temperature=0.5, max_tokens=9) == (["Hello", " world"], Usage(7, 2))

    (asked,) = server.asked
    assert asked["headers"]["Authorization"] == f"Bearer {KEY}"
    assert asked["headers"]["Idempotency-Key"] == "t:n:0"
    assert asked["body"] == {
        "model": "gpt-test",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
        "max_tokens": 9,
    }


@settings(max_examples=25)
@given(st.lists(st.integers(1, 400), max_size=8))
def test_chat__stream_split_at_any_byte__is_the_same(cuts):
    server = ModelServer()
    whole = b"".join([*words("你好", ", é", " \U0001f600", "\n"), USAGE, DONE])
    edges = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    server.body = [whole[a:b] for a, b in pairwise(edges)]

    assert ask(server) == (["你好", ", é", " \U0001f600", "\n"], Usage(7, 2))


@pytest.mark.parametrize(
    "body",
    [
        [b": comment\n\n", *words("Hi"), b"\r\n", DONE],
        [piece.replace(b"\n", b"\r\n") for piece in [*words("Hi"), DONE]],
        [piece.replace(b"data: ", b"data:") for piece in [*words("Hi"), DONE]],
        [b"event: x\nid: 1\nretry: 5\n", *words("Hi"), DONE],
        [event(choices=[{"delta": {"role": "assistant", "content": None}}]), *words("Hi"), DONE],
        [event(id="x"), *words("Hi"), DONE],
        words("Hi"),
        [*words("Hi", finish=False), DONE],
    ],
)
def test_chat__dialects__are_understood(body):
    server = ModelServer()
    server.body = body

    assert ask(server) == (["Hi"], Usage(None, None))


@pytest.mark.parametrize(
    ("status", "body", "error", "retryable"),
    [
        (401, b'{"error": {"message": "Incorrect API key"}}', UpstreamKeyRefused, False),
        (400, b'{"error": {"message": "No such model"}}', UpstreamRefused, False),
        (404, b"<html>", ModelVanished, False),
        (302, b"", UpstreamFailed, True),
        (429, b'{"error": {"message": "Slow down"}}', UpstreamBusy, True),
        (500, b'{"error": {"message": "Oops"}}', UpstreamFailed, True),
        (503, b"\xff\xfe", UpstreamFailed, True),
        (500, b"[]", UpstreamFailed, True),
        (500, b'{"error": "text"}', UpstreamFailed, True),
    ],
)
def test_chat__error_status__is_mapped(status, body, error, retryable):
    server = ModelServer()
    server.status, server.body = status, body

    with pytest.raises(error) as failed:
        ask(server)

    assert (failed.value.retryable, len(server.asked)) == (retryable, 1)


@pytest.mark.parametrize(
    "piece",
    [
        b"data: {broken\n\n",
        b"data: []\n\n",
        b'data: "text"\n\n',
        b"data: 5\n\n",
        b"data: null\n\n",
        event(choices="none"),
        event(choices={"a": 1}),
        event(choices=[5]),
        event(choices=[{"delta": "text"}]),
        event(choices=[{"delta": {"content": ["list"]}}]),
        event(choices=[{"delta": {"content": 5}}]),
        event(error={"message": "quota"}),
        event(error="quota"),
        b"data: \xff\xfe\n\n",
        b"data: " + b"x" * (1024 * 1024 + 10),
    ],
)
def test_chat__malformed_or_error_in_mid_stream__fails_cleanly(piece):
    server = ModelServer()
    server.body = [*words("Hi", finish=False), piece, DONE]

    with pytest.raises(UpstreamFailed):
        ask(server)


@pytest.mark.parametrize("body", [[], words("Hi", finish=False), [*words("Hi", finish=False), b"data: {"]])
@pytest.mark.parametrize("cut", [True, False])
def test_chat__stream_ends_early__is_a_failure(body, cut):
    server = ModelServer()
    server.body, server.cut = body, cut

    with pytest.raises(UpstreamFailed):
        ask(server)


def test_chat__server_keeps_the_line_open_after_done__answer_is_there():
    server = ModelServer()
    server.hang = True

    assert ask(server, candidate={"timeout_seconds": 2}) == (["Hello", " world"], Usage(7, 2))


@pytest.mark.parametrize("stall", [{"delay": 5.0}, {"hang": True, "body": words("Hi", finish=False)}])
def test_chat__too_slow__is_a_timeout(stall):
    server = ModelServer()
    vars(server).update(stall)

    with pytest.raises(UpstreamTimeout) as failed:
        ask(server, candidate={"timeout_seconds": 1})

    assert failed.value.retryable is True


def test_chat__nobody_listens__is_a_failure():
    server = ModelServer()

    with pytest.raises(UpstreamFailed):
        ask(server, candidate={"base_url": "http://127.0.0.1:1/v1"})


def test_chat__inside_address_not_listed__is_refused_and_not_sent(settings):
    settings.OUTBOUND_ALLOWED_HOSTS = []
    server = ModelServer()

    with pytest.raises(AddressRefused):
        ask(server)

    assert server.asked == []


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, f'{{"error": {{"message": "Incorrect API key provided: {KEY}"}}}}'.encode()),
        (500, f'{{"error": {{"message": "crash with {KEY}"}}}}'.encode()),
        (200, [event(error={"message": f"bad key {KEY}"})]),
    ],
)
def test_chat__upstream_echoes_the_key__is_masked(status, body):
    server = ModelServer()
    server.status, server.body = status, body

    with pytest.raises(ApiError) as failed:
        ask(server)

    assert KEY not in failed.value.text()
    assert KEY not in str(failed.value.as_dict())
