"""Slots and shares: everything due is worked on, nobody takes more than a part, nobody waits behind one user's many."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.core import aio
from apps.core.events.bell import tower
from apps.tasks import jobs, runner, shares, slots
from apps.tasks.heartbeat import Heartbeat
from apps.tasks.models import Kind, Status, Task
from apps.tasks.services import cancel_task, claim_task, finish_task, hand_back
from apps.tasks.shares import next_tasks
from tests.tasks.builders import echo_graph, make_feature, make_task, register_gate
from tests.tasks.test_services import expire_lease

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def feature():
    return make_feature()


async def until(holds: Callable[[], bool]) -> None:
    """Return when `holds`, which may ask the database."""
    for _look in range(5000):
        if await aio.in_thread(holds)():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to that")


def test_claim__as_many_under_way_as_may_be__waits_for_one_to_end(member, stranger):
    tasks = [make_task(member) for _number in range(6)]
    held = [claim_task(str(task.pk), owner="w") for task in tasks]

    assert [task is not None for task in held] == [True] * 5 + [False]
    assert claim_task(str(make_task(stranger).pk), owner="w") is not None, "others are not concerned"

    finish_task(held[0], to=Status.SUCCEEDED, output={})
    assert claim_task(str(tasks[5].pk), owner="w") is not None


def test_claim__lapsed_lease__takes_no_share(member):
    tasks = [make_task(member) for _number in range(6)]
    held = [claim_task(str(task.pk), owner="w") for task in tasks[:5]]
    expire_lease(held[0])

    assert claim_task(str(tasks[5].pk), owner="w") is not None


def test_claim__trials__do_not_take_the_place_of_runs(member):
    tasks = [make_task(member) for _number in range(6)]
    Task.objects.filter(pk=tasks[0].pk).update(kind=Kind.TRIAL)

    assert all(claim_task(str(task.pk), owner="w") for task in tasks)


def test_claim__many_workers_at_once__never_more_than_the_share(member):
    tasks = [str(make_task(member).pk) for _number in range(10)]

    def claim(task_id: str) -> bool:
        try:
            return claim_task(task_id, owner="w") is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(claim, tasks))

    assert (won.count(True), Task.objects.filter(status=Status.RUNNING).count()) == (5, 5)


def test_next__one_user_has_many__others_come_between(member, stranger):
    many = [str(make_task(member).pk) for _number in range(8)]
    late = str(make_task(stranger).pk)

    assert next_tasks(3, live=True) == [many[0], late, many[1]]
    assert len(next_tasks(99, live=True)) == 5 + 1

    claim_task(many[0], owner="w")
    assert next_tasks(1, live=True) == [late]


def test_next__trials__have_slots_of_their_own(member):
    run, trial = make_task(member), make_task(member)
    Task.objects.filter(pk=trial.pk).update(kind=Kind.TRIAL)

    assert (next_tasks(9, live=True), next_tasks(9, live=False)) == ([str(run.pk)], [str(trial.pk)])


def test_fill__more_than_a_share_is_due__all_of_it_is_worked_on(member):
    for _number in range(12):
        make_task(member)

    async def work() -> None:
        await slots.fill()
        await slots.idle()

    aio.run(work(), timeout=60)

    assert set(Task.objects.values_list("status", flat=True)) == {Status.SUCCEEDED}
    assert Task.objects.filter(attempts=1).count() == 12


def test_fill__no_slot_is_free__takes_nothing(member, settings):
    settings.TASK_SLOTS = 0
    make_task(member)

    assert aio.run(slots.fill(), timeout=20) == 0
    assert Task.objects.get().status == Status.QUEUED


def test_fill__a_run_is_stuck__others_pass_it(member, stranger, monkeypatch):
    gate = register_gate(monkeypatch)
    make_feature("stuck", graph=echo_graph({"id": "gate", "type": "gate"}))
    gate.open.clear()
    stuck = make_task(member, feature="stuck")

    async def work() -> str:
        await slots.fill()
        await gate.entered.wait()
        other = await aio.in_thread(make_task)(stranger)
        await slots.fill()
        await until(Task.objects.filter(pk=other.pk, status=Status.SUCCEEDED).exists)
        state = await aio.in_thread(lambda: Task.objects.get(pk=stuck.pk).status)()
        gate.open.set()
        await slots.idle()
        return state

    assert aio.run(work(), timeout=60) == Status.RUNNING
    assert Task.objects.filter(status=Status.SUCCEEDED).count() == 2


@pytest.mark.parametrize("frees", ["ends", "is cancelled", "is handed back"])
def test_listen__a_place_of_the_user_gets_free_elsewhere__the_next_run_begins(member, frees):
    tasks = [make_task(member) for _number in range(6)]
    held = [claim_task(str(task.pk), owner="elsewhere") for task in tasks[:5]]
    free = {
        "ends": lambda: finish_task(held[0], to=Status.SUCCEEDED, output={}),
        "is cancelled": lambda: cancel_task(member, str(held[0].pk)),
        "is handed back": lambda: hand_back("elsewhere"),
    }

    async def work() -> int:
        listening = asyncio.create_task(slots.listen())
        bells, own = tower(), slots._slots()[0]
        await until(lambda: slots.FREED in bells._waiters and not own.looking)
        assert await slots.fill() == 0, "the user has no share left"
        await aio.in_thread(free[frees])()
        await until(Task.objects.filter(pk=tasks[5].pk, status=Status.SUCCEEDED).exists)
        listening.cancel()
        await slots.idle()
        return 1

    assert aio.run(work(), timeout=60) == 1


def test_end__nobody_waits_for_the_place__no_bell(member, monkeypatch):
    rung: list[str] = []
    monkeypatch.setattr(shares, "ring", rung.append)
    first, second = make_task(member), make_task(member)
    held = claim_task(str(first.pk), owner="w")
    Task.objects.filter(pk=second.pk).update(kind=Kind.TRIAL)

    finish_task(held, to=Status.SUCCEEDED, output={})

    assert rung == [], "a trial waits for no place of a run"


def test_fill__others_are_faster__looks_for_what_stands_behind(member, stranger, settings, monkeypatch):
    settings.TASK_SLOTS = 1
    first, second = make_task(member), make_task(stranger)

    def look(count: int, *, live: bool) -> list[str]:
        found = next_tasks(count, live=live)
        if found == [str(first.pk)]:
            claim_task(str(first.pk), owner="faster")
        return found

    monkeypatch.setattr(slots, "next_tasks", look)

    async def work() -> int:
        taken = await slots.fill()
        await slots.idle()
        return taken

    assert aio.run(work(), timeout=60) == 1
    assert Task.objects.get(pk=second.pk).status == Status.SUCCEEDED


def test_heartbeat__renews_all_and_tells_of_what_was_lost(member):
    ours, lost = (claim_task(str(make_task(member).pk), owner="w") for _number in range(2))
    told: list[str] = []
    heartbeat = Heartbeat()
    for task in (ours, lost):
        heartbeat._held[str(task.pk), task.fencing_token] = _held(task, told)
    soon = timezone.now() + timedelta(seconds=1)
    Task.objects.update(lease_until=soon)
    expire_lease(lost)
    claim_task(str(lost.pk), owner="other")

    heartbeat.beat()

    ours.refresh_from_db()
    assert ours.lease_until > soon
    assert told == [str(lost.pk)]


def _held(task, told):
    from apps.tasks.heartbeat import Held

    return Held(task, "w", lambda: told.append(str(task.pk)))


def test_heartbeat__task_was_handed_back__is_not_taken_again(member):
    task = claim_task(str(make_task(member).pk), owner="w")
    hand_back("w")

    assert claim_task(str(task.pk), owner="other") is not None


def test_stop__a_claim_is_under_way__what_it_takes_is_handed_back_before_the_worker_ends(member, monkeypatch):
    task, entered, claimed = make_task(member), threading.Event(), threading.Event()

    def slow_claim(task_id: str, *, owner: str) -> Task | None:
        entered.set()
        assert runner._stopping.wait(20)
        time.sleep(0.2)  # the others are handed back meanwhile
        found = claim_task(task_id, owner=owner)
        claimed.set()
        return found

    monkeypatch.setattr(slots, "claim_task", slow_claim)
    monkeypatch.setattr(runner, "_stopping", threading.Event())

    jobs.run(str(task.pk))
    assert entered.wait(20)
    jobs._hand_back()

    assert claimed.is_set()
    assert claim_task(str(task.pk), owner="other") is not None
