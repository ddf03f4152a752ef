"""What is Gemini's own: the shape of a request, images that are fetched for it, finish reasons, errors, vectors."""

import base64
import json

import pytest
from asgiref.sync import async_to_sync

from apps.core.errors import ApiError, InvalidRequest
from apps.core.http import AddressRefused, session
from apps.providers import wire
from apps.providers.errors import (
    ModelVanished,
    NotSupported,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamKeyRefused,
    UpstreamRefused,
)
from apps.providers.types import Finish, Usage
from tests.contract.asking import PICTURE, PIXEL, TOOL, ask, embed, make_chat
from tests.contract.wires import GEMINI, _gemini, data
from tests.providers.builders import ModelServer

CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}


def sent(messages=None, *, candidate=None, server=None, **options):
    """The body that went to the vendor."""
    server = server or ModelServer()
    server.body = GEMINI.answer(stream=True)
    outcome = ask("gemini", server, make_chat(messages, **options), **(candidate or {}))
    if outcome.error is not None:
        assert [asked for asked in server.asked if asked["body"]] == []
        raise outcome.error
    return server.asked[-1]["body"]


def test_request__plain_chat__is_mapped():
    body = sent(temperature=1.7, top_p=0.9, stop=["END"], max_tokens=9, seed=3, presence_penalty=1, user="u")

    assert body == {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "generationConfig": {
            "temperature": 1.7,
            "topP": 0.9,
            "seed": 3,
            "presencePenalty": 1,
            "maxOutputTokens": 9,
            "stopSequences": ["END"],
        },
    }


def test_request__nothing_asked_for__has_no_settings():
    assert sent([{"role": "user", "content": "Hi"}]) == {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gemini-2.5-pro", "/v1/models/gemini-2.5-pro:generateContent"),
        ("models/gemini-2.5-pro", "/v1/models/gemini-2.5-pro:generateContent"),
        ("../secret?x", "/v1/models/..%2Fsecret%3Fx:generateContent"),
    ],
)
def test_request__name_of_the_model__cannot_leave_its_place(model, path):
    server = ModelServer()
    server.body = json.dumps(GEMINI.plain).encode()

    ask("gemini", server, make_chat(stream=False), model=model)

    assert server.asked[0]["path"] == path


def test_request__conversation_with_tools__becomes_turns():
    messages = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": [CALL, CALL | {"id": "call_2"}]},
        {"role": "tool", "tool_call_id": "call_1", "content": '{"sky": "blue"}'},
        {"role": "tool", "tool_call_id": "call_2", "content": "rain"},
        {"role": "user", "content": "And?"},
    ]

    body = sent(messages, tools=[TOOL], candidate={"model": "gemini-2.5-pro"})

    call = {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}}
    assert body["contents"] == [
        {"role": "user", "parts": [{"text": "Weather?"}]},
        {"role": "model", "parts": [call, call]},
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "weather", "response": {"sky": "blue"}}},
                {"functionResponse": {"name": "weather", "response": {"result": "rain"}}},
                {"text": "And?"},
            ],
        },
    ]
    function = TOOL["function"]
    declared = {
        "name": "weather",
        "description": "Tells the weather.",
        "parametersJsonSchema": function["parameters"],
    }
    assert body["tools"] == [{"functionDeclarations": [declared]}]


def test_request__call_of_a_model_that_signs_its_thoughts__says_that_there_is_no_signature():
    body = sent([{"role": "assistant", "tool_calls": [CALL]}], candidate={"model": "gemini-3-pro"})

    assert body["contents"][0]["parts"][0]["thoughtSignature"] == "skip_thought_signature_validator"


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (None, None),
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        (
            {"type": "function", "function": {"name": "weather"}},
            {"mode": "ANY", "allowedFunctionNames": ["weather"]},
        ),
    ],
)
def test_request__choice_of_tools__is_mapped(choice, config):
    body = sent(tools=[TOOL], tool_choice=choice)

    assert body.get("toolConfig") == ({"functionCallingConfig": config} if config else None)


