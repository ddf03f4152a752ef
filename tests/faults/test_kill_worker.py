"""kill -9 in the middle: every task ends, none is charged twice, none is lost."""

import os
from collections import Counter

import pytest

from apps.core.outbox.models import OutboxMessage
from apps.quotas.models import Account, Entry, Resolution
from apps.quotas.services import verify_ledger
from apps.tasks.models import TERMINAL, Event, Status, StepRun, Task
from apps.tasks.services import create_task
from tests.faults.fleet import DISPATCHER, WORKER, running, seeded_random, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

KILLS = int(os.environ.get("PAIBAN_KILLS", "4"))
TASKS_PER_KILL = 2


def running_tasks() -> int:
    return Task.objects.filter(status=Status.RUNNING).count()


def unfinished() -> int:
    return Task.objects.exclude(status__in=TERMINAL).count()


def test_kill_worker__in_mid_task__all_end_once(demo, member, tmp_path):
    chance = seeded_random()
    Account.objects.filter(user=member).delete()
    created: list[Task] = []
    with running(DISPATCHER, tmp_path / "dispatcher.log"), running(WORKER, tmp_path / "worker.log") as worker:
        for kill in range(KILLS):
            for number in range(TASKS_PER_KILL):
                text = f"Mug number {kill}-{number}, blue glaze, 300 ml"
                created.append(create_task(member, feature="copywriter", given={"product": text}))
            wait_until(lambda: running_tasks() > 0, seconds=60, what="a worker claims a task")
            wait_until(lambda: Event.objects.filter(type="delta").exists(), seconds=30, what="a model speaks")
            _rest(chance.uniform(0, 0.8))
            worker.kill()
            worker.start()
        wait_until(lambda: unfinished() == 0, seconds=90, what="every task ends")

    assert Task.objects.count() == len(created) == KILLS * TASKS_PER_KILL
    ends = Counter(Task.objects.values_list("status", flat=True))
    assert ends == {"succeeded": len(created)}
    assert Event.objects.filter(ending=1).count() == len(created)
    assert Resolution.objects.filter(kind="commit").count() == len(created)
    assert Entry.objects.filter(kind="commit").count() == len(created)
    account = Account.objects.get(user=member)
    assert (account.balance, account.held) == (1000 - 2 * len(created), 0)
    assert verify_ledger() == []
    assert OutboxMessage.objects.count() == 0
    assert Task.objects.filter(attempts__gt=1).exists(), "no kill hit a running task; the test proved nothing"
    _assert_logs_whole()


def _rest(seconds: float) -> None:
    import time

    time.sleep(seconds)


def _assert_logs_whole() -> None:
    """Event numbers have no gap, and no step was finished twice."""
    for task in Task.objects.all():
        numbers = list(task.events.order_by("seq").values_list("seq", flat=True))
        assert numbers == list(range(1, task.event_seq + 1))
        finished = Counter(
            event.data["node"] for event in task.events.filter(type="step") if event.data["status"] == "succeeded"
        )
        assert set(finished.values()) == {1}
        assert StepRun.objects.filter(task=task).count() == 4


def test_dispatcher__broker_loses_every_message__sweeper_wakes_the_workers(demo, member, tmp_path):
    from apps.core import redis

    task = create_task(member, feature="copywriter", given={"product": "A lamp of brass"})
    OutboxMessage.objects.all().delete()  # sent, and lost by the broker
    redis.client().flushdb()

    with running(DISPATCHER, tmp_path / "dispatcher.log"), running(WORKER, tmp_path / "worker.log"):
        wait_until(lambda: unfinished() == 0, seconds=60, what="the task ends")

    task.refresh_from_db()
    assert task.status == Status.SUCCEEDED


def test_redis__killed_and_started_again__what_was_accepted_meanwhile_ends(member, tmp_path, settings):
    from apps.core import redis
    from ops.redis_server import start_redis
    from tests.tasks.builders import make_feature

    first = start_redis(tmp_path / "redis")
    settings.REDIS_URL = first.url
    redis.client.cache_clear()
    make_feature()
    try:
        with running(DISPATCHER, tmp_path / "dispatcher.log"), running(WORKER, tmp_path / "worker.log"):
            before = create_task(member, feature="echo", given={"text": "before"})
            wait_until(lambda: unfinished() == 0, seconds=60, what="the task before the fault ends")
            first.process.kill()
            first.process.wait()
            during = create_task(member, feature="echo", given={"text": "during"})
            _rest(2)
            with start_redis(tmp_path / "redis", first.port):
                seconds = wait_until(lambda: unfinished() == 0, seconds=60, what="the task accepted meanwhile ends")
    finally:
        first.stop()
        redis.client.cache_clear()

    print(f"ended {seconds:.1f} s after Redis was back")
    assert set(Task.objects.values_list("pk", "status")) == {(before.pk, "succeeded"), (during.pk, "succeeded")}
    assert verify_ledger() == []
