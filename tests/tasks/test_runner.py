"""A worker's side: takeover, resume, cancel, a dying tool server, a stopped Redis."""

import asyncio
import os
import signal

import pytest
from django.db import OperationalError

from apps.core import aio, redis
from apps.core.errors import InternalError
from apps.mcp.sessions import pool
from apps.quotas.services import verify_ledger
from apps.tasks import runner
from apps.tasks.models import Status, StepRun, Task
from apps.tasks.runner import run_task
from apps.tasks.services import cancel_task, claim_task, hand_back
from tests.conftest import Api
from tests.tasks.builders import echo_graph, make_feature, make_task, register_gate
from tests.tasks.test_main_line import photo
from tests.tasks.test_services import expire_lease, figures

pytestmark = pytest.mark.django_db(transaction=True)

GATE = {"id": "gate", "type": "gate"}


def begin(task: Task, owner: str = "w"):
    """Start the task in the background loop."""
    return asyncio.run_coroutine_threadsafe(run_task(str(task.pk), owner=owner), aio.background_loop())


def wait_entered(gate) -> None:
    asyncio.run_coroutine_threadsafe(asyncio.wait_for(gate.entered.wait(), 10), aio.background_loop()).result(12)


def set_open(gate) -> None:
    aio.background_loop().call_soon_threadsafe(gate.open.set)


@pytest.fixture
def gate(monkeypatch):
    return register_gate(monkeypatch)


def test_run__not_claimable__does_nothing(member):
    make_feature()
    task = make_task(member)
    cancel_task(member, str(task.pk))

    assert aio.run(run_task(str(task.pk)), timeout=10) is False


def test_run__taken_over_in_mid_step__repeats_no_finished_step(member, gate):
    make_feature(graph=echo_graph({"id": "first", "type": "gate"}, GATE))
    task = make_task(member)
    claim_task(str(task.pk), owner="older")
    expire_lease(task)
    done = {"status": "succeeded", "output": dict(task.input)}
    StepRun.objects.create(task=task, path="start", node="start", type="start", **done)
    StepRun.objects.create(task=task, path="first", node="first", type="gate", **done)
    Task.objects.filter(pk=task.pk).update(attempts=1, fencing_token=1)  # by a claim that let go
    gate.open.clear()
    old = begin(task, "old")
    wait_entered(gate)
    expire_lease(task)
    gate.entered.clear()
    new = begin(task, "new")
    wait_entered(gate)
    set_open(gate)
    assert (old.result(20), new.result(20)) == (True, True)

    task.refresh_from_db()
    assert (task.status, task.attempts, task.fencing_token) == (Status.SUCCEEDED, 3, 3)
    assert gate.runs == ["gate", "gate"], "the finished step was not repeated, the open one was"
    assert StepRun.objects.get(task=task, node="start").attempts == 1
    assert figures(member) == (995, 0)
    assert verify_ledger() == []


def test_run__cancelled_in_mid_step__work_stops_and_nothing_is_charged(member, gate):
    make_feature(graph=echo_graph(GATE))
    task = make_task(member)
    gate.open.clear()
    work = begin(task)
    wait_entered(gate)

    cancel_task(member, str(task.pk))

    assert work.result(timeout=5) is True, "the bell stops the worker long before the lease is due"
    task.refresh_from_db()
    assert (task.status, task.output) == (Status.CANCELLED, None)
    assert figures(member) == (1000, 0)
    assert list(task.events.filter(ending=1).values_list("type", flat=True)) == ["cancelled"]


def test_run__step_fails__task_fails_with_its_error_and_nothing_is_charged(member, gate):
    make_feature(graph=echo_graph(GATE))
    task = make_task(member)
    gate.failure = InternalError()

    begin(task).result(10)

    task.refresh_from_db()
    assert (task.status, task.error["code"]) == (Status.FAILED, "CORE_5000")
    assert StepRun.objects.get(task=task, node="gate").status == "failed"
    assert figures(member) == (1000, 0)


