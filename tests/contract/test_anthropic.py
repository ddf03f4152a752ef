"""What is Anthropic's own: the shape of a request, stop reasons, errors by type, JSON by a tool."""

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
)
from apps.providers.types import Delta, Finish, Usage
from tests.contract.asking import PICTURE, PIXEL, TOOL, ask, embed, make_chat
from tests.contract.wires import ANTHROPIC, ANTHROPIC_BEGIN, _block, _message_delta, named
from tests.providers.builders import ModelServer

CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}


def sent(messages=None, *, candidate=None, **options):
    """The body that went to the vendor."""
    server = ModelServer()
    server.body = ANTHROPIC.answer(stream=True)
    outcome = ask("anthropic", server, make_chat(messages, **options), **(candidate or {}))
    if outcome.error is not None:
        assert server.asked == []
        raise outcome.error
    return server.asked[0]["body"]


def test_request__plain_chat__is_mapped():
    assert sent(temperature=0.5, top_p=0.9, stop="END", user="u-1", max_tokens=9, seed=3) == {
        "model": "gpt-test",
        "max_tokens": 9,
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        "stream": True,
        "temperature": 0.5,
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u-1"},
    }


def test_request__headers__name_the_version():
    server = ModelServer()
    server.body = ANTHROPIC.answer(stream=True)

    ask("anthropic", server)

    assert server.asked[0]["headers"]["anthropic-version"] == "2023-06-01"
    assert "Authorization" not in server.asked[0]["headers"]


@pytest.mark.parametrize(
    ("candidate", "options", "limit"),
    [
        ({}, {}, 4096),
        ({"context_window": 1000}, {}, 1000),
        ({"max_output": 8000}, {}, 8000),
        ({"max_output": 8000}, {"max_completion_tokens": 5}, 5),
    ],
)
def test_request__limit_of_tokens__is_always_there(candidate, options, limit):
    assert sent(candidate=candidate, **options)["max_tokens"] == limit


@pytest.mark.parametrize(("given", "expected"), [(0, 0), (1, 1), (1.7, 1)])
def test_request__temperature__is_at_most_one(given, expected):
    assert sent(temperature=given)["temperature"] == expected


def test_request__conversation_with_tools__becomes_turns():
    messages = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": "I look", "tool_calls": [CALL, CALL | {"id": "call:2"}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
        {"role": "tool", "tool_call_id": "call:2", "content": [{"type": "text", "text": "rain"}, PICTURE]},
        {"role": "user", "content": "And?"},
        {"role": "developer", "content": "Be kind."},
    ]

    body = sent(messages, tools=[TOOL])

    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    second = body["messages"][1]["content"][2]["id"]
    assert second.startswith("call_")
    assert body["system"] == [{"type": "text", "text": "Be kind."}]
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "I look"},
                {"type": "tool_use", "id": "call_1", "name": "weather", "input": {"city": "Oslo"}},
                {"type": "tool_use", "id": second, "name": "weather", "input": {"city": "Oslo"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "call_1", "content": [{"type": "text", "text": "sunny"}]},
                {"type": "tool_result", "tool_use_id": second, "content": [{"type": "text", "text": "rain"}, image]},
                {"type": "text", "text": "And?"},
            ],
        },
    ]
    assert body["tools"] == [
        {"name": "weather", "description": "Tells the weather.", "input_schema": TOOL["function"]["parameters"]}
    ]


@pytest.mark.parametrize(
    ("options", "choice"),
    [
        ({}, None),
        ({"tool_choice": "auto"}, {"type": "auto"}),
        ({"tool_choice": "none"}, {"type": "none"}),
        ({"tool_choice": "none", "parallel_tool_calls": False}, {"type": "none"}),
        ({"tool_choice": "required"}, {"type": "any"}),
        ({"parallel_tool_calls": True}, None),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        (
            {"tool_choice": {"type": "function", "function": {"name": "weather"}}},
            {"type": "tool", "name": "weather"},
        ),
    ],
)
def test_request__choice_of_tools__is_mapped(options, choice):
    assert sent(tools=[TOOL], **options).get("tool_choice") == choice


