"""The desk of a process: when it asks Redis, what it remembers, and what it does without."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from inspect import signature
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from redis.exceptions import ConnectionError as RedisGone

from apps.core import redis as connections
from apps.core import redis_scripts
from apps.core.errors import ApiError
from apps.core.per_loop import PerLoop
from apps.core.redis_wire import Wire, wire
from apps.providers.admission import desk as desks
from apps.providers.admission import post as posts
from apps.providers.admission.desk import Desk
from apps.providers.admission.records import Permit, Phase, Result, result_of
from apps.providers.admission.shared import look
from apps.providers.errors import (
    CircuitOpen,
    EndpointSaturated,
    ModelVanished,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamRefused,
    UpstreamTimeout,
)
from tests.providers.builders import make_candidate

OK, BAD = Result("ok", 1), Result("bad", words="PROVIDERS_5001 down")
STALE = 600.0


def scenario(work: Callable[..., Awaitable[None]]) -> Callable[[pytest.MonkeyPatch], None]:
    """An async test that no busy machine disturbs: it says itself when news are heard, and when they are old."""

    def test(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Desk, "_arm", lambda self: None)
        for module in (desks, posts):
            monkeypatch.setattr(module, "STALE_SECONDS", STALE)
        async_to_sync(work)(*([monkeypatch] if "monkeypatch" in signature(work).parameters else []))

    test.__name__ = work.__name__  # type: ignore[attr-defined]
    return test


def plain(**fields: Any) -> Any:
    return make_candidate("", **fields)


async def hear(desk: Desk) -> None:
    """One turn of the ticker."""
    await desk._turn(list(desk._posts.values()))


async def call(desk: Desk, candidate: Any, result: Result = OK, first_ms: float | None = None) -> None:
    await desk.leave(await desk.admit(candidate, 1), result, first_ms)


async def sent(work: Awaitable[Any]) -> int:
    """How many scripts `work` sent."""
    count, ask = 0, Wire.ask

    def counted(self: Any, *given: Any, **more: Any) -> Any:
        nonlocal count
        count += 1
        return ask(self, *given, **more)

    Wire.ask = counted  # type: ignore[method-assign]
    try:
        await work
    finally:
        Wire.ask = ask  # type: ignore[method-assign]
    return count


@scenario
async def test_admit__no_limits_and_well__asks_nobody_after_the_first_time():
    desk, candidate = Desk(), plain()

    assert await sent(call(desk, candidate)) == 1
    assert await sent(call(desk, candidate)) == 0
    assert desk.post(candidate).answered == 2


@scenario
async def test_admit__old_news__asks_first():
    desk, candidate = Desk(), plain()
    await call(desk, candidate)
    desk.post(candidate).seen_at -= STALE + 1

    assert await sent(call(desk, candidate)) == 1


@scenario
async def test_admit__many_at_once_without_news__ask_once():
    desk, candidate = Desk(), plain()

    async def all_at_once() -> None:
        await asyncio.gather(*(desk.admit(candidate, 1) for _number in range(20)))

    assert await sent(all_at_once()) == 1


@pytest.mark.parametrize(
    ("limits", "scripts"), [({"rpm": 9}, 1), ({"tpm": 9}, 2), ({"max_concurrency": 9}, 2), ({"rpm": 9, "tpm": 9}, 2)]
)
def test_call__limited__is_one_script_before_and_at_most_one_after(monkeypatch, limits, scripts):
    @scenario
    async def test() -> None:
        assert await sent(call(Desk(), plain(**limits))) == scripts

    test(monkeypatch)


@scenario
async def test_failures__in_one_process__open_the_circuit_of_another_by_its_next_news():
    here, there, candidate = Desk(), Desk(), plain()
    await call(there, candidate)
    for _number in range(5):
        await call(here, candidate, BAD)

    await hear(there)

    with pytest.raises(CircuitOpen) as refused:
        await there.admit(candidate, 1)
    assert refused.value.details == {"retryAfter": 30}
    assert there.is_resting(candidate)


@scenario
async def test_failures__of_several_processes__are_counted_together():
    desks, candidate = [Desk() for _number in range(5)], plain()

    for desk in desks:
        await call(desk, candidate, BAD)

    with pytest.raises(CircuitOpen):
        await desks[-1].admit(candidate, 1)


@scenario
async def test_successes__not_told_yet__go_along_with_the_first_failure():
    desk, candidate = Desk(), plain()
    for _number in range(20):
        await call(desk, candidate)

    for _number in range(5):
        await call(desk, candidate, BAD)

    assert desk.post(candidate).stand.phase is Phase.CLOSED


@scenario
async def test_probe__succeeds__closes_the_circuit_and_calls_are_quick_again():
    desk, candidate = Desk(), plain()
    for _number in range(5):
        await call(desk, candidate, BAD)
    connections.client().hset(desk.post(candidate).book.keys[0], "until", 1)  # the thirty seconds are over
    desk.post(candidate).rests_until = 0

    await call(desk, candidate)

    assert await sent(call(desk, candidate)) == 0


@scenario
async def test_limit__taken_by_another_process__refuses():
    here, there, candidate = Desk(), Desk(), plain(max_concurrency=1)
    permit = await here.admit(candidate, 1)

    with pytest.raises(EndpointSaturated) as refused:
        await there.admit(candidate, 1)
    await here.leave(permit, OK, None)

    assert refused.value.params["what"] == "calls at once"
    await there.admit(candidate, 1)


@scenario
async def test_admit__cancelled_while_it_asks__gives_the_place_back():
    desk, candidate = Desk(), plain(max_concurrency=1)
    asking = asyncio.ensure_future(desk.admit(candidate, 1))
    await asyncio.sleep(0)

    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await wire().ask("PING")  # answers come in order
    while desk._background:
        await asyncio.wait(desk._background)

    await desk.admit(candidate, 1)


@scenario
async def test_pace__measured_in_one_process__is_known_in_another():
    here, there, candidate = Desk(), Desk(), plain()
    await call(here, candidate, first_ms=100)
    await hear(here)
    await call(here, candidate, first_ms=200)
    await hear(here)

    await call(there, candidate)

    assert there.pace(candidate) == pytest.approx(120)
    assert there.pace(plain(model="another")) is None


@scenario
async def test_renew__call_takes_long__keeps_its_place():
    desk, candidate = Desk(), plain(max_concurrency=1)
    permit = await desk.admit(candidate, 1)
    leases = desk.post(candidate).book.keys[1]
    before = connections.client().zscore(leases, permit.lease)
    connections.client().zincrby(leases, -11_000, permit.lease)
    permit.renewed -= 11  # more than half of the lease

    await hear(desk)

    assert connections.client().zscore(leases, permit.lease) >= before


def gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens where Redis was."""
    made = connections.wire_connection

    def nowhere() -> Any:
        found = made()
        found.port = 1
        return found

    monkeypatch.setattr(connections, "wire_connection", nowhere)
    monkeypatch.setattr(redis_scripts, "wire", PerLoop(Wire))  # one that is not connected yet


