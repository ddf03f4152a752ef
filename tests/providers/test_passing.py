"""Answers handed on byte by byte: through the whole application, to a real server that speaks OpenAI's wire."""

import itertools
import json
import time
from itertools import pairwise
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync, sync_to_async
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.accounts.tokens import sign_access
from apps.core.config import reader
from apps.core.tokens import estimate_tokens
from apps.providers import upstream
from apps.providers.gateway import meter as meters
from apps.providers.gateway import passing
from apps.providers.handlers.openai import OpenAIHandler
from apps.providers.models import MICRO, Endpoint, Offer
from apps.providers.services import release_catalogue, set_secret
from apps.providers.types import Raw
from apps.providers.usage import UsageRecord
from tests.conftest import connections_kept
from tests.providers.builders import DONE, KEY, USAGE, ModelServer, event, words

BODY = {"model": "gpt-test", "messages": [{"role": "user", "content": "Hi"}]}
PLAIN = {
    "id": "x",
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 7, "completion_tokens": 2},
    "service_tier": "own words of the upstream",
}


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> list[UsageRecord]:
    """What was written down."""
    found: list[UsageRecord] = []

    async def record(entry: UsageRecord) -> None:
        found.append(entry)

    monkeypatch.setattr(meters, "record", record)
    return found


@pytest.fixture
def send(member, settings, db, records):
    """Send a body to the application, whose first endpoint is `server`; the second, where wanted, is the mock."""
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    headers = {"Authorization": f"Bearer {sign_access(member)}"}

    def work(server: ModelServer, *, fallback: bool = False, **more: Any) -> httpx.Response:
        async def run() -> httpx.Response:
            from config.asgi import application

            async with server.running() as url:
                await sync_to_async(_install)(url, fallback)
                transport = httpx.ASGITransport(app=application)  # type: ignore[arg-type]
                async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
                    return await client.post("/v1/chat/completions", json={**BODY, **more}, headers=headers)

        with connections_kept():
            return async_to_sync(run)()

    return work


def _install(url: str, fallback: bool) -> None:
    Endpoint.objects.all().delete()
    endpoint = Endpoint.objects.create(
        key="local", name="Local", handler_key="openai", base_url=url, priority=1, timeout_seconds=5, max_retries=0
    )
    prices = {"price_input": MICRO, "price_output": 2 * MICRO}
    Offer.objects.create(endpoint=endpoint, model="gpt-test", capabilities=["chat"], **prices)
    set_secret(endpoint, KEY, by=None)
    if fallback:
        mock = Endpoint.objects.create(key="spare", name="Spare", handler_key="mock", priority=2)
        Offer.objects.create(endpoint=mock, model="gpt-test", capabilities=["chat"])
    release_catalogue(by=None)
    reader.reset()  # nothing is committed in a test, so nobody is told


def test_plain__bytes_and_unknown_members_arrive(send, records):
    server = ModelServer()
    server.body = json.dumps(PLAIN).encode()

    answer = send(server, seed=5, user="u1")

    told = answer.json()
    assert {name: told[name] for name in PLAIN} == PLAIN
    assert told["paiban"]["endpoint"] == "local"
    assert server.asked[0]["body"] == {**BODY, "seed": 5, "user": "u1"}
    (entry,) = records
    assert (entry.input_tokens, entry.output_tokens, entry.cost, entry.estimated, entry.status) == (
        7,
        2,
        11,
        False,
        "ok",
    )


def test_plain__list_that_is_no_answer__is_a_failure_of_the_upstream_and_settled(send, records):
    server = ModelServer()
    server.body = json.dumps({"object": "list", "data": [{"id": "gpt-test"}]}).encode()

    answer = send(server)

    assert (answer.status_code, answer.json()["error"]["paiban_code"]) == (502, "PROVIDERS_5001")
    (entry,) = records
    assert (entry.status, entry.cost) == ("PROVIDERS_5001", 0)


def test_plain__upstream_does_not_count__is_estimated_and_marked(send, records):
    server = ModelServer()
    server.body = json.dumps({**PLAIN, "usage": None}).encode()

    send(server)

    (entry,) = records
    assert entry.estimated is True
    assert entry.output_tokens > 0
    assert entry.cost > 0


def test_stream__counts_not_asked_for__are_taken_out_and_still_booked(send, records):
    server = ModelServer()

    answer = send(server, stream=True)

    assert answer.content == b"".join([*words("Hello", " world"), DONE])
    assert server.asked[0]["body"]["stream_options"] == {"include_usage": True}
    (entry,) = records
    assert (entry.input_tokens, entry.output_tokens, entry.stream, entry.status) == (7, 2, True, "ok")


def test_stream__counts_asked_for__every_byte_arrives(send):
    server = ModelServer()

    answer = send(server, stream=True, stream_options={"include_usage": True})

    assert answer.content == b"".join([*words("Hello", " world"), USAGE, DONE])


def test_stream__lines_end_with_two_bytes__is_understood(send, records):
    server = ModelServer()
    server.body = [piece.replace(b"\n", b"\r\n") for piece in [*words("Hi"), USAGE, DONE]]

    assert send(server, stream=True).content == b"".join([*words("Hi"), DONE])
    assert records[0].output_tokens == 2


def test_stream__does_not_count__is_estimated_from_what_was_said(send, records):
    server = ModelServer()
    server.body = [*words("four", "four"), DONE]

    send(server, stream=True)

    assert (records[0].output_tokens, records[0].estimated, records[0].status) == (2, True, "ok")


