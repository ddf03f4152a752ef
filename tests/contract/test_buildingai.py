"""What is BuildingAI's own: the shape of a request, its envelope of errors, an agent that does more than talk."""

import json

import pytest

from apps.core.errors import InvalidRequest
from apps.providers.errors import (
    ModelVanished,
    NotSupported,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamKeyRefused,
    UpstreamRefused,
    UpstreamTimeout,
)
from apps.providers.types import Finish, Usage
from tests.contract.asking import PICTURE, TOOL, ask, embed, make_chat, models
from tests.contract.wires import BUILDINGAI, SAID, USAGE, data
from tests.providers.builders import ModelServer


def sent(messages=None, **options):
    """The body that went to the sidecar."""
    server = ModelServer()
    server.body = BUILDINGAI.answer(stream=True)
    outcome = ask("buildingai", server, make_chat(messages, **options))
    if outcome.error is not None:
        assert server.asked == []
        raise outcome.error
    return server.asked[0]["body"]


@pytest.mark.parametrize("stream", [True, False])
def test_request__chat__is_mapped_and_not_kept_there(stream):
    link = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "What?"}, PICTURE, link]},
        {"role": "assistant", "content": ""},
    ]

    assert sent(messages, stream=stream, temperature=0.5, max_tokens=9) == {
        "responseMode": "streaming",
        "saveConversation": False,
        "messages": [
            {"id": "m0", "role": "system", "parts": [{"type": "text", "text": "Be brief."}]},
            {
                "id": "m1",
                "role": "user",
                "parts": [
                    {"type": "text", "text": "What?"},
                    {"type": "file", "mediaType": "image/png", "url": PICTURE["image_url"]["url"]},
                    {"type": "file", "mediaType": "image/*", "url": "https://example.com/a.png"},
                ],
            },
        ],
    }


@pytest.mark.parametrize(
    "options",
    [{"tools": [TOOL]}, {"response_format": {"type": "json_object"}}, {"n": 2}, {"logprobs": True}, {"top_k": 4}],
)
def test_request__what_the_agent_lacks__is_refused_by_name(options):
    with pytest.raises(NotSupported) as refused:
        sent(**options)

    assert refused.value.details["errors"][0]["pointer"] == f"/{next(iter(options))}"


@pytest.mark.parametrize("role", ["tool", "function"])
def test_request__results_of_tools__are_refused(role):
    with pytest.raises(NotSupported):
        sent([{"role": role, "tool_call_id": "a", "content": "x"}])


def test_request__nothing_said__is_the_callers_to_mend():
    with pytest.raises(InvalidRequest):
        sent([{"role": "user", "content": ""}])


@pytest.mark.parametrize("status", [200, 201, 0])
@pytest.mark.parametrize(
    ("code", "error", "http"),
    [
        (40001, UpstreamRefused, 400),
        (40100, UpstreamRefused, 400),
        (40200, UpstreamKeyRefused, 401),
        (40203, UpstreamKeyRefused, 403),
        (40300, ModelVanished, 404),
        (40400, ModelVanished, 404),
        (40602, UpstreamRefused, 400),
        (40700, UpstreamBusy, 429),
        (50000, UpstreamFailed, 500),
        (50500, UpstreamFailed, 503),
    ],
)
def test_chat__envelope__is_told_apart_by_its_code(status, code, error, http):
    server = ModelServer()
    envelope = {"code": code, "message": "words", "data": None, "timestamp": 1, "path": "/x"}
    server.status, server.body = status or http, json.dumps(envelope).encode()

    outcome = ask("buildingai", server)

    assert type(outcome.error) is error
    assert outcome.error.params["what"] == "words"


def test_chat__request_timed_out_there__is_a_timeout():
    server = ModelServer()
    server.status, server.body = 408, b'{"code": 40701, "message": "words"}'

    assert type(ask("buildingai", server).error) is UpstreamTimeout


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"type": "error", "errorText": "no quota"}, "no quota"),
        ({"type": "error", "error": "no quota"}, "no quota"),
        ({"type": "abort"}, "the agent gave up"),
    ],
)
def test_chat__agent_gives_up__is_a_failure_in_its_words(event, words):
    server = ModelServer()
    server.body = [*BUILDINGAI.begin, *BUILDINGAI.said, data(event)]

    outcome = ask("buildingai", server)

    assert type(outcome.error) is UpstreamFailed
    assert (outcome.text, outcome.error.params["what"]) == (SAID, words)


@pytest.mark.parametrize(
    ("reason", "finish"), [("stop", "stop"), ("length", "length"), ("content-filter", "content_filter"), (None, "stop")]
)
def test_chat__finish_reasons__are_told_as_one_of_four(reason, finish):
    server = ModelServer()
    server.body = [*BUILDINGAI.said, data({"type": "finish", "finishReason": reason}), *BUILDINGAI.counts]

    assert ask("buildingai", server).end == (Finish(finish), USAGE)


def test_chat__cached_tokens_by_detail__are_counted():
    server = ModelServer()
    counts = {"inputTokens": 7, "outputTokens": 2, "inputTokenDetails": {"cacheReadTokens": 3}}
    server.body = [*BUILDINGAI.said, *BUILDINGAI.finish, data({"type": "data-usage", "data": counts})]

    assert ask("buildingai", server).usage == Usage(7, 2, 3)


def test_models__key_is_refused_in_an_envelope__is_told():
    server = ModelServer()
    server.body = b'{"code": 40200, "message": "Invalid credential"}'

    with pytest.raises(UpstreamKeyRefused):
        models("buildingai", server)


def test_embed__no_such_thing__is_refused():
    with pytest.raises(NotSupported):
        embed("buildingai", ModelServer(), ["a"])
