"""One at a time over all processes; a holder that died or was late harms nobody."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction

from apps.core import lock as lock_module
from apps.core import redis
from apps.core.errors import DependencyDown
from apps.core.lock import Lock, LockBusy, LockLost, awith_lock, with_lock

KEY = "lock:x"
HOLDER = """
import sys, time
import django
django.setup()
from apps.core.lock import with_lock
with with_lock("x", ttl=float(sys.argv[1])):
    print("in", flush=True)
    sys.stdin.readline()
"""


def held_by() -> Any:
    return redis.client().get(redis.key(KEY))


def steal() -> None:
    """As if it had lapsed and another one had taken it."""
    redis.client().set(redis.key(KEY), "another", px=60_000)


def until(condition: Callable[[], bool]) -> None:
    """Look again and again; pytest's own time limit ends what never comes."""
    while not condition():
        threading.Event().wait(0.002)


@pytest.fixture
def holder():
    """Another process that is in the section; `ttl` seconds as given."""
    started = []

    def start(ttl: float) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(ttl)],
            cwd=settings.BASE_DIR,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.test"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "in\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_section__alone__holds_the_key_and_opens_it():
    with with_lock("x", ttl=2) as lock:
        inside = (lock.protected, lock.lost, held_by() is not None, 0 < redis.client().pttl(redis.key(KEY)) <= 2000)

    assert (inside, held_by()) == ((True, False, True, True), None)


def test_section__fails__opens_it_and_the_error_is_the_section_s_own():
    def section() -> None:
        with with_lock("x"):
            steal()
            raise KeyError

    with pytest.raises(KeyError):
        section()

    assert held_by() == "another"


def test_enter__held_and_no_wait__fails_fast_and_changes_nothing():
    with with_lock("x"):
        mine = held_by()
        with pytest.raises(LockBusy) as refused, with_lock("x"):
            pytest.fail("two are in")
        assert held_by() == mine

    assert (refused.value.code, refused.value.status, refused.value.retryable) == ("CORE_2050", 409, True)


def test_enter__held_longer_than_the_wait__is_refused_after_a_last_try(monkeypatch):
    steal()
    tries: list[bool] = []
    monkeypatch.setattr(lock_module, "take", lambda *_a: bool(tries.append(True)))

    with pytest.raises(LockBusy), with_lock("x", wait=0.02):
        pytest.fail("two are in")

    assert len(tries) >= 2


def test_enter__other_name__does_not_wait():
    with with_lock("x"), with_lock("y") as lock:
        assert lock.protected


@pytest.mark.parametrize("ttl", [0, -1])
def test_enter__no_time_limit__is_a_mistake(ttl):
    with pytest.raises(ValueError, match="time limit"), with_lock("x", ttl=ttl):
        pytest.fail("it would stay for ever")


def test_enter__a_hundred_at_once__each_gets_in_alone():
    inside, most, done = 0, 0, 0

    def section(_number: int) -> None:
        nonlocal inside, most, done
        with with_lock("x", wait=60):
            inside += 1
            most = max(most, inside)
            done += 1
            inside -= 1

    with ThreadPoolExecutor(100) as pool:
        list(pool.map(section, range(100)))

    assert (most, done, held_by()) == (1, 100, None)


def test_enter__a_process_is_in__another_is_refused_until_it_leaves(holder):
    other = holder(60)
    with pytest.raises(LockBusy), with_lock("x"):
        pytest.fail("two are in")

    other.communicate("go\n", timeout=60)

    with with_lock("x") as lock:
        assert (other.returncode, lock.protected) == (0, True)


def test_enter__holder_was_killed__lapses_and_the_next_gets_in(holder):
    other = holder(0.5)
    dead = held_by()

    other.send_signal(signal.SIGKILL)
    other.wait()

    with with_lock("x", wait=60):
        assert held_by() not in (None, dead)


def test_section__longer_than_its_time__is_renewed(monkeypatch):
    renewals: list[bool] = []
    real = lock_module.renew

    def counted(address: str, token: str, seconds: float) -> bool:
        renewals.append(real(address, token, seconds))
        return renewals[-1]

    monkeypatch.setattr(lock_module, "renew", counted)
    with with_lock("x", ttl=1) as lock:
        mine = held_by()
        until(lambda: len(renewals) >= 3)  # past its time
        assert (renewals[:3], lock.lost, held_by()) == ([True] * 3, False, mine)

    assert held_by() is None


