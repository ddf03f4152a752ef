"""The mock plays its script: faults, pace, counts, calls, JSON; the name's own script wins over the endpoint's."""

import asyncio
import json

import pytest
from asgiref.sync import async_to_sync

from apps.core.errors import ApiError
from apps.providers.errors import (
    ModelVanished,
    NotSupported,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamKeyRefused,
    UpstreamRefused,
    UpstreamTimeout,
)
from apps.providers.handlers import handlers
from apps.providers.handlers.mock import samples
from apps.providers.types import Finish, Usage
from tests.contract.asking import PICTURE, TOOL, Outcome, make_chat
from tests.providers.builders import make_candidate


@pytest.fixture(autouse=True)
def slept(monkeypatch):
    """No second passes; what would have passed is told."""
    found: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds, *args):
        found.append(seconds)
        await real(0)

    monkeypatch.setattr("apps.providers.handlers.mock.asyncio.sleep", sleep)
    handlers()["mock"].forget()
    yield found
    handlers()["mock"].forget()


def play(model: str, request=None, *, base_url: str = "", **candidate) -> Outcome:
    async def work() -> Outcome:
        outcome = Outcome()
        given = make_candidate(base_url, handler_key="mock", model=model, **candidate)
        try:
            async for item in handlers()["mock"].chat(request or make_chat(), given, None):
                outcome.items.append(item)
        except ApiError as exc:
            outcome.error = exc
        return outcome

    return async_to_sync(work)()


def test_chat__no_script__speaks_at_fifty_words_a_second(slept):
    outcome = play("mock-chat+echo", make_chat([{"role": "user", "content": "one two three"}]))

    assert (outcome.text, outcome.end) == (["one ", "two ", "three"], (Finish("stop"), Usage(4, 3, 0)))
    assert slept == [0.0, 0.02, 0.02, 0.02]


@pytest.mark.parametrize(
    ("model", "error", "details"),
    [
        ("mock-busy", UpstreamBusy, {}),
        ("mock-down", UpstreamFailed, {}),
        ("mock-chat+fail", UpstreamFailed, {}),
        ("mock-chat+fail+status=429+retry=7", UpstreamBusy, {"retryAfter": 7}),
        ("mock-chat+fail+status=401", UpstreamKeyRefused, {}),
        ("mock-chat+fail+status=404", ModelVanished, {}),
        ("mock-chat+fail+status=400", UpstreamRefused, {}),
        ("mock-chat+fail+status=timeout", UpstreamTimeout, {}),
    ],
)
def test_chat__scripted_failure__fails_before_a_word_each_time(model, error, details):
    for _ in range(3):
        outcome = play(model)

        assert (type(outcome.error), outcome.items, outcome.error.details) == (error, [], details)


def test_chat__fails_twice_then_succeeds__is_counted_by_endpoint_and_model():
    outcomes = [play("mock-chat+fail=2").error is None for _ in range(4)]

    assert outcomes == [False, False, True, True]
    assert play("mock-flaky").error is not None
    assert play("mock-flaky").error is None
    assert play("mock-chat+fail=2", endpoint="other").error is not None


@pytest.mark.parametrize(
    ("step", "error", "what"),
    [("cut=2", UpstreamFailed, "scripted cut"), ("malformed=2", UpstreamFailed, "malformed answer")],
)
def test_chat__scripted_end_after_two_words__fails_there(step, error, what):
    outcome = play(f"mock-chat+long=5+{step}")

    assert (len(outcome.text), type(outcome.error), outcome.error.params["what"]) == (2, error, what)


@pytest.mark.parametrize("number", [0, 5])
def test_chat__cut_at_the_edges__has_no_end(number):
    outcome = play(f"mock-chat+long=5+cut={number}")

    assert (len(outcome.items), type(outcome.error)) == (number, UpstreamFailed)


def test_chat__stall__is_silent_until_the_endpoints_timeout(slept):
    outcome = play("mock-chat+words=0+stall=1", timeout_seconds=17)

    assert (len(outcome.text), type(outcome.error)) == (1, UpstreamTimeout)
    assert slept == [0.0, 17]


def test_chat__pace_of_endpoint_and_model__the_models_own_wins(slept):
    play("mock-chat+words=0+long=2", base_url="https://mock.invalid/?first=1.5&words=4")
    play("mock-chat+long=2", base_url="https://mock.invalid/?first=1.5&words=4")

    assert slept == [1.5, 1.5, 0.25, 0.25]


@pytest.mark.parametrize(
    ("script", "usage"), [("nousage", Usage(None, None)), ("cached=2", Usage(3, 2, 2)), ("cached=9", Usage(3, 2, 3))]
)
def test_chat__scripted_counts__are_told(script, usage):
    assert play(f"mock-chat+long=2+{script}").usage == usage


def test_chat__limit_of_tokens__ends_the_answer():
    outcome = play("mock-chat+long=9", make_chat(max_tokens=4))

    assert (len(outcome.text), outcome.finish, outcome.usage.output_tokens) == (4, "length", 4)


