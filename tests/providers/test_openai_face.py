"""`/v1/*` as OpenAI's clients see it."""

import json
from typing import Any

import pytest

from apps.providers.models import Endpoint, Offer
from apps.providers.services import release_catalogue


def events(text: str) -> list[Any]:
    """The data of each event, `[DONE]` as text."""
    found = [line[6:] for line in text.split("\n\n") if line.startswith("data: ")]
    return [data if data == "[DONE]" else json.loads(data) for data in found]


def make_model(key: str, *, model: str, capabilities: tuple[str, ...] = ("chat",)) -> None:
    """A released endpoint that offers one model by name."""
    endpoint = Endpoint.objects.create(key=key, name=key, handler_key="mock")
    Offer.objects.create(endpoint=endpoint, model=model, capabilities=list(capabilities))
    release_catalogue(by=None)


@pytest.fixture
def mock_model(db: None) -> None:
    make_model("mock", model="mock-chat")


def ask(text: str = "Say hi", **more: Any) -> dict[str, Any]:
    return {"model": "mock-chat", "messages": [{"role": "user", "content": text}], **more}


def test_chat__plain__has_openais_shape(api, member, mock_model):
    answer = api(member).post("/v1/chat/completions", json=ask())

    assert answer.status_code == 200
    told = answer.json()
    assert told["object"] == "chat.completion"
    assert told["choices"][0]["message"]["content"].startswith("**Sample answer**")
    assert told["usage"]["total_tokens"] == told["usage"]["prompt_tokens"] + told["usage"]["completion_tokens"]
    assert told["paiban"] == {
        "model_used": "mock-chat",
        "endpoint": "mock",
        "attempts": [],
        "degraded": False,
        "mock": True,
    }
    assert answer.headers["x-paiban-endpoint"] == "mock"


def test_chat__stream__ends_with_done_and_counts_only_when_asked(api, member, mock_model):
    without = events(api(member).post("/v1/chat/completions", json=ask(stream=True)).text)
    with_counts = ask(stream=True, stream_options={"include_usage": True})
    counted = events(api(member).post("/v1/chat/completions", json=with_counts).text)

    assert without[-1] == counted[-1] == "[DONE]"
    assert all(event["choices"] for event in without[:-1])
    assert counted[-2]["choices"] == []
    assert counted[-2]["usage"]["completion_tokens"] > 0
    assert without[-2]["choices"][0]["finish_reason"] == "stop"


def test_chat__anonymous__is_refused_in_openais_shape(api, mock_model):
    answer = api(None).post("/v1/chat/completions", json=ask())

    assert answer.status_code == 401
    assert set(answer.json()["error"]) >= {"message", "type", "param", "code"}
    assert answer.json()["error"]["code"] == "invalid_api_key"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ({"model": ""}, "model"),
        ({"model": 5}, "model"),
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": "9"}, "max_tokens"),
        ({"stream": "yes"}, "stream"),
        ({"tools": {}}, "tools"),
    ],
)
def test_chat__body_that_is_none__is_refused_with_its_place(api, member, mock_model, body, param):
    answer = api(member).post("/v1/chat/completions", json=ask() | body)

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


@pytest.mark.parametrize("stream", [True, False])
def test_chat__unknown_model__is_openais_404(api, member, mock_model, stream):
    answer = api(member).post("/v1/chat/completions", json=ask(stream=stream) | {"model": "gone"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


def test_chat__cut_in_mid_stream__is_told_in_the_last_frame(api, member, db):
    make_model("mock", model="mock-cut")

    told = events(api(member).post("/v1/chat/completions", json=ask(stream=True) | {"model": "mock-cut"}).text)

    assert told[-1]["error"]["paiban_code"] == "PROVIDERS_5001"
    assert "[DONE]" not in told


def test_models__lists_each_name_once(api, member, mock_model):
    make_model("second", model="mock-chat")

    told = api(member).get("/v1/models").json()

    assert [card["id"] for card in told["data"]] == ["mock-chat"]
    assert api(member).get("/v1/models/mock-chat").json()["id"] == "mock-chat"
    assert api(member).get("/v1/models/gone").status_code == 404


def test_completions__model_that_only_chats__answers_a_prompt(api, member, mock_model):
    told = api(member).post("/v1/completions", json={"model": "mock-chat", "prompt": "Say hi"}).json()

    assert told["object"] == "text_completion"
    assert told["choices"][0]["text"].startswith("**Sample answer**")


def test_unified__stream__has_the_documented_order(api, member, mock_model):
    text = api(member).post("/api/v1/ai/chat", json=ask(stream=True)).text

    names = [line[7:] for line in text.split("\n") if line.startswith("event: ")]
    assert names[0] == "start"
    assert set(names[1:-2]) == {"delta"}
    assert names[-2:] == ["usage", "done"]
    assert [line[4:] for line in text.split("\n") if line.startswith("id: ")] == [str(n + 1) for n in range(len(names))]


def test_unified__capability_without_model__chooses_one(api, member, mock_model):
    told = api(member).post("/api/v1/ai/completions", json={"prompt": "Say hi"}).json()

    assert (told["model_used"], told["mock"], told["finish_reason"]) == ("mock-chat", True, "stop")
    assert told["usage"]["estimated"] is False


def test_chat__person_was_switched_off__their_token_spends_no_more(
    api, member, mock_model, django_capture_on_commit_callbacks
):
    caller = api(member)
    assert caller.post("/v1/chat/completions", json=ask()).status_code == 200
    member.is_active = False
    with django_capture_on_commit_callbacks(execute=True):
        member.save()

    answer = caller.post("/v1/chat/completions", json=ask())

    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "authentication_error")