def test_section__somebody_else_has_it__is_told_and_theirs_stays():
    checked = []

    def section() -> None:
        with with_lock("x", ttl=0.2) as lock:
            steal()
            until(lambda: lock.lost)
            with pytest.raises(LockLost):
                lock.check()
            checked.append(lock.lost)

    with pytest.raises(LockLost) as told:
        section()

    assert (checked, told.value.code, held_by()) == ([True], "CORE_2051", "another")


def test_section__lapsed_unnoticed__is_told_at_the_end():
    with pytest.raises(LockLost), with_lock("x", ttl=60):
        steal()

    assert held_by() == "another", "only its holder may open it"


@pytest.mark.django_db
def test_section__lost_in_a_transaction__is_rolled_back(member):
    def write() -> None:
        with transaction.atomic(), with_lock("x"):
            member.first_name = "Changed"
            member.save()
            steal()

    with pytest.raises(LockLost):
        write()

    member.refresh_from_db()
    assert member.first_name == ""


def test_renewal__redis_away_for_a_moment__tries_again_and_keeps_it(monkeypatch):
    failures = iter([True, True])
    real, renewed = lock_module.renew, []

    def shaky(*given: Any) -> bool:
        if next(failures, False):
            raise redis.redis.ConnectionError
        renewed.append(real(*given))
        return renewed[-1]

    monkeypatch.setattr(lock_module, "renew", shaky)
    with with_lock("x", ttl=5) as lock:
        monkeypatch.setattr(lock, "_ttl", 0.4)
        lock.keep()
        until(lambda: bool(renewed))

    assert renewed[0]


def test_renewal__redis_away_past_its_time__is_lost(monkeypatch):
    def away(*_given: Any) -> bool:
        raise redis.redis.ConnectionError

    monkeypatch.setattr(lock_module, "renew", away)

    with pytest.raises(LockLost), with_lock("x", ttl=0.1) as lock:
        until(lambda: lock.lost)


def test_end__redis_away__lapses_by_itself(monkeypatch):
    def away(*_given: Any) -> bool:
        raise redis.redis.ConnectionError

    monkeypatch.setattr(lock_module, "give_back", away)

    with with_lock("x", ttl=60) as lock:
        pass

    assert (lock.lost, held_by() is None) == (False, False)


def test_take__its_answer_was_lost__the_second_try_finds_its_own():
    address = redis.key(KEY)

    assert [lock_module.take(address, "mine", 60) for _ in range(2)] == [True, True]
    assert not lock_module.take(address, "another", 60)


def test_enter__redis_down__never_runs_unprotected(no_redis):
    with pytest.raises(DependencyDown), with_lock("x"):
        pytest.fail("it ran")


def test_enter__redis_down_and_not_required__runs_and_says_so(no_redis):
    with with_lock("x", required=False) as lock:
        assert (lock.protected, lock.lost) == (False, False)


def test_async__two_coroutines__one_after_the_other():
    order = []

    async def section(name: str) -> None:
        async with awith_lock("x", wait=60):
            order.append(f"{name} in")
            await asyncio.sleep(0)
            order.append(f"{name} out")

    async def both() -> None:
        await asyncio.gather(section("a"), section("b"))

    asyncio.run(both())

    assert order in (["a in", "a out", "b in", "b out"], ["b in", "b out", "a in", "a out"])
    assert held_by() is None


def test_async__held_or_lost__is_told_like_in_a_thread():
    async def busy() -> None:
        async with awith_lock("x"):
            pytest.fail("two are in")

    async def lost() -> None:
        async with awith_lock("x"):
            steal()

    with pytest.raises(LockLost):
        asyncio.run(lost())
    with pytest.raises(LockBusy):
        asyncio.run(busy())


def test_async__cancelled_section__opens_it():
    async def cancelled() -> None:
        inside = asyncio.Event()

        async def section() -> None:
            async with awith_lock("x", ttl=60):
                inside.set()
                await asyncio.Event().wait()

        running = asyncio.ensure_future(section())
        await inside.wait()
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(cancelled())

    assert held_by() is None


def test_end__while_a_renewal_is_under_way__is_not_taken_for_lost(monkeypatch):
    lock, reached, go_on = Lock("x", 60), threading.Event(), threading.Event()
    real = lock_module.renew

    def slow(*given: Any) -> bool:
        reached.set()
        go_on.wait()
        return real(*given)

    monkeypatch.setattr(lock_module, "renew", slow)
    assert lock.taken()
    renewing, ending = threading.Thread(target=lock._renewed), threading.Thread(target=lock.end)
    renewing.start()
    reached.wait()
    ending.start()
    go_on.set()
    for thread in (renewing, ending):
        thread.join()
    lock._renewed()

    assert (lock.lost, held_by()) == (False, None)
