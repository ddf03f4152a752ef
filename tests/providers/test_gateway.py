"""The gateway: a route is chosen, failures before the first word are survived, later ones are told."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from apps.core.config import reader
from apps.core.errors import ApiError
from apps.providers import gateway
from apps.providers.catalogue import candidates
from apps.providers.errors import (
    EndpointSaturated,
    ModelVanished,
    NoRoute,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamKeyRefused,
    UpstreamRefused,
)
from apps.providers.gateway import Ask
from apps.providers.handlers import handlers
from apps.providers.models import Endpoint, Offer
from apps.providers.pricing import weight
from apps.providers.services import read_secret, release_catalogue, set_secret
from apps.providers.types import Answer, Candidate, ChatRequest, Delta, Finish, Item, Usage
from tests.features.builders import make_model
from tests.providers.builders import KEY, make_candidate, make_request


class ScriptedHandler:
    """Each endpoint plays its script: texts are said, errors raised."""

    key, label, requires_secret = "scripted", "Scripted", False
    operations = frozenset({"chat"})

    def __init__(self, **scripts: list[Any]) -> None:
        self.scripts, self.calls = scripts, []

    async def chat(self, request: ChatRequest, candidate: Candidate, secret: str | None) -> AsyncIterator[Item]:
        self.calls.append(candidate.endpoint)
        for item in self.scripts[candidate.endpoint].pop(0):
            if isinstance(item, ApiError):
                raise item
            yield Delta(item)
        yield Finish("stop")
        yield Usage(1, 2)


@pytest.fixture
def play(db, monkeypatch):
    """Install endpoints `a` and `b` with scripts, ask, and tell what came of it."""

    def start(*, retries: int = 0, **scripts: list[Any]) -> ScriptedHandler:
        handler = ScriptedHandler(**scripts)
        monkeypatch.setitem(handlers(), "scripted", handler)
        for priority, key in enumerate(scripts):
            make_model(key, handler_key="scripted", priority=priority, max_retries=retries)
        return handler

    return start


def chat(text: str = "Hi", **route: Any) -> tuple[Answer, list[str]]:
    heard: list[str] = []

    async def on_delta(piece: str) -> None:
        heard.append(piece)

    async def work() -> Answer:
        hear = route.pop("on_delta", on_delta)
        return await gateway.chat(make_request(text), Ask(**({"capability": "chat"} | route)), on_delta=hear)

    return async_to_sync(work)(), heard


def busy() -> ApiError:
    return UpstreamBusy(endpoint="a")


def test_chat__first_answers__tells_who(play):
    handler = play(a=[["Hel", "lo"]], b=[["no"]])

    answer, heard = chat()

    assert (answer.text, answer.model_used, answer.endpoint, answer.mock) == ("Hello", "a-1", "a", False)
    assert (answer.usage, answer.attempts, heard, handler.calls) == (Usage(1, 2), (), ["Hel", "lo"], ["a"])


def test_chat__first_fails_before_a_word__the_next_answers(play):
    handler = play(a=[[busy()]], b=[["Hi"]])

    answer, heard = chat()

    assert (answer.endpoint, heard, handler.calls) == ("b", ["Hi"], ["a", "b"])
    assert answer.attempts == ({"endpoint": "a", "model": "a-1", "error": "PROVIDERS_5003"},)


def test_chat__fails_after_a_word__does_not_fail_over(play):
    handler = play(retries=3, a=[["Hel", UpstreamFailed(endpoint="a", what="cut")]], b=[["no"]])

    with pytest.raises(UpstreamFailed):
        chat()

    assert handler.calls == ["a"]


def test_chat__retryable__is_tried_again_as_often_as_the_endpoint_says(play):
    down = UpstreamFailed(endpoint="a", what="down")
    handler = play(retries=2, a=[[down], [down], [down]], b=[["Hi"]])

    answer, _heard = chat()

    assert (handler.calls, answer.endpoint, len(answer.attempts)) == (["a", "a", "a", "b"], "b", 3)


def test_chat__busy__is_given_its_pause_and_the_next_answers(play):
    handler = play(retries=2, a=[[busy()], ["no"]], b=[["Hi"], ["Hi"]])

    first, second = chat()[0], chat()[0]

    assert handler.calls == ["a", "b", "b"]
    assert [attempt["error"] for attempt in first.attempts] == ["PROVIDERS_5003"]
    assert second.endpoint == "b"


def test_chat__request_refused__is_asked_nowhere_else(play):
    handler = play(retries=2, a=[[UpstreamRefused(endpoint="a", what="no")]], b=[["Hi"]])

    with pytest.raises(UpstreamRefused):
        chat()

    assert handler.calls == ["a"]


@pytest.mark.parametrize("failure", [UpstreamKeyRefused(endpoint="a"), ModelVanished(endpoint="a", what="gone")])
def test_chat__endpoint_cannot_answer__is_not_tried_again_but_the_next_is(play, failure):
    handler = play(retries=2, a=[[failure]], b=[["Hi"]])

    assert chat()[0].endpoint == "b"
    assert handler.calls == ["a", "b"]


def test_chat__all_fail__raises_the_last(play):
    play(a=[[busy()]], b=[[UpstreamFailed(endpoint="b", what="down")]])

    with pytest.raises(UpstreamFailed, match="b"):
        chat()


def test_chat__model_named__only_its_endpoint_is_asked(play):
    handler = play(a=[["no"]], b=[["Hi"]])

    assert chat(model="b-1")[0].endpoint == "b"
    assert handler.calls == ["b"]


def test_chat__nothing_released__is_no_route(db):
    with pytest.raises(NoRoute):
        chat()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda: Endpoint.objects.update(enabled=False),
        lambda: Offer.objects.update(enabled=False),
        lambda: Offer.objects.update(capabilities=["embed"]),
        lambda: Endpoint.objects.update(handler_key="unheard-of"),
        lambda: Endpoint.objects.all().delete(),
    ],
)
def test_candidates__nobody_usable__is_no_route(db, spoil):
    make_model()
    spoil()
    release_catalogue(by=None)
    reader.reset()

    with pytest.raises(NoRoute):
        candidates("chat")


def test_candidates__order__is_priority_then_key(db):
    for key, priority in (("c", 5), ("b", 9), ("a", 9)):
        make_model(key, priority=priority)
    reader.reset()

    assert [c.endpoint for c in candidates("chat")] == ["c", "a", "b"]


def test_candidates__openai_without_a_key__is_none_until_the_key_is_set(
    db, operator, django_capture_on_commit_callbacks
):
    make_model("mock", priority=1000)
    openai = make_model("openai", handler_key="openai", base_url="https://api.openai.com/v1", priority=1)
    assert [c.endpoint for c in candidates("chat")] == ["mock"]

    with django_capture_on_commit_callbacks(execute=True):
        set_secret(openai, KEY, by=operator)

    assert [c.endpoint for c in candidates("chat")] == ["openai", "mock"]
    assert read_secret(openai.pk) == KEY


@pytest.mark.parametrize(("question", "words"), [("Product: mug", "Sample answer"), ("商品：杯子", "示例回答")])
def test_mock__question__is_answered_in_its_language(db, question, words):
    make_model()

    answer, heard = chat(question)

    assert (words in answer.text, question in answer.text, answer.mock) == (True, True, True)
    assert "".join(heard) == answer.text
    assert answer.usage.output_tokens == len(heard) > 3


@pytest.mark.parametrize(("model", "error"), [("mock-busy", UpstreamBusy), ("mock-down", UpstreamFailed)])
def test_mock__scripted_fault__fails_before_a_word(db, model, error):
    make_model()
    Offer.objects.update(model=model)
    release_catalogue(by=None)
    reader.reset()

    with pytest.raises(error):
        chat()


def test_mock__scripted_cut__fails_after_three_pieces(db):
    make_model()
    Offer.objects.update(model="mock-cut")
    release_catalogue(by=None)
    reader.reset()
    heard: list[str] = []

    async def on_delta(piece: str) -> None:
        heard.append(piece)

    with pytest.raises(UpstreamFailed):
        chat(on_delta=on_delta)

    assert len(heard) == 3


@pytest.mark.parametrize("key", ["mock", "openai"])
def test_handlers__every_one__is_registered_and_says_whether_it_needs_a_key(key):
    assert handlers()[key].key == key
    assert handlers()[key].requires_secret is (key == "openai")


# --- tokens a minute --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "limit", "expected"),
    [
        ({"tpm": 10_000}, 500, 700),  # what the caller allows
        ({"tpm": 10_000, "max_output": 300}, None, 500),  # what the catalogue says
        ({"tpm": 10_000, "max_output": 300}, 50, 250),
        ({"tpm": 10_000}, None, 200 + 4096),  # what is presumed
        ({"tpm": 10_000, "context_window": 1000}, None, 1200),
        ({"tpm": 600}, None, 600),  # the whole minute, or it could never be made
        ({"tpm": 100}, None, 200),  # what is sent alone is too much, and refused
        ({"tpm": 0}, 500, 200),  # nothing is counted
    ],
)
def test_weight__of_a_call__is_what_it_may_come_to(fields, limit, expected):
    assert weight(make_candidate("", **fields), 200, limit) == expected


def test_ask__answers_begin_together__pass_the_tokens_a_minute_not_even_together(play):
    handler = play(a=[["word"], ["word"]])
    Endpoint.objects.update(tpm=1_000)
    release_catalogue(by=None)
    reader.reset()
    request = make_request(max_tokens=600)

    async def work() -> tuple[Any, int, Any]:
        first = await gateway.stream(request, Ask("chat"))
        with pytest.raises(EndpointSaturated) as refused:
            await gateway.stream(request, Ask("chat"))
        async for _item in first.items:
            pass
        second = await gateway.chat(request, Ask("chat"))
        return refused.value, len(handler.calls), second

    error, calls, second = async_to_sync(work)()

    assert error.code == "PROVIDERS_5007"
    assert (calls, second.text) == (2, "word")  # what was reserved in vain was given back