@scenario
async def test_redis_away__calls_go_on_and_the_breaker_works_alone(monkeypatch):
    gone(monkeypatch)
    desk, candidate = Desk(), plain()

    for _number in range(5):
        await call(desk, candidate, BAD)

    with pytest.raises(CircuitOpen):
        await desk.admit(candidate, 1)
    assert desk.away


@scenario
async def test_redis_away__limits_hold_in_each_process(monkeypatch):
    desk, candidate = Desk(), plain(max_concurrency=2)
    first = await desk.admit(candidate, 1)
    gone(monkeypatch)
    await desk.admit(candidate, 1)
    with pytest.raises(EndpointSaturated):
        await desk.admit(candidate, 1)

    await desk.leave(first, OK, None)

    await desk.admit(candidate, 1)


@scenario
async def test_redis_away__open_circuit_stays_open(monkeypatch):
    desk, candidate = Desk(), plain()
    for _number in range(5):
        await call(desk, candidate, BAD)
    gone(monkeypatch)
    await hear(desk)

    assert desk.away
    with pytest.raises(CircuitOpen):
        await desk.admit(candidate, 1)


@scenario
async def test_redis_away__long_calls_keep_their_place(monkeypatch):
    desk, candidate = Desk(), plain(max_concurrency=1)
    gone(monkeypatch)
    permit = await desk.admit(candidate, 1)
    post = desk.post(candidate)
    before = post.local.leases._until[permit.lease]
    post.local.leases.take(permit.lease, before - 11_000)
    permit.renewed -= 11

    await hear(desk)

    assert post.local.leases._until[permit.lease] >= before


