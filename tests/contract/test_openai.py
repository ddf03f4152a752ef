"""What is OpenAI's own: names of limits, servers that differ, what no answer in pieces can carry."""

import json

import pytest

from apps.core.errors import InvalidRequest
from apps.providers.errors import NotSupported, UpstreamFailed, UpstreamRefused
from apps.providers.handlers import handlers
from apps.providers.handlers.openai import OpenAIHandler, limited, usage_of
from apps.providers.types import Delta, Finish, Usage
from tests.contract.asking import ask, embed, make_chat
from tests.contract.wires import OPENAI, USAGE
from tests.providers.builders import ModelServer, event, make_candidate


@pytest.mark.parametrize(
    ("base_url", "model", "given", "sent"),
    [
        ("https://api.openai.com/v1", "gpt-4o", {"max_tokens": 5}, {"max_completion_tokens": 5}),
        ("", "gpt-4o", {"max_tokens": 5}, {"max_completion_tokens": 5}),
        ("https://x.openai.azure.com/openai/v1", "mine", {"max_tokens": 5}, {"max_completion_tokens": 5}),
        ("https://api.deepseek.com", "deepseek-chat", {"max_completion_tokens": 5}, {"max_tokens": 5}),
        ("https://api.deepseek.com", "deepseek-chat", {"max_tokens": 5}, {"max_tokens": 5}),
        ("https://openrouter.ai/api/v1", "openai/o3-mini", {"max_tokens": 5}, {"max_completion_tokens": 5}),
        ("https://llm.example/v1", "m", {"max_tokens": 5, "max_completion_tokens": 7}, {"max_tokens": 7}),
        ("https://llm.example/v1", "m", {"max_tokens": None, "x": None}, {"x": None}),
    ],
)
def test_limited__each_server__is_given_the_name_it_knows(base_url, model, given, sent):
    assert limited(given, make_candidate(base_url, model=model)) == sent


@pytest.mark.parametrize(
    ("counts", "usage"),
    [
        ({"prompt_tokens": 7, "completion_tokens": 2, "prompt_cache_hit_tokens": 3}, Usage(7, 2, 3)),
        ({"prompt_tokens": 7, "completion_tokens": 2, "cached_tokens": 3}, Usage(7, 2, 3)),
        ({"prompt_tokens": 7, "completion_tokens": 2, "prompt_tokens_details": None}, Usage(7, 2, 0)),
        ({"prompt_tokens": -1, "completion_tokens": True}, Usage(None, None, 0)),
        ({"prompt_tokens": "7", "completion_tokens": 2.5}, Usage(None, None, 0)),
        ("seven", Usage(None, None)),
        (None, Usage(None, None)),
    ],
)
def test_usage_of__dialects_and_nonsense__are_counted_or_unknown(counts, usage):
    assert usage_of(counts) == usage


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 2),
        ("logprobs", True),
        ("top_logprobs", 3),
        ("modalities", ["text", "audio"]),
        ("audio", {"voice": "alloy"}),
        ("functions", [{"name": "f"}]),
        ("function_call", "auto"),
    ],
)
def test_chat__what_pieces_cannot_carry__is_refused_by_name_and_not_sent(name, value):
    server = ModelServer()

    outcome = ask("openai", server, make_chat(**{name: value}))

    assert isinstance(outcome.error, NotSupported)
    assert (outcome.error.status, outcome.error.fails_over, outcome.error.counts) == (422, True, False)
    assert outcome.error.details["errors"][0]["pointer"] == f"/{name}"
    assert name in outcome.error.text()
    assert server.asked == []


def test_chat__harmless_values_and_other_options__are_passed_on():
    server = ModelServer()

    outcome = ask("openai", server, make_chat(n=1, logprobs=False, top_k=40, seed=7))

    assert outcome.error is None
    assert {name: server.asked[0]["body"][name] for name in ("n", "logprobs", "top_k", "seed")} == {
        "n": 1,
        "logprobs": False,
        "top_k": 40,
        "seed": 7,
    }


