"""Whatever an upstream sends, a handler gives sound pieces or one of our errors, and nothing else."""

import asyncio
import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.providers import reading
from apps.providers.errors import UpstreamError, UpstreamFailed
from apps.providers.failures import refusal
from apps.providers.handlers import anthropic, gemini, openai
from apps.providers.types import Delta, Finish, Item, ToolCallDelta, Usage
from tests.contract.test_answers import Response
from tests.contract.wires import WIRES
from tests.providers.builders import make_candidate

HERE = make_candidate("http://127.0.0.1")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
WHOLE = {
    "openai": openai._whole,
    "anthropic": lambda answer, candidate: anthropic.whole(answer, candidate, ""),
    "gemini": lambda answer, candidate: gemini.Reading(candidate).read(answer),
}


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value within `value`."""
    found = [here]
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        found += places(one, (*here, name))
    return found


def put(value: Any, place: tuple[Any, ...], garbage: Any) -> Any:
    if not place:
        return garbage
    changed = copy.deepcopy(value)
    target = changed
    for name in place[:-1]:
        target = target[name]
    target[place[-1]] = garbage
    return changed


def sound(items: list[Item]) -> None:
    for item in items:
        match item:
            case Delta(text):
                assert isinstance(text, str)
            case ToolCallDelta(index, call_id, name, arguments):
                assert isinstance(index, int)
                assert all(isinstance(text, str) for text in (call_id, name, arguments))
            case Finish(reason):
                assert reason in {"stop", "length", "tool_calls", "content_filter"}
            case Usage(tokens_in, tokens_out, cached):
                assert all(count is None or (type(count) is int and count >= 0) for count in (tokens_in, tokens_out))
                assert type(cached) is int


def read(key: str, chunks: list[bytes]) -> list[Item]:
    async def work() -> list[Item]:
        found = reading.pieces(Response(chunks), HERE, WIRES[key].reading(HERE))
        return [item async for item in found]

    return asyncio.run(work())


def event_of(piece: bytes) -> Any:
    line = next(line for line in piece.split(b"\n") if line.startswith(b"data:"))
    return None if b"[DONE]" in line else json.loads(line[5:])


@pytest.mark.parametrize("key", sorted(WIRES))
@given(random=st.data())
def test_stream__any_value_replaced__gives_sound_pieces_or_our_error(key, random):
    stream = random.draw(st.sampled_from([WIRES[key].stream, list(WIRES[key].tool_stream) or WIRES[key].stream]))
    number = random.draw(st.sampled_from([i for i, piece in enumerate(stream) if event_of(piece) is not None]))
    event = event_of(stream[number])
    changed = put(event, random.draw(st.sampled_from(places(event))), random.draw(JSON))

    try:
        found = read(key, [*stream[:number], b"data: " + json.dumps(changed).encode() + b"\n\n", *stream[number + 1 :]])
    except UpstreamError:
        return
    sound(found)


@pytest.mark.parametrize("key", sorted(WHOLE))
@given(random=st.data())
def test_plain__any_value_replaced__gives_sound_pieces_or_our_error(key, random):
    answer = random.draw(st.sampled_from([WIRES[key].plain, WIRES[key].tool_plain]))
    changed = put(answer, random.draw(st.sampled_from(places(answer)[1:])), random.draw(JSON))

    try:
        found = list(WHOLE[key](changed, HERE))
    except UpstreamError:
        return
    sound(found)


@pytest.mark.parametrize("key", sorted(WIRES))
@given(garbage=st.lists(JSON, min_size=1, max_size=4))
def test_stream__only_garbage__is_a_failure_or_empty(key, garbage):
    chunks = [b"data: " + json.dumps(one).encode() + b"\n\n" for one in garbage]

    with pytest.raises(UpstreamFailed):
        read(key, chunks)


@pytest.mark.parametrize("key", sorted(WIRES))
@given(raw=st.binary(max_size=200).filter(lambda raw: b"[DONE]" not in raw))  # which ends an answer by itself
def test_stream__any_bytes__are_a_failure(key, raw):
    with pytest.raises(UpstreamFailed):
        read(key, [raw, b"\n\n"])


@given(
    status=st.integers(300, 599),
    raw=st.binary(max_size=200) | JSON.map(lambda v: json.dumps(v).encode()),
    wait=st.text(),
)
def test_refusal__any_status_body_and_header__is_our_error(status, raw, wait):
    error = refusal(status, raw, {"Retry-After": wait}, HERE)

    assert isinstance(error, UpstreamError)
    assert isinstance(error.text(), str)
    assert error.details.get("retryAfter", 1) in range(1, 601)