@pytest.mark.parametrize(
    "broken",
    [
        {"body": words("Hello", finish=False), "cut": True},
        {"body": [*words("Hello", finish=False), event(error={"message": "overloaded"})], "pace": 0.05},
        {"body": words("Hello", finish=False)},
    ],
)
def test_stream__breaks_after_it_began__is_told_last_and_paid_for(send, records, broken):
    server = ModelServer()
    vars(server).update(broken)

    frames = send(server, fallback=True, stream=True).content.split(b"\n\n")

    assert frames[0] + b"\n\n" == words("Hello", finish=False)[0]
    assert json.loads(frames[-2][6:])["error"]["paiban_code"] == "PROVIDERS_5001"
    assert b"[DONE]" not in b"".join(frames)
    assert (records[0].output_tokens, records[0].estimated, records[0].status) == (2, True, "PROVIDERS_5001")


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "broken",
    [
        {"status": 500, "body": b"{}"},
        {"status": 429, "body": b"{}"},
        {"status": 401, "body": b"{}"},
        {"status": 200, "body": b"<html>Gateway</html>"},
        {"status": 200, "body": b'{"error": {"message": "no"}}'},
        {"status": 200, "body": b'{"choices": '},
        {"status": 200, "body": [event(error={"message": "no"})]},
        {"status": 200, "body": []},
        {"status": 200, "body": [], "cut": True},
    ],
)
def test_failure_before_the_first_piece__the_next_endpoint_answers(send, records, broken, stream):
    server = ModelServer()
    vars(server).update(broken)

    answer = send(server, fallback=True, stream=stream)

    assert answer.status_code == 200
    assert b"Sample" in answer.content
    assert (answer.headers["x-paiban-endpoint"], answer.headers["x-paiban-fallback"]) == ("spare", "true")
    assert (records[0].endpoint, records[0].attempts, records[0].status) == ("spare", 2, "ok")


def test_stream__never_ends__is_cut_at_its_size_told_last_and_paid_for(send, records, monkeypatch):
    monkeypatch.setattr(upstream, "MAX_STREAM", 200_000)
    monkeypatch.setattr(passing, "LARGEST_REMEMBERED", 10_000)
    server = ModelServer()
    server.body, server.endless = words("Hello", finish=False), words("four", finish=False)[0] * 100

    answer = send(server, fallback=True, stream=True)

    frames = answer.content.split(b"\n\n")
    error = json.loads(frames[-2][6:])["error"]
    assert (error["paiban_code"], "a stream without end" in error["message"]) == ("PROVIDERS_5001", True)
    assert b"[DONE]" not in answer.content
    assert len(answer.content) <= 200_000 + len(frames[-2]) + 2
    spoken = answer.content.count(b'"four"')
    assert spoken > 1_000
    assert (records[0].output_tokens, records[0].estimated) == (estimate_tokens("Hello" + "four" * spoken), True)
    assert (records[0].status, records[0].attempts, len(server.asked)) == ("PROVIDERS_5001", 1, 1)


def test_stream__goes_on_for_longer_than_the_endpoint_may__is_cut_and_told(send, records, monkeypatch):
    seconds = itertools.count(time.perf_counter(), 1)  # a second from chunk to chunk
    monkeypatch.setattr(passing, "clock", lambda: next(seconds))
    server = ModelServer()
    server.body, server.endless = words("Hello", finish=False), words("four", finish=False)[0] * 100

    answer = send(server, fallback=True, stream=True)

    frames = answer.content.split(b"\n\n")
    assert json.loads(frames[-2][6:])["error"]["paiban_code"] == "PROVIDERS_5002"
    assert frames[0] + b"\n\n" == words("Hello", finish=False)[0]
    spoken = answer.content.count(b'"four"')
    assert (records[0].output_tokens, records[0].estimated) == (estimate_tokens("Hello" + "four" * spoken), True)
    assert (records[0].status, records[0].attempts, len(server.asked)) == ("PROVIDERS_5002", 1, 1)


def test_stream__is_cut_by_us__its_connection_is_closed(send, monkeypatch):
    monkeypatch.setattr(upstream, "MAX_STREAM", 200_000)
    closed: list[bool] = []
    real = OpenAIHandler.post

    async def post(*given: Any, **more: Any) -> Raw:
        raw = await real(*given, **more)
        return Raw(raw.chunks, raw.content_type, lambda: closed.append(raw.close() is None))

    monkeypatch.setattr(OpenAIHandler, "post", post)
    server = ModelServer()
    server.body, server.endless = words("Hello", finish=False), words("four", finish=False)[0] * 100

    send(server, stream=True)

    assert closed == [True]


def test_request_refused__is_the_callers_and_asked_nowhere_else(send, records):
    server = ModelServer()
    server.status, server.body = 400, b'{"error": {"message": "bad tool"}}'

    answer = send(server, fallback=True)

    assert answer.status_code == 502
    assert "bad tool" in answer.json()["error"]["message"]
    assert (records[0].cost, records[0].status) == (0, "PROVIDERS_5004")


@settings(max_examples=15)
@given(st.lists(st.integers(1, 500), max_size=8))
def test_stream__split_at_any_byte__is_the_same(send, cuts):
    server = ModelServer()
    whole = b"".join([*words("你好", ", é", "\n"), USAGE, DONE])
    edges = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    server.body = [whole[a:b] for a, b in pairwise(edges)]

    assert send(server, stream=True).content == b"".join([*words("你好", ", é", "\n"), DONE])