def test_chat__filter__ends_as_filtered():
    assert play("mock-chat+filter").finish == "content_filter"


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("mock-chat+tool", {}),
        ("mock-chat+tool=weather", {}),
        ("mock-chat", {"tool_choice": "required"}),
        ("mock-chat", {"tool_choice": {"type": "function", "function": {"name": "weather"}}}),
        ("mock-chat+tool", {"max_tokens": 1}),
    ],
)
def test_chat__tool_is_wanted__is_called_in_pieces_with_fitting_arguments(model, options):
    outcome = play(model, make_chat(tools=[TOOL], **options))

    assert (outcome.text, outcome.finish, len(outcome.calls) > 2) == ([], "tool_calls", True)
    assert (outcome.calls[0].id, outcome.calls[0].name) == ("call_mock", "weather")
    assert json.loads("".join(call.arguments for call in outcome.calls)) == {"city": "sample"}


@pytest.mark.parametrize(
    ("model", "options", "last"),
    [
        ("mock-chat", {}, "user"),
        ("mock-chat+tool", {"tool_choice": "none"}, "user"),
        ("mock-chat+tool=other", {}, "user"),
        ("mock-chat+tool", {}, "tool"),
    ],
)
def test_chat__tool_is_not_wanted__is_answered_in_words(model, options, last):
    outcome = play(model, make_chat([{"role": last, "content": "sunny"}], tools=[TOOL], **options))

    assert (outcome.calls, outcome.finish) == ([], "stop")
    assert "sunny" in "".join(outcome.text)


SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 8},
        "kind": {"enum": ["a", "b"]},
        "count": {"type": "integer", "minimum": 3},
        "flag": {"type": "boolean"},
        "rows": {"type": "array", "items": {"$ref": "#/$defs/row"}, "minItems": 2},
        "either": {"anyOf": [{"type": "null"}, {"type": "string"}]},
        "fixed": {"const": 7},
        "many": {"type": ["number", "null"]},
    },
    "$defs": {"row": {"type": "object", "properties": {"x": {"type": "number"}}}},
}


def test_chat__json_schema__answer_fits_it():
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}

    outcome = play("mock-chat", make_chat(response_format=wanted))

    assert json.loads("".join(outcome.text)) == {
        "name": "samplexx",
        "kind": "a",
        "count": 3,
        "flag": True,
        "rows": [{"x": 1}, {"x": 1}],
        "either": None,
        "fixed": 7,
        "many": 1,
    }


@pytest.mark.parametrize(
    ("model", "options"), [("mock-chat+json", {}), ("mock-chat", {"response_format": {"type": "json_object"}})]
)
def test_chat__json_mode__is_an_object(model, options):
    assert json.loads("".join(play(model, make_chat(**options)).text)) == {"answer": "sample"}


@pytest.mark.parametrize(
    "schema", [True, {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, {"type": "x"}, {"$ref": "x"}]
)
def test_sample_of__schema_without_sense_or_end__is_nothing(schema):
    assert samples.sample_of(schema, schema) is None


@pytest.mark.parametrize(
    "model",
    [
        "mock-chat+jump",
        "mock-chat+fail=x",
        "mock-chat+words=-1",
        "mock-chat+echo=5",
        "mock-chat+status=200",
        "mock-chat+long=999999",
        "mock-chat+first=nan",
    ],
)
def test_chat__script_that_cannot_be_read__is_refused_in_words(model):
    outcome = play(model)

    assert (type(outcome.error), outcome.items) == (UpstreamRefused, [])
    assert "mock's script" in outcome.error.text()


def test_chat__image__is_checked():
    outcome = play("mock-chat", make_chat([{"role": "user", "content": [PICTURE, {"type": "text", "text": "What?"}]}]))

    assert outcome.error is None
    assert "What?" in "".join(outcome.text)
    assert (
        play("mock-chat", make_chat([{"role": "user", "content": [{"type": "file"}]}])).error.code == "PROVIDERS_2003"
    )


def test_chat__several_answers__are_refused():
    assert isinstance(play("mock-chat", make_chat(n=2)).error, NotSupported)


def test_embed__same_text__same_vector_and_script():
    async def work(model, texts):
        return await handlers()["mock"].embed(texts, make_candidate("", model=model), None)

    found = async_to_sync(work)("mock-embedding", ["a", "b", "a"])

    assert found.vectors[0] == found.vectors[2] != found.vectors[1]
    assert (len(found.vectors[0]), found.usage) == (64, Usage(3, 0))
    assert async_to_sync(work)("mock-embedding+nousage", ["a"]).usage == Usage(None, 0)
    with pytest.raises(UpstreamBusy):
        async_to_sync(work)("mock-busy", ["a"])


def test_models__are_the_short_names():
    async def work():
        return await handlers()["mock"].models("", None, seconds=1)

    assert async_to_sync(work)()[:2] == ["mock-chat", "mock-embedding"]