@scenario
async def test_redis_back__calls_under_way_are_entered_and_count_for_others(monkeypatch):
    desk, candidate = Desk(), plain(max_concurrency=1)
    with monkeypatch.context() as outage:
        gone(outage)
        permit = await desk.admit(candidate, 1)

    await hear(desk)

    assert not desk.away
    with pytest.raises(EndpointSaturated):
        await Desk().admit(candidate, 1)
    await desk.leave(permit, OK, None)
    await Desk().admit(candidate, 1)


@scenario
async def test_redis_away__what_went_well_is_told_later(monkeypatch):
    desk, candidate = Desk(), plain()
    await call(desk, candidate, first_ms=5)
    with monkeypatch.context() as outage:
        gone(outage)
        await hear(desk)

    await hear(desk)

    assert desk.post(candidate).answered == 0
    assert look([desk.post(candidate).book])[0].answered == 1


@scenario
async def test_script__server_forgot_it__is_sent_again():
    desk, candidate = Desk(), plain(max_concurrency=9)
    connections.client().script_flush()

    await asyncio.gather(*(call(desk, candidate) for _number in range(3)))

    assert connections.client().zcard(desk.post(candidate).book.keys[1]) == 0


def test_ticker__loop_ends__says_what_it_has_left():
    candidate = plain()

    async def work() -> Desk:
        desk = Desk()
        await call(desk, candidate)
        await call(desk, candidate)
        await asyncio.sleep(0)
        return desk

    desk = asyncio.run(work())

    assert look([desk.post(candidate).book])[0].answered == 2
    assert desk._ticker is None


@pytest.mark.parametrize(
    ("error", "tokens", "first_ms", "outcome"),
    [
        (None, 5, None, "ok"),
        (None, 0, 1.0, "ok"),
        (None, 0, None, "none"),
        (UpstreamFailed(endpoint="a", what="HTTP 503"), 0, None, "bad"),
        (UpstreamTimeout(endpoint="a"), 3, 1.0, "bad"),
        (UpstreamRefused(endpoint="a", what="no"), 0, None, "ok"),
        (ModelVanished(endpoint="a", what="gone"), 0, None, "none"),
        (UpstreamBusy(endpoint="a"), 0, None, "busy"),
        (ApiError(), 0, None, "none"),
    ],
)
def test_result__what_became_of_a_call__is_what_the_breaker_hears(error, tokens, first_ms, outcome):
    assert result_of(error, tokens=tokens, first_ms=first_ms).outcome == outcome


def test_result__busy__carries_the_pause_in_milliseconds():
    assert result_of(UpstreamBusy(details={"retryAfter": 7}, endpoint="a"), tokens=0, first_ms=None).asked_ms == 7_000


def rush(processes: int, rounds: int, **limits: int) -> list[dict[str, int]]:
    command = [sys.executable, "-m", "tests.providers.rush", str(rounds), json.dumps(limits)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, cwd=settings.BASE_DIR) for _number in range(processes)]
    for _process in running:
        while not connections.client().blpop("rush:ready", timeout=2):
            assert all(process.poll() is None for process in running)
    connections.client().rpush("rush:go", *range(processes))  # together, so that a minute is long enough
    told = [process.communicate(timeout=120)[0] for process in running]
    return [json.loads(words.splitlines()[-1]) for words in told]  # warnings stand before


def test_news__are_believed_for_a_second_at_most():
    assert posts.STALE_SECONDS <= 1.0


def test_rush__three_processes_at_one_endpoint__never_more_inside_than_the_limit():
    told = rush(3, 60, max_concurrency=3)

    assert max(one["most"] for one in told) <= 3
    assert all(one["admitted"] for one in told)
    assert connections.client().zcard(Desk().post(plain(endpoint="rushed")).book.keys[1]) == 0


def test_rush__three_processes_within_a_minute__get_exactly_what_a_minute_holds():
    told = rush(3, 40, rpm=100)

    assert sum(one["admitted"] for one in told) == 100


def test_permit__of_an_endpoint_without_limits__holds_nothing():
    assert Permit(plain()).lease == ""


def test_gone__is_what_the_client_raises(monkeypatch):
    """Guards the outage tests: a client that did not fail would prove nothing."""
    gone(monkeypatch)

    async def ask() -> None:
        await redis_scripts.wire().ask("PING")

    with pytest.raises(RedisGone):
        async_to_sync(ask)()