class PickyServer(ModelServer):
    """Refuses to be asked for its counts, as some do."""

    async def answer(self, request):
        body = await request.json()
        self.status = 200
        if "stream_options" in body:
            self.status, self.body = 422, b'{"detail": "extra fields not permitted: stream_options"}'
        else:
            self.body = [*OPENAI.begin, *OPENAI.said, *OPENAI.finish, *OPENAI.close]
        return await super().answer(request)


def test_chat__server_refuses_stream_options__is_asked_without_from_then_on(monkeypatch):
    monkeypatch.setitem(handlers(), "openai", OpenAIHandler())
    server = PickyServer()

    first = ask("openai", server, make_chat())

    assert (first.text, first.end, first.open) == (["Hello", " world"], (Finish("stop"), Usage(None, None)), 0)
    assert ["stream_options" in asked["body"] for asked in server.asked] == [True, False]


def test_chat__server_refuses_something_else__is_asked_once():
    server = ModelServer()
    server.status, server.body = 422, b'{"detail": [{"msg": "no"}]}'

    outcome = ask("openai", server, make_chat())

    assert isinstance(outcome.error, UpstreamRefused)
    assert len(server.asked) == 1


def test_chat__server_cannot_stream__whole_answer_is_taken():
    server = ModelServer()
    server.body = json.dumps(OPENAI.plain).encode()

    assert ask("openai", server, make_chat(stream=True)).items == [Delta("Hello world"), Finish("stop"), USAGE]


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("max_tokens", "length"),
        ("model_length", "length"),
        ("tool_calls", "tool_calls"),
        ("function_call", "tool_calls"),
        ("content_filter", "content_filter"),
        ("eos", "stop"),
        ("SENSITIVE", "content_filter"),
        (None, "stop"),
    ],
)
def test_chat__finish_reasons__are_told_as_one_of_four(reason, finish):
    server = ModelServer()
    server.body = json.dumps({"choices": [{"message": {"content": "Hi"}, "finish_reason": reason}]}).encode()

    assert ask("openai", server, make_chat(stream=False)).finish == finish


def test_chat__stream_ends_with_done_and_no_reason__says_what_happened():
    server = ModelServer()
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}
    server.body = [event(choices=[{"delta": {"tool_calls": [call]}}]), b"data: [DONE]\n\n"]

    assert ask("openai", server).finish == "tool_calls"


def test_chat__reasoning_parts_and_refusals__are_left_out_and_kept():
    server = ModelServer()
    server.body = [
        event(choices=[{"delta": {"reasoning_content": "Hm", "content": None}}]),
        event(
            choices=[{"delta": {"content": [{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "A"}]}}]
        ),
        event(choices=[{"delta": {"refusal": "I cannot"}}]),
        b"data: [DONE]\n\n",
    ]

    assert ask("openai", server).text == ["A", "I cannot"]


def test_chat__broken_image__is_the_callers_to_mend_and_not_sent():
    server = ModelServer()
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64,!!!!"}}

    outcome = ask("openai", server, make_chat([{"role": "user", "content": [part]}]))

    assert isinstance(outcome.error, InvalidRequest)
    assert outcome.error.details["errors"][0]["pointer"] == "/messages/0/content/0/image_url"
    assert server.asked == []


def test_embed__rows_in_any_order__are_sorted():
    server = ModelServer()
    rows = [{"index": 1, "embedding": [0.5, 1]}, {"index": 0, "embedding": [0, -1.5]}]
    server.body = json.dumps({"data": rows, "usage": {"prompt_tokens": 4}}).encode()

    found = embed("openai", server, ["a", "b"])

    assert (found.vectors, found.usage) == ([[0.0, -1.5], [0.5, 1.0]], Usage(4, None))
    assert server.asked[0]["body"] == {"model": "gpt-test", "input": ["a", "b"], "encoding_format": "float"}


@pytest.mark.parametrize(
    "body",
    [
        {"data": []},
        {"data": [{"index": 0}]},
        {"data": [{"index": 0, "embedding": "text"}]},
        {"data": [{"index": "a", "embedding": [1]}, {"index": 0, "embedding": [1]}]},
        {"error": {"message": "no"}},
        {},
    ],
)
def test_embed__malformed_or_error__fails_cleanly(body):
    server = ModelServer()
    server.body = json.dumps(body).encode()

    with pytest.raises(UpstreamFailed):
        embed("openai", server, ["a", "b"])