def test_request__image_by_link__is_left_to_the_vendor():
    part = {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}}

    body = sent([{"role": "user", "content": [part]}])

    source = {"type": "url", "url": "https://example.com/a.png"}
    assert body["messages"][0]["content"] == [{"type": "image", "source": source}]


def test_request__beginning_of_the_answer__ends_in_no_space():
    body = sent([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Well, \n"}])

    assert body["messages"][1]["content"] == [{"type": "text", "text": "Well,"}]


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"n": 2}, "/n"),
        ({"logprobs": True}, "/logprobs"),
        ({"presence_penalty": 0.5}, "/presence_penalty"),
        ({"frequency_penalty": -1}, "/frequency_penalty"),
        ({"logit_bias": {"1": 5}}, "/logit_bias"),
        ({"modalities": ["audio"]}, "/modalities"),
        ({"audio": {"voice": "a"}}, "/audio"),
        ({"top_k": 40}, "/top_k"),
        ({"something_new": True}, "/something_new"),
        ({"tools": [{"type": "custom", "custom": {}}]}, "/tools/0"),
        ({"tools": [TOOL], "tool_choice": {"type": "allowed_tools"}}, "/tool_choice"),
        ({"tools": [TOOL], "response_format": {"type": "json_object"}}, "/response_format"),
        ({"response_format": {"type": "grammar"}}, "/response_format"),
        ({"response_format": "json"}, "/response_format"),
    ],
)
def test_request__what_the_vendor_lacks__is_refused_by_name(options, pointer):
    with pytest.raises(NotSupported) as refused:
        sent(**options)

    assert refused.value.details["errors"][0]["pointer"] == pointer
    assert (refused.value.code, refused.value.status) == ("PROVIDERS_2003", 422)


