"""Every handler x every fault x stream and plain: which error, whether it leads on; no key told, no connection kept."""

import json

import pytest

from apps.providers import upstream
from apps.providers.errors import (
    ModelVanished,
    UpstreamBusy,
    UpstreamError,
    UpstreamFailed,
    UpstreamKeyRefused,
    UpstreamRefused,
    UpstreamTimeout,
)
from apps.providers.types import Finish, Usage
from tests.contract.asking import Outcome, ask, make_chat
from tests.contract.wires import SAID, USAGE, WIRES, Wire
from tests.providers.builders import KEY, ModelServer

ALL = sorted(WIRES)
STREAM = pytest.mark.parametrize("stream", [True, False], ids=["stream", "plain"])
EVERY = pytest.mark.parametrize("key", ALL)
WORDS = f"No luck with {KEY}, sorry"
STATUSES: dict[int, type[UpstreamError]] = {
    302: UpstreamFailed,
    400: UpstreamRefused,
    401: UpstreamKeyRefused,
    402: UpstreamKeyRefused,
    403: UpstreamKeyRefused,
    404: ModelVanished,
    408: UpstreamTimeout,
    413: UpstreamRefused,
    422: UpstreamRefused,
    429: UpstreamBusy,
    500: UpstreamFailed,
    502: UpstreamFailed,
    503: UpstreamFailed,
    504: UpstreamFailed,
    529: UpstreamBusy,
}
LEADS_ON = {error: error is not UpstreamRefused for error in STATUSES.values()}


def failed(outcome: Outcome, error: type[UpstreamError]) -> UpstreamError:
    """The error, which has to be of this kind, to keep the key, and to leave no connection behind."""
    assert type(outcome.error) is error
    assert outcome.error.fails_over is LEADS_ON[error]
    told = outcome.error.text() + json.dumps(outcome.error.as_dict()) + repr(outcome.error.params)
    assert not any(KEY[start : start + 8] in told for start in range(len(KEY) - 7))
    assert outcome.open == 0
    return outcome.error


def server_of(wire: Wire, *, stream: bool) -> ModelServer:
    server = ModelServer()
    server.body = wire.answer(stream=stream)
    return server


@STREAM
@EVERY
@pytest.mark.parametrize("status", STATUSES)
def test_status__before_the_first_byte__is_told_apart(key, status, stream):
    server = ModelServer()
    server.status, server.body = status, json.dumps(WIRES[key].error(WORDS)).encode()

    error = failed(ask(key, server, make_chat(stream=stream)), STATUSES[status])

    assert len(server.asked) == 1
    if STATUSES[status] is not UpstreamTimeout:
        assert error.params["what"] == "No luck with …, sorry"


@STREAM
@EVERY
@pytest.mark.parametrize("status", [429, 503, 529])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("17", 17),
        ("0", 1),
        ("99999", 600),
        ("1.5", 1),
        ("nonsense", None),
        ("Fri, 31 Dec 2099 23:59:59 GMT", 600),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 1),
    ],
)
def test_retry_after__seconds_or_date__is_kept(key, status, header, seconds, stream):
    server = ModelServer()
    server.status, server.body = status, json.dumps(WIRES[key].error(WORDS)).encode()
    server.headers = {"Retry-After": header}

    error = failed(ask(key, server, make_chat(stream=stream)), STATUSES[status])

    assert error.details == ({"retryAfter": seconds} if seconds else {})


@STREAM
@EVERY
@pytest.mark.parametrize("body", [b"<html>Login</html>", b"", b"[]", b"null", b"{}", b'{"a": NaN}', b"\xff\xfe{"])
def test_success_with_something_else__is_a_failure(key, body, stream):
    server = ModelServer()
    server.body = body

    failed(ask(key, server, make_chat(stream=stream)), UpstreamFailed)


@STREAM
@EVERY
def test_success_with_an_error_body__is_a_failure_in_its_words(key, stream):
    server = ModelServer()
    server.body = json.dumps(WIRES[key].error(WORDS)).encode()
    expected = UpstreamRefused if key == "gemini" and not stream else UpstreamFailed

    error = failed(ask(key, server, make_chat(stream=stream)), expected)

    if not stream:
        assert error.params["what"] == "No luck with …, sorry"


@STREAM
@EVERY
def test_nobody_listens__is_a_failure(key, stream):
    failed(ask(key, ModelServer(), make_chat(stream=stream), base_url="http://127.0.0.1:1/v1"), UpstreamFailed)


@STREAM
@EVERY
def test_silence_before_the_first_byte__is_a_timeout(key, stream):
    server = server_of(WIRES[key], stream=stream)
    server.delay = 5.0
    patience = {"first_byte_seconds": 0.3} if stream else {"timeout_seconds": 0.3}

    failed(ask(key, server, make_chat(stream=stream), **patience), UpstreamTimeout)


@STREAM
@EVERY
def test_connection_cut_in_the_middle__is_a_failure(key, stream):
    wire, server = WIRES[key], ModelServer()
    server.body = [*wire.begin, *wire.said]
    if not stream and not wire.streams_always:
        server.body = json.dumps(wire.plain).encode()[:-20]
    server.cut = True

    outcome = ask(key, server, make_chat(stream=stream))

    failed(outcome, UpstreamFailed)
    assert outcome.text == (SAID if stream or wire.streams_always else [])


@STREAM
@EVERY
def test_answer_ends_early__is_a_failure(key, stream):
    wire, server = WIRES[key], ModelServer()
    server.body = [*wire.begin, *wire.said]
    if not stream and not wire.streams_always:
        server.body = json.dumps(wire.plain).encode()[:-20]

    failed(ask(key, server, make_chat(stream=stream)), UpstreamFailed)