def test_run__node_crashes__no_trace_reaches_the_user(member, gate):
    make_feature(graph=echo_graph(GATE))
    task = make_task(member)
    gate.failure = ZeroDivisionError("secret detail")

    begin(task).result(10)

    body = Api(member).get(f"/api/v1/tasks/{task.pk}").text
    assert "PIPELINES_5002" in body
    assert "secret detail" not in body


def test_run__worker_hands_back__another_goes_on(member, gate):
    make_feature(graph=echo_graph(GATE))
    task = make_task(member)
    gate.open.clear()
    old = begin(task, "stopping")
    wait_entered(gate)
    hand_back("stopping")
    set_open(gate)
    begin(task, "other").result(15)
    old.result(15)

    task.refresh_from_db()
    assert task.status == Status.SUCCEEDED
    assert figures(member) == (995, 0)


def test_run__image_server_killed_in_mid_call__started_again_and_finished(demo, member):
    api = Api(member)
    uploaded = api.post("/api/v1/uploads", files={"file": ("cup.jpg", photo(), "image/jpeg")}).json()
    body = {"feature": "product-photo", "input": {"image": uploaded["id"], "size": 300}}
    task = Task.objects.get(pk=api.post("/api/v1/tasks", json=body).json()["id"])
    work = begin(task)
    _kill_image_server_when(lambda: task.events.filter(type="progress").exists())

    assert work.result(timeout=90) is True

    task.refresh_from_db()
    assert (task.status, task.error) == (Status.SUCCEEDED, None)
    assert figures(member) == (990, 0)


def _kill_image_server_when(condition) -> None:
    import time

    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    servers = _children_named("apps.mcp.image_tools")
    assert servers, "there is no server to kill; the test would prove nothing"
    for pid in servers:
        os.kill(pid, signal.SIGKILL)


def _children_named(module: str) -> list[int]:
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/cmdline") as cmdline, open(f"/proc/{entry}/stat") as stat:
                    parent = int(stat.read().rsplit(")", 1)[1].split()[1])
                    if module in cmdline.read() and parent == os.getpid():
                        found.append(int(entry))
            except OSError:
                continue
    return found


def test_run__redis_is_gone__task_still_succeeds(member, monkeypatch, settings):
    make_feature()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis.client.cache_clear()
    try:
        task = make_task(member)
        assert aio.run(run_task(str(task.pk)), timeout=30)
    finally:
        redis.client.cache_clear()

    task.refresh_from_db()
    assert task.status == Status.SUCCEEDED


def test_pool__one_per_loop__same_object():
    async def twice():
        return pool() is pool()

    assert aio.run(twice())


def test_run__database_away_in_mid_step__run_goes_on_later(member, gate):
    make_feature(graph=echo_graph(GATE))
    task = make_task(member)
    gate.failure = OperationalError(1040, "Too many connections")

    assert begin(task).result(20) is True

    task.refresh_from_db()
    assert (task.status, task.error) == (Status.RUNNING, None), "nothing is decided while the database is away"
    gate.failure = None
    expire_lease(task)
    assert begin(task, "other").result(20) is True
    task.refresh_from_db()
    assert (task.status, task.attempts, gate.runs) == (Status.SUCCEEDED, 2, ["gate", "gate"])


def test_work__claimed_while_the_worker_stops__is_handed_back(member, gate, monkeypatch):
    make_feature(graph=echo_graph(GATE))
    task = claim_task(str(make_task(member).pk), owner="stopping")
    assert task
    monkeypatch.setattr(runner, "is_stopping", lambda: True)

    aio.run(runner.work_on(task, owner="stopping"), timeout=20)

    assert gate.runs == []
    assert claim_task(str(task.pk), owner="other") is not None


def test_owner__forked_process__has_a_name_of_its_own():
    read, write = os.pipe()

    if (child := os.fork()) == 0:
        os.write(write, runner.OWNER.encode())
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(read, 200).decode().split(":")[1] == str(child)
    assert runner.OWNER.split(":")[1] == str(os.getpid())