@pytest.mark.parametrize(
    ("message", "pointer"),
    [
        ({"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}, "/messages/0/content/0"),
        ({"role": "user", "content": [{"type": "file", "file": {}}]}, "/messages/0/content/0"),
        ({"role": "user", "content": ["text"]}, "/messages/0/content/0"),
        ({"role": "function", "name": "f", "content": "x"}, "/messages/0/role"),
    ],
)
def test_request__message_the_vendor_lacks__is_refused_by_place(message, pointer):
    with pytest.raises(NotSupported) as refused:
        sent([message])

    assert refused.value.details["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("message", "pointer"),
    [
        ({"role": "user", "content": ""}, "/messages"),
        ({"role": "user", "content": [{"type": "text", "text": 5}]}, "/messages/0/content/0"),
        ({"role": "assistant", "tool_calls": [{"id": "a"}]}, "/messages/0/tool_calls/0"),
        (
            {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{broken"}}]},
            "/messages/0/tool_calls/0/function/arguments",
        ),
        (
            {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "[]"}}]},
            "/messages/0/tool_calls/0/function/arguments",
        ),
    ],
)
def test_request__broken_message__is_the_callers_to_mend(message, pointer):
    with pytest.raises(InvalidRequest) as refused:
        sent([message])

    assert refused.value.details["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("options", [{"stop": 5}, {"stop": [5]}, {"tools": "x"}, {"tools": [{"type": "function"}]}])
def test_request__broken_option__is_the_callers_to_mend(options):
    with pytest.raises(InvalidRequest):
        sent(**options)


@pytest.mark.parametrize(
    ("wanted", "name", "schema"),
    [
        ({"type": "json_object"}, "answer", {"type": "object"}),
        (
            {"type": "json_schema", "json_schema": {"name": "my city!", "schema": {"properties": {"a": {}}}}},
            "my_city_",
            {"type": "object", "properties": {"a": {}}},
        ),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_chat__json_mode__is_a_tool_whose_arguments_are_the_text(wanted, name, schema, stream):
    server = ModelServer()
    block = {"type": "tool_use", "id": "t", "name": name, "input": {}}
    pieces = [{"type": "input_json_delta", "partial_json": text} for text in ('{"a"', ":1}")]
    server.body = [*ANTHROPIC_BEGIN, *_block(0, block, *pieces), _message_delta("tool_use")]
    if not stream:
        answer = {"content": [block | {"input": {"a": 1}}], "stop_reason": "tool_use", "usage": {"output_tokens": 2}}
        server.body = json.dumps(answer).encode()

    outcome = ask("anthropic", server, make_chat(stream=stream, response_format=wanted))

    assert "".join(outcome.text) == '{"a":1}'
    assert (outcome.calls, outcome.finish) == ([], "stop")
    body = server.asked[0]["body"]
    assert body["tools"][0] | {"description": ""} == {"name": name, "description": "", "input_schema": schema}
    assert body["tool_choice"] == {"type": "tool", "name": name}


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("pause_turn", "stop"),
        ("something_new", "stop"),
    ],
)
def test_chat__stop_reasons__are_told_as_one_of_four(reason, finish):
    server = ModelServer()
    server.body = [*ANTHROPIC.begin, *ANTHROPIC.said, _message_delta(reason), *ANTHROPIC.close]

    assert ask("anthropic", server).end == (Finish(finish), Usage(7, 2, 2))


def test_chat__call_without_arguments_beside_text__has_an_empty_object():
    server = ModelServer()
    server.body = [
        *ANTHROPIC_BEGIN,
        *_block(0, {"type": "text", "text": "I look."}),
        *_block(1, {"type": "tool_use", "id": "a", "name": "now", "input": {}}),
        *_block(2, {"type": "tool_use", "id": "b", "name": "now", "input": {}}),
        _message_delta("tool_use"),
    ]

    outcome = ask("anthropic", server)

    assert outcome.text == ["I look."]
    assert [(call.index, call.id, call.arguments) for call in outcome.calls] == [
        (0, "a", ""),
        (0, "", "{}"),
        (1, "b", ""),
        (1, "", "{}"),
    ]


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("overloaded_error", UpstreamBusy),
        ("rate_limit_error", UpstreamBusy),
        ("authentication_error", UpstreamKeyRefused),
        ("permission_error", UpstreamKeyRefused),
        ("billing_error", UpstreamKeyRefused),
        ("not_found_error", ModelVanished),
        ("invalid_request_error", UpstreamRefused),
        ("request_too_large", UpstreamRefused),
        ("api_error", UpstreamFailed),
        ("timeout_error", UpstreamFailed),
        ("something_new", UpstreamFailed),
    ],
)
def test_chat__error_event__is_told_apart_by_its_type(kind, error):
    server = ModelServer()
    server.body = [*ANTHROPIC.begin, named({"type": "error", "error": {"type": kind, "message": "words"}})]

    outcome = ask("anthropic", server)

    assert type(outcome.error) is error
    assert outcome.error.params["what"] == "words"


def test_chat__events_yet_to_be_invented__are_passed_over():
    server = ModelServer()
    unknown = [named({"type": "something_new", "index": 0}), b": comment\n\n", b"event: x\ndata: {}\n\n"]
    citations = _block(9, {"type": "server_tool_use"}, {"type": "citations_delta", "citation": {}})
    server.body = [*ANTHROPIC.begin, unknown[0], unknown[1], *citations, *ANTHROPIC.said, *ANTHROPIC.finish]

    assert ask("anthropic", server).text == ["Hello", " world"]


def test_chat__cut_in_mid_stream__input_is_known_from_the_beginning():
    server = ModelServer()
    server.body = [*ANTHROPIC.begin, *ANTHROPIC.said, named({"type": "message_stop"})]

    assert ask("anthropic", server).items == [Delta("Hello"), Delta(" world"), Finish("stop"), Usage(7, None, 2)]


def test_embed__no_such_thing__is_refused():
    with pytest.raises(NotSupported):
        embed("anthropic", ModelServer(), ["a"])
