"""A degrade policy: when the wanted model cannot answer for a reason it names, another one does, and says so."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from pydantic import ValidationError

from apps.core.config import reader
from apps.core.errors import ApiError
from apps.providers import gateway
from apps.providers.degrade import DegradePolicy, policy_of
from apps.providers.errors import (
    EndpointSaturated,
    NoRoute,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamRefused,
    UpstreamTimeout,
)
from apps.providers.gateway import Ask
from apps.providers.handlers import handlers
from apps.providers.models import Endpoint, Offer
from apps.providers.services import release_catalogue
from apps.providers.types import Answer, Candidate, ChatRequest, Delta, Item
from tests.providers.builders import make_request

POLICY = DegradePolicy(fallback_model="small", max_tokens_factor=0.5, notice={"en": "Shorter today."})


def offer(**models: str) -> None:
    """A released mock endpoint for each, in this order, with one model; its name scripts the fault."""
    for priority, (key, model) in enumerate(models.items()):
        endpoint = Endpoint.objects.create(key=key, name=key, handler_key="mock", priority=priority, max_retries=0)
        Offer.objects.create(endpoint=endpoint, model=model, capabilities=["chat"])
    release_catalogue(by=None)
    reader.reset()


def ask(*, model: str, degrade: DegradePolicy | None = POLICY, **request: Any) -> tuple[Answer, str]:
    heard: list[str] = []

    async def on_delta(piece: str) -> None:
        heard.append(piece)

    async def work() -> Answer:
        route = Ask("chat", model, degrade=degrade)
        return await gateway.chat(make_request(**request), route, on_delta=on_delta)

    return async_to_sync(work)(), "".join(heard)


def codes(answer: Answer) -> list[tuple[str, str]]:
    return [(attempt["endpoint"], attempt["error"]) for attempt in answer.attempts]


@pytest.mark.parametrize(("fault", "code"), [("mock-busy", "PROVIDERS_5003"), ("mock-down", "PROVIDERS_5001")])
def test_chat__wanted_model_fails__the_fallback_answers_and_says_so(db, fault, code):
    offer(first=fault, second=fault, spare="small")

    answer, heard = ask(model=fault)

    assert (answer.model_used, answer.endpoint, answer.degraded) == ("small", "spare", True)
    assert codes(answer) == [("first", code), ("second", code)]
    assert heard == answer.text != ""


def test_chat__wanted_model_is_offered_nowhere__the_fallback_answers(db):
    offer(spare="small")

    assert ask(model="gone")[0].degraded is True


def test_chat__wanted_model_answers__nothing_is_degraded(db):
    offer(first="large", spare="small")

    answer, _heard = ask(model="large")

    assert (answer.model_used, answer.degraded) == ("large", False)


@pytest.mark.parametrize("policy", [None, DegradePolicy(on=["rate_limited"], fallback_model="small")])
def test_chat__no_policy_or_another_reason__the_failure_is_told(db, policy):
    offer(first="mock-down", spare="small")

    with pytest.raises(UpstreamFailed):
        ask(model="mock-down", degrade=policy)


def test_chat__fails_after_a_word__does_not_begin_another_answer(db):
    offer(first="mock-cut", spare="small")

    with pytest.raises(UpstreamFailed):
        ask(model="mock-cut")


def test_chat__fallback_offered_nowhere__the_first_failure_is_told(db):
    offer(first="mock-busy")

    with pytest.raises(UpstreamBusy):
        ask(model="mock-busy")


def test_chat__fallback_was_tried_already__is_not_tried_again(db):
    offer(first="mock-busy")

    with pytest.raises(UpstreamBusy):
        ask(model="", degrade=DegradePolicy(fallback_model="mock-busy"))


class Listening:
    """Answers by `small` alone and remembers what limit it was given."""

    key, label, requires_secret = "mock", "Mock", False
    operations = frozenset({"chat"})

    def __init__(self) -> None:
        self.limits: list[int | None] = []

    async def chat(self, request: ChatRequest, candidate: Candidate, secret: str | None) -> AsyncIterator[Item]:
        self.limits.append(request.max_tokens)
        if candidate.model != "small":
            raise UpstreamTimeout(endpoint=candidate.endpoint)
        yield Delta("ok")


@pytest.mark.parametrize(("limit", "lowered"), [(None, None), (100, 50), (1, 1)])
def test_chat__fallback__is_asked_for_less(db, monkeypatch, limit, lowered):
    handler = Listening()
    monkeypatch.setitem(handlers(), "mock", handler)
    offer(first="large", spare="small")

    ask(model="large", max_tokens=limit)

    assert handler.limits == [limit, lowered]


@pytest.mark.parametrize(
    ("failures", "covered"),
    [
        ([], False),
        ([UpstreamBusy(endpoint="a")], True),
        ([UpstreamTimeout(endpoint="a"), UpstreamFailed(endpoint="b", what="x")], True),
        ([NoRoute(capability="chat")], True),
        ([UpstreamBusy(endpoint="a"), UpstreamRefused(endpoint="b", what="no")], False),
    ],
)
def test_covers__failures__all_have_to_be_named(failures: list[ApiError], covered: bool):
    assert POLICY.covers(failures) is covered


@pytest.mark.parametrize(("reasons", "covered"), [(["rate_limited"], True), (["unavailable"], False)])
def test_covers__our_own_limit__is_a_rate_limit(reasons: list[Any], covered: bool):
    policy = DegradePolicy(on=reasons, fallback_model="small")

    assert policy.covers([EndpointSaturated(endpoint="a", what="calls at once")]) is covered


@pytest.mark.parametrize(
    "raw",
    [
        {"on": []},
        {"fallback_model": ""},
        {"fallback_model": "  "},
        {"fallback_model": "m", "on": []},
        {"fallback_model": "m", "on": ["refused"]},
        {"fallback_model": "m", "max_tokens_factor": 0},
        {"fallback_model": "m", "max_tokens_factor": 1.1},
        {"fallback_model": "m", "notice": {"fr": "Bonjour"}},
        {"fallback_model": "m", "notice": {"en": ""}},
        {"fallback_model": "m", "notice": "text"},
        {"fallback_model": "m", "surprise": 1},
    ],
)
def test_policy__of_another_shape__is_refused(raw):
    with pytest.raises(ValidationError):
        policy_of(raw)


def test_policy__empty__is_none():
    assert policy_of({}) is None