@pytest.mark.parametrize(
    ("wanted", "config"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, {"responseMimeType": "application/json"}),
        (
            {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}},
            {"responseMimeType": "application/json", "responseJsonSchema": {"type": "object"}},
        ),
    ],
)
def test_request__json_mode__is_mapped(wanted, config):
    assert sent(response_format=wanted).get("generationConfig") == config


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"n": 2}, "/n"),
        ({"logprobs": True}, "/logprobs"),
        ({"logit_bias": {"1": 5}}, "/logit_bias"),
        ({"audio": {"voice": "a"}}, "/audio"),
        ({"tools": [TOOL], "parallel_tool_calls": False}, "/parallel_tool_calls"),
        ({"something_new": 1}, "/something_new"),
    ],
)
def test_request__what_the_vendor_lacks__is_refused_by_name(options, pointer):
    with pytest.raises(NotSupported) as refused:
        sent(**options)

    assert refused.value.details["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("messages", "pointer"),
    [
        ([{"role": "tool", "tool_call_id": "other", "content": "x"}], "/messages/0/tool_call_id"),
        ([{"role": "user", "content": None}], "/messages"),
    ],
)
def test_request__broken_message__is_the_callers_to_mend(messages, pointer):
    with pytest.raises(InvalidRequest) as refused:
        sent(messages)

    assert refused.value.details["errors"][0]["pointer"] == pointer


def test_request__gif__is_refused():
    gif = base64.b64encode(b"GIF89a" + b"\0" * 20).decode()
    part = {"type": "image_url", "image_url": {"url": f"data:image/gif;base64,{gif}"}}

    with pytest.raises(NotSupported):
        sent([{"role": "user", "content": [part]}])


class PictureServer(ModelServer):
    """Serves pictures below `/pictures`, and answers as a model everywhere else."""

    picture: bytes = base64.b64decode(PIXEL)
    picture_status = 200

    async def answer(self, request):
        if not request.path.startswith("/pictures"):
            return await super().answer(request)
        kept, self.body, self.status = (self.body, self.status), self.picture, self.picture_status
        self.headers = {"Location": "/pictures/other"} if self.picture_status == 302 else {}
        try:
            return await super().answer(request)
        finally:
            (self.body, self.status), self.headers = kept, {}


async def served(server: PictureServer, url: str):
    async with server.running() as base:
        try:
            return await wire.fetched(wire.Link(url.format(base=base.removesuffix("/v1")), "/messages/0"))
        finally:
            assert len(session().connector._acquired) == 0


def fetch(server: PictureServer, url: str = "{base}/pictures/a"):
    return async_to_sync(served)(server, url)


def test_fetched__picture__is_inlined_with_its_real_type():
    assert fetch(PictureServer()) == wire.Image("image/png", PIXEL)


@pytest.mark.parametrize("status", [302, 404, 500])
def test_fetched__anything_but_success__is_the_callers_to_mend(status):
    server = PictureServer()
    server.picture_status = status

    with pytest.raises(InvalidRequest):
        fetch(server)

    assert len(server.asked) == 1


def test_fetched__no_picture__is_the_callers_to_mend():
    server = PictureServer()
    server.picture = b"<svg onload=alert(1)>"

    with pytest.raises(InvalidRequest):
        fetch(server)


def test_fetched__too_large__is_the_callers_to_mend(monkeypatch):
    monkeypatch.setattr(wire, "MAX_IMAGE", 60)

    with pytest.raises(InvalidRequest):
        fetch(PictureServer())


def test_fetched__inside_address__is_refused_and_not_asked(settings):
    settings.OUTBOUND_ALLOWED_HOSTS = []
    server = PictureServer()

    with pytest.raises(AddressRefused):
        fetch(server)

    assert server.asked == []


def test_fetched__nobody_listens__is_the_callers_to_mend():
    with pytest.raises(InvalidRequest):
        fetch(PictureServer(), "http://127.0.0.1:1/a.png")