@EVERY
@pytest.mark.parametrize(
    "piece",
    [
        b"data: {broken\n\n",
        b'data: {"choices": [{"delta"',
        b'data: {"type": "text-delta", "delta": "\xff\xfe"}\n\n',
        b"data: []\n\n",
        b"data: 5\n\n",
        b'data: "text"\n\n',
        b"data: NaN\n\n",
        b'data: {"candidates": [{"content": ' + b"[" * 100_000 + b"\n\n",
        b"data: " + b"x" * (upstream.MAX_LINE + 10),
        b"data: x\n" * (upstream.MAX_LINE // 7 + 10),
    ],
    ids=["broken", "half", "utf-8", "list", "number", "text", "nan", "nested", "line", "event"],
)
def test_malformed_in_mid_stream__is_a_failure_after_what_was_said(key, piece):
    wire, server = WIRES[key], ModelServer()
    server.body = [*wire.begin, *wire.said, piece]

    outcome = ask(key, server)

    failed(outcome, UpstreamFailed)
    assert outcome.text == SAID


@EVERY
def test_error_event_in_mid_stream__is_told_in_its_words(key):
    wire, server = WIRES[key], ModelServer()
    server.body = [*wire.begin, *wire.said, wire.error_event(WORDS), *wire.close]

    outcome = ask(key, server)

    assert failed(outcome, UpstreamFailed).params["what"] == "No luck with …, sorry"
    assert outcome.text == SAID


@EVERY
def test_error_event_first__is_told_in_its_words(key):
    server = ModelServer()
    server.body = [WIRES[key].error_event(WORDS)]

    outcome = ask(key, server)

    assert failed(outcome, UpstreamFailed).params["what"] == "No luck with …, sorry"
    assert outcome.items == []


@STREAM
@EVERY
def test_silence_in_the_middle__is_a_timeout(key, stream):
    wire, server = WIRES[key], ModelServer()
    server.body, server.hang = [*wire.begin, *wire.said], True
    if not stream and not wire.streams_always:
        server.body, server.hang, server.pace = [b'{"id":', b'"x"}'], False, 5.0
        server.headers = {"Content-Type": "application/json"}

    outcome = ask(key, server, make_chat(stream=stream), timeout_seconds=0.3)

    failed(outcome, UpstreamTimeout)


@STREAM
@EVERY
def test_answer_without_end__is_limited(key, stream, monkeypatch):
    monkeypatch.setattr(upstream, "MAX_ANSWER", 2**20)
    monkeypatch.setattr(upstream, "MAX_STREAM", 2**20)
    wire, server = WIRES[key], ModelServer()
    server.body = list(wire.begin) if stream or wire.streams_always else b'{"x": "'
    server.endless = wire.said[-1] * 100 if stream or wire.streams_always else b"x" * 2**14

    outcome = ask(key, server, make_chat(stream=stream))

    failed(outcome, UpstreamFailed)
    assert server.sent < 64 * 2**20


@EVERY
def test_cut_after_the_end_of_the_answer__is_a_success(key):
    wire, server = WIRES[key], ModelServer()
    server.body, server.cut = [*wire.begin, *wire.said, *wire.finish], True

    outcome = ask(key, server)

    counted = Usage(None, None) if wire.counts else USAGE
    assert (outcome.text, outcome.end, outcome.error) == (SAID, (Finish("stop"), counted), None)
    assert outcome.open == 0


@EVERY
def test_cut_after_the_counts__is_a_success(key):
    wire, server = WIRES[key], ModelServer()
    server.body, server.cut = [*wire.begin, *wire.said, *wire.finish, *wire.counts], True

    outcome = ask(key, server)

    assert (outcome.text, outcome.end, outcome.error) == (SAID, (Finish("stop"), USAGE), None)


@EVERY
def test_silence_after_the_counts__is_a_success(key, monkeypatch):
    monkeypatch.setattr(f"{type(WIRES[key].reading(None)).__module__}.LINGER_SECONDS", 0.1)
    wire, server = WIRES[key], ModelServer()
    server.body, server.hang = [*wire.begin, *wire.said, *wire.finish, *wire.counts], True

    outcome = ask(key, server)

    assert (outcome.text, outcome.end, outcome.error) == (SAID, (Finish("stop"), USAGE), None)
    assert outcome.open == 0


@EVERY
def test_garbage_after_the_end_of_the_answer__is_a_success(key):
    wire, server = WIRES[key], ModelServer()
    server.body = [*wire.begin, *wire.said, *wire.finish, *wire.counts, b"data: {broken\n\n"]

    outcome = ask(key, server)

    assert (outcome.text, outcome.end, outcome.error) == (SAID, (Finish("stop"), USAGE), None)


@EVERY
def test_inside_address__is_refused_and_nothing_sent(key, settings):
    settings.OUTBOUND_ALLOWED_HOSTS = []
    server = server_of(WIRES[key], stream=True)

    outcome = ask(key, server)

    assert outcome.error is not None
    assert (outcome.error.code, server.asked) == ("CORE_2014", [])


@EVERY
@pytest.mark.parametrize("cut", [20, 298, 299, 290])
def test_key_at_the_edge_of_the_words__is_masked(key, cut):
    server = ModelServer()
    server.status, server.body = 500, json.dumps(WIRES[key].error("x" * cut + KEY)).encode()

    failed(ask(key, server), UpstreamFailed)
