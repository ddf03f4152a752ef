"""Every handler against its vendor's wire: the same answer, told whole and in pieces, gives the same."""

import asyncio
import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.providers import reading
from apps.providers.handlers import handlers
from apps.providers.types import Delta, Finish, Item, Usage
from tests.contract.asking import PICTURE, TOOL, ask, make_chat, models
from tests.contract.wires import ARGUMENTS, SAID, USAGE, WIRES
from tests.providers.builders import KEY, ModelServer, make_candidate

ALL = sorted(WIRES)
WITH_TOOLS = [key for key in ALL if WIRES[key].tool_stream]
STREAM = pytest.mark.parametrize("stream", [True, False], ids=["stream", "plain"])


def answering(key: str, *, stream: bool = True) -> ModelServer:
    server = ModelServer()
    server.body = WIRES[key].answer(stream=stream)
    return server


def test_handlers__every_one__has_a_wire_or_needs_no_network():
    assert set(handlers()) == {*WIRES, "mock"}
    assert {key for key, handler in handlers().items() if handler.requires_secret} == set(WIRES)
    assert all(handler.key == key and handler.label for key, handler in handlers().items())


@STREAM
@pytest.mark.parametrize("key", ALL)
def test_chat__normal_answer__gives_text_reason_and_counts_and_gives_the_connection_back(key, stream):
    server, wire = answering(key, stream=stream), WIRES[key]

    outcome = ask(key, server, make_chat(stream=stream))

    assert "".join(outcome.text) == "Hello world"
    assert outcome.end == (Finish("stop"), USAGE)
    assert (outcome.error, outcome.open) == (None, 0)
    (asked,) = server.asked
    assert asked["path"] == (wire.stream_path if stream else wire.plain_path)
    name, value = wire.key_header
    assert asked["headers"][name] == value.format(key=KEY)
    assert KEY not in asked["path"] + json.dumps(asked["body"])


@pytest.mark.parametrize("key", ALL)
def test_chat__stream__gives_each_piece_as_it_comes(key):
    assert ask(key, answering(key)).items == [Delta(SAID[0]), Delta(SAID[1]), Finish("stop"), USAGE]


@pytest.mark.parametrize("key", ALL)
def test_chat__caller_leaves_in_mid_stream__connection_is_not_kept(key):
    server = answering(key)
    server.hang = True

    outcome = ask(key, server, most=1)

    assert (outcome.items, outcome.open) == ([Delta(SAID[0])], 0)


@STREAM
@pytest.mark.parametrize("key", WITH_TOOLS)
def test_chat__tool_call__comes_with_id_name_and_arguments(key, stream):
    server, wire = ModelServer(), WIRES[key]
    server.body = list(wire.tool_stream) if stream else json.dumps(wire.tool_plain).encode()

    outcome = ask(key, server, make_chat(stream=stream, tools=[TOOL]))

    assert (outcome.calls[0].id, outcome.calls[0].name) == ("call_1", "weather")
    assert {call.index for call in outcome.calls} == {0}
    assert json.loads("".join(call.arguments for call in outcome.calls)) == ARGUMENTS
    assert (outcome.text, outcome.end, outcome.open) == ([], (Finish("tool_calls"), USAGE), 0)


@STREAM
@pytest.mark.parametrize("key", ALL)
def test_chat__image_in__reaches_the_vendor(key, stream):
    server = answering(key, stream=stream)
    question = {"role": "user", "content": [{"type": "text", "text": "What is it?"}, PICTURE]}

    outcome = ask(key, server, make_chat([question], stream=stream))

    assert "".join(outcome.text) == "Hello world"
    assert PICTURE["image_url"]["url"].partition(",")[2] in json.dumps(server.asked[0]["body"])


@pytest.mark.parametrize("key", ALL)
def test_chat__no_counts__are_unknown_and_not_zero(key, monkeypatch):
    wire, server = WIRES[key], ModelServer()
    uncounted = [piece.replace(b'"usage"', b'"x"').replace(b'"usageMetadata"', b'"x"') for piece in wire.stream]
    server.body = [piece for piece in uncounted if b"data-usage" not in piece]

    outcome = ask(key, server)

    assert outcome.text == SAID
    assert outcome.end == (Finish("stop"), Usage(None, None))


@pytest.mark.parametrize("key", ALL)
def test_models__vendor_lists_them__are_named(key):
    server, wire = ModelServer(), WIRES[key]
    server.body = json.dumps(wire.models).encode()

    assert models(key, server) == wire.models_found

    name, value = wire.key_header
    assert server.asked[0]["headers"][name] == value.format(key=KEY)
    assert server.asked[0]["path"] == wire.models_path


class Response:
    """As much of a response as a reading needs."""

    content_type = "text/event-stream"

    def __init__(self, chunks):
        self.chunks = chunks

    async def __aiter__(self):
        for chunk in self.chunks:
            yield chunk


def read(key: str, chunks: list[bytes]) -> list[Item]:
    async def work() -> list[Item]:
        candidate = make_candidate("http://127.0.0.1")
        found = reading.pieces(Response(chunks), candidate, WIRES[key].reading(candidate))
        return [item async for item in found]

    return asyncio.run(work())


@pytest.mark.parametrize("key", ALL)
@given(cuts=st.lists(st.integers(1, 3000), max_size=30), crlf=st.booleans())
def test_chat__stream_split_at_any_bytes__is_the_same(key, cuts, crlf):
    whole = b"".join(WIRES[key].stream).replace(b"world", "wörld 世界 \U0001f600".encode())
    whole = whole.replace(b"\n", b"\r\n") if crlf else whole
    edges = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})

    found = read(key, [whole[a:b] for a, b in pairwise(edges)])

    assert found == [Delta("Hello"), Delta(" wörld 世界 \U0001f600"), Finish("stop"), USAGE]


@pytest.mark.parametrize("key", ALL)
def test_chat__stream_byte_by_byte__is_the_same(key):
    whole = b"".join(WIRES[key].stream)

    assert read(key, [whole[i : i + 1] for i in range(len(whole))]) == [*map(Delta, SAID), Finish("stop"), USAGE]
