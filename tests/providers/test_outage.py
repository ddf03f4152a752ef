"""A rehearsal: the first of two endpoints goes down, is left alone, and comes back."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from apps.core import redis
from apps.providers import gateway
from apps.providers.admission import metrics
from apps.providers.admission.desk import Desk, current_desk
from apps.providers.admission.rules import LEAST_CALLS, OPEN_MS
from apps.providers.catalogue import candidates
from apps.providers.errors import CircuitOpen, UpstreamFailed
from apps.providers.gateway import Ask
from apps.providers.handlers import handlers
from apps.providers.types import Candidate, ChatRequest, Delta, Finish, Item, Usage
from tests.features.builders import make_model
from tests.providers.builders import make_request


class Plant:
    """Endpoints that answer unless they are down."""

    key, label, requires_secret = "plant", "Plant", False
    operations = frozenset({"chat"})

    def __init__(self) -> None:
        self.down: set[str] = set()
        self.asked: list[str] = []

    async def chat(self, request: ChatRequest, candidate: Candidate, secret: str | None) -> AsyncIterator[Item]:
        self.asked.append(candidate.endpoint)
        if candidate.endpoint in self.down:
            raise UpstreamFailed(endpoint=candidate.endpoint, what="HTTP 503")
        yield Delta("Hi")
        yield Finish("stop")
        yield Usage(1, 2)


@pytest.fixture
def plant(db, monkeypatch) -> Plant:
    monkeypatch.setattr(Desk, "_arm", lambda self: None)  # the rehearsal says itself when news are heard
    found = Plant()
    monkeypatch.setitem(handlers(), "plant", found)
    for priority, key in enumerate(("first", "second")):
        make_model(key, handler_key="plant", priority=priority, max_retries=0)
    candidates("chat")  # loaded in this thread, which sees the test's rows
    return found


async def ask() -> Any:
    answer = await gateway.chat(make_request(), Ask("chat"))
    return answer.endpoint, [attempt["error"] for attempt in answer.attempts]


def let_thirty_seconds_pass() -> None:
    """The server's clock cannot be moved, so the end of the pause is."""
    post = current_desk().post(candidates("chat")[0])
    assert redis.client().pttl(post.book.keys[0]) > OPEN_MS
    redis.client().hset(post.book.keys[0], "until", 1)
    post.rests_until = 0.0


def test_outage__first_is_down__costs_five_calls_and_then_nothing(plant):
    async def rehearse() -> None:
        plant.down = {"first"}
        opened = metrics.opened["first"]

        before = [await ask() for _number in range(LEAST_CALLS)]
        plant.asked.clear()
        after = [await ask() for _number in range(20)]

        assert before == [("second", ["PROVIDERS_5001"])] * LEAST_CALLS
        assert after == [("second", [])] * 20
        assert plant.asked == ["second"] * 20
        assert metrics.opened["first"] == opened + 1

    async_to_sync(rehearse)()


def test_outage__first_is_well_again__one_call_finds_out_and_all_others_follow(plant):
    async def rehearse() -> None:
        plant.down = {"first"}
        for _number in range(LEAST_CALLS):
            await ask()
        plant.down, plant.asked = set(), []
        assert await ask() == ("second", [])

        let_thirty_seconds_pass()

        assert [await ask() for _number in range(3)] == [("first", [])] * 3

    async_to_sync(rehearse)()


def test_outage__first_is_still_down__one_call_finds_out_and_is_answered_by_the_second(plant):
    async def rehearse() -> None:
        plant.down = {"first"}
        for _number in range(LEAST_CALLS):
            await ask()

        let_thirty_seconds_pass()

        assert await ask() == ("second", ["PROVIDERS_5001"])
        assert await ask() == ("second", [])

    async_to_sync(rehearse)()


def test_outage__both_are_down__says_so_at_once_and_asks_nobody(plant):
    async def rehearse() -> None:
        plant.down = {"first", "second"}
        for _number in range(LEAST_CALLS):
            with pytest.raises(UpstreamFailed):
                await ask()
        plant.asked.clear()

        with pytest.raises(CircuitOpen) as refused:
            await ask()

        assert plant.asked == []
        assert 0 < refused.value.details["retryAfter"] <= 30

    async_to_sync(rehearse)()