def test_request__picture_behind_a_link__is_fetched_and_sent(monkeypatch):
    async def fetched(link):
        assert (link.url, link.pointer) == ("https://example.com/a.png", "/messages/0/content/1/image_url")
        return wire.Image("image/jpeg", "anBn")

    monkeypatch.setattr(wire, "fetched", fetched)
    link = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}

    body = sent([{"role": "user", "content": [PICTURE, link, {"type": "text", "text": "Which?"}]}])

    assert body["contents"][0]["parts"] == [
        {"inlineData": {"mimeType": "image/png", "data": PIXEL}},
        {"inlineData": {"mimeType": "image/jpeg", "data": "anBn"}},
        {"text": "Which?"},
    ]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("OTHER", "stop"),
        ("SOMETHING_NEW", "stop"),
    ],
)
def test_chat__finish_reasons__are_told_as_one_of_four(reason, finish, stream):
    server, answer = ModelServer(), _gemini({"text": "Hi"}, finish=reason)
    server.body = [data(answer)] if stream else json.dumps(answer).encode()

    assert ask("gemini", server, make_chat(stream=stream)).end == (Finish(finish), Usage(None, None))


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL"])
def test_chat__call_that_is_none__is_a_failure(reason):
    server = ModelServer()
    server.body = [data(_gemini(finish=reason))]

    outcome = ask("gemini", server)

    assert isinstance(outcome.error, UpstreamFailed)
    assert outcome.error.params["what"] == reason


@pytest.mark.parametrize("stream", [True, False])
def test_chat__question_is_blocked__ends_as_filtered(stream):
    server = ModelServer()
    answer = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 7}}
    server.body = [data(answer)] if stream else json.dumps(answer).encode()

    assert ask("gemini", server, make_chat(stream=stream)).items == [Finish("content_filter"), Usage(7, None)]


def test_chat__calls_without_ids__are_given_some():
    server = ModelServer()
    call = {"functionCall": {"name": "now"}}
    server.body = [data(_gemini(call, call, finish="STOP"))]

    first, second = ask("gemini", server).calls

    assert (first.index, second.index, first.arguments, second.name) == (0, 1, "{}", "now")
    assert first.id.startswith("call_")
    assert first.id != second.id


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (
            400,
            {"error": {"message": "API key not valid", "details": [{"reason": "API_KEY_INVALID"}]}},
            UpstreamKeyRefused,
        ),
        (400, {"error": {"message": "No such field"}}, UpstreamRefused),
        (429, [{"error": {"message": "Slow down", "details": [{"retryDelay": "17s"}]}}], UpstreamBusy),
        (200, {"error": {"code": 429, "message": "Slow down"}}, UpstreamBusy),
        (200, {"error": {"code": 404, "message": "No such model"}}, ModelVanished),
        (200, {"error": "text"}, UpstreamFailed),
    ],
)
def test_chat__errors__are_told_apart_by_what_they_say(status, body, error):
    server = ModelServer()
    server.status, server.body = status, json.dumps(body).encode()

    outcome = ask("gemini", server, make_chat(stream=False))

    assert type(outcome.error) is error
    assert isinstance(outcome.error, ApiError)
    assert outcome.error.details == ({"retryAfter": 17} if status == 429 else {})


class VectorServer(ModelServer):
    async def answer(self, request):
        asked = (await request.json())["requests"]
        rows = [{"values": [len(one["content"]["parts"][0]["text"]), 0.5]} for one in asked]
        self.body = json.dumps({"embeddings": rows}).encode()
        return await super().answer(request)


def test_embed__many_texts__are_asked_for_a_hundred_at_a_time():
    server = VectorServer()

    found = embed("gemini", server, ["x" * (number + 1) for number in range(205)], model="models/embedding-a")

    assert found.vectors == [[float(number + 1), 0.5] for number in range(205)]
    assert found.usage == Usage(None, 0)
    assert [len(asked["body"]["requests"]) for asked in server.asked] == [100, 100, 5]
    assert server.asked[0]["path"] == "/v1/models/embedding-a:batchEmbedContents"
    assert server.asked[0]["body"]["requests"][0]["model"] == "models/embedding-a"


@pytest.mark.parametrize("body", [{}, {"embeddings": []}, {"embeddings": [{"values": "x"}]}, {"embeddings": [1]}])
def test_embed__malformed__fails_cleanly(body):
    server = ModelServer()
    server.body = json.dumps(body).encode()

    with pytest.raises(UpstreamFailed):
        embed("gemini", server, ["a"])
