"""Create, claim, finish, cancel, sweep: each once, each whole, nothing charged that was not delivered."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from apps.core.errors import InternalError
from apps.core.outbox.models import OutboxMessage
from apps.features.models import Feature
from apps.features.services import publish_feature
from apps.quotas.errors import QuotaExhausted
from apps.quotas.models import Account, Hold, Resolution
from apps.quotas.services import account_of, verify_ledger
from apps.tasks.errors import FeatureUnknown, InputInvalid, LeaseLost, TaskEnded, TaskUnknown
from apps.tasks.heartbeat import Heartbeat, Held
from apps.tasks.models import Event, Status, Task
from apps.tasks.services import (
    cancel_task,
    claim_task,
    create_task,
    finish_task,
    hand_back,
    renew_lease,
    sweep,
)
from tests.tasks.builders import make_feature, make_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def feature():
    return make_feature(cost=5)


def expire_lease(task: Task) -> None:
    Task.objects.filter(pk=task.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def figures(user) -> tuple[int, int]:
    account = Account.objects.get(user=user)
    return account.balance, account.held


def test_create__valid__task_hold_event_and_outbox_together(feature, member):
    task = make_task(member)

    assert (task.status, task.version, task.cost) == (Status.QUEUED, 1, 5)
    assert task.input == {"text": "hello", "size": 3}
    assert figures(member) == (995, 5)
    assert list(task.events.values_list("seq", "type")) == [(1, "queued")]
    assert list(OutboxMessage.objects.values_list("job", "args")) == [("tasks.run", [str(task.pk)])]


@pytest.mark.django_db(transaction=True)
def test_create__live_version_changes__old_task_keeps_its_own(feature, member):
    task = make_task(member)
    Feature.objects.update(cost=50)
    publish_feature("echo", by=None)

    assert make_task(member).cost == 50
    task.refresh_from_db()
    assert (task.version, task.cost) == (1, 5)


@pytest.mark.parametrize(
    ("given", "problems"),
    [
        ({}, [("/text", "required")]),
        ({"text": "x"}, [("/text", "minLength")]),
        ({"text": "fine", "size": 10}, [("/size", "maximum")]),
        ({"text": "fine", "size": "big"}, [("/size", "type")]),
        ({"text": "fine", "other": 1}, [("/other", "additionalProperties")]),
        ({"text": "x", "size": 0}, [("/size", "minimum"), ("/text", "minLength")]),
        ({"text": "fine", "image": "no-id"}, [("/image", "file")]),
        ({"text": "fine", "image": "0b6f0000-0000-4000-8000-000000000000"}, [("/image", "file")]),
    ],
)
def test_create__input_does_not_fit__every_field_named_and_nothing_done(feature, member, given, problems):
    with pytest.raises(InputInvalid) as refused:
        create_task(member, feature="echo", given=given)

    assert sorted((e["pointer"], e["code"]) for e in refused.value.details["errors"]) == problems
    assert not Task.objects.exists()
    assert not Hold.objects.exists()
    assert not OutboxMessage.objects.exists()


def test_create__unknown_or_not_for_this_role__same_answer(feature, member):
    from django.contrib.auth.models import Group

    feature.roles.add(Group.objects.get(name="editor"))
    publish_feature("echo", by=None)

    for key in ("echo", "nothing"):
        with pytest.raises(FeatureUnknown):
            create_task(member, feature=key, given={"text": "hello"})
    assert not Task.objects.exists()


def test_create__too_few_credits__refused_and_nothing_done(feature, member):
    account_of(member)
    Account.objects.filter(user=member).update(balance=4)

    with pytest.raises(QuotaExhausted) as refused:
        make_task(member)

    assert refused.value.details == {"cost": 5, "balance": 4}
    assert figures(member) == (4, 0)
    assert not Task.objects.exists()
    assert not OutboxMessage.objects.exists()


def test_create__known_user__touches_the_database_a_known_number_of_times(feature, member, django_assert_num_queries):
    make_task(member)
    # roles; account; savepoint; task; hold: account, savepoint, look, move, row, entry, release; event: seq, row;
    # outbox row; release.
    with django_assert_num_queries(15):
        make_task(member)


@pytest.mark.django_db(transaction=True)
def test_claim__many_workers_at_once__exactly_one_wins(member):
    make_feature()
    task = make_task(member)

    def claim(number: int) -> bool:
        try:
            return claim_task(str(task.pk), owner=f"w{number}") is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(claim, range(8)))

    assert sum(won) == 1
    task.refresh_from_db()
    assert (task.status, task.fencing_token, task.attempts) == (Status.RUNNING, 1, 1)


def test_claim__lease_lapsed__next_worker_takes_over_and_the_old_one_writes_nothing(feature, member):
    first = claim_task(str(make_task(member).pk), owner="first")
    assert first is not None
    expire_lease(first)
    second = claim_task(str(first.pk), owner="second")
    assert second is not None

    with pytest.raises(LeaseLost):
        finish_task(first, to=Status.SUCCEEDED, output={"text": "stale"})

    assert not renew_lease(first)
    assert renew_lease(second)
    second.refresh_from_db()
    assert (second.status, second.output, second.fencing_token, second.attempts) == (Status.RUNNING, None, 2, 2)
    assert figures(member) == (995, 5)


def test_claim__never_a_finished_step__failed_as_poison_and_released(feature, member):
    task = make_task(member)
    for _attempt in range(settings.TASK_MAX_ATTEMPTS):
        assert claim_task(str(task.pk), owner="w") is not None
        expire_lease(task)

    assert claim_task(str(task.pk), owner="w") is None

    task.refresh_from_db()
    assert (task.status, task.error["reason"]) == (Status.FAILED, "E_WORKER_LOST")
    assert figures(member) == (1000, 0)
    assert verify_ledger() == []


def test_finish__succeeded__charged_once_and_told_once(feature, member):
    task = claim_task(str(make_task(member).pk), owner="w")
    assert task is not None

    finish_task(task, to=Status.SUCCEEDED, output={"text": "done"})
    with pytest.raises(LeaseLost):
        finish_task(task, to=Status.SUCCEEDED, output={"text": "again"})

    assert figures(member) == (995, 0)
    assert Resolution.objects.get().kind == "commit"
    assert list(Event.objects.filter(ending=1).values_list("type", "data")) == [
        ("succeeded", {"output": {"text": "done"}})
    ]


def test_finish__failed__nothing_charged(feature, member):
    task = claim_task(str(make_task(member).pk), owner="w")
    assert task is not None

    finish_task(task, to=Status.FAILED, error=InternalError())

    assert figures(member) == (1000, 0)
    task.refresh_from_db()
    assert task.error["code"] == "CORE_5000"


@pytest.mark.parametrize("claimed", [False, True])
def test_cancel__queued_or_running__ended_at_once_and_given_back(feature, member, claimed):
    task = make_task(member)
    held = claim_task(str(task.pk), owner="w") if claimed else None

    assert cancel_task(member, str(task.pk)).status == Status.CANCELLED

    assert figures(member) == (1000, 0)
    if held:
        with pytest.raises(LeaseLost):
            finish_task(held, to=Status.SUCCEEDED, output={})
    with pytest.raises(TaskEnded):
        cancel_task(member, str(task.pk))
    assert verify_ledger() == []


def test_cancel__foreign_task__unknown(feature, member, stranger):
    task = make_task(member)

    with pytest.raises(TaskUnknown):
        cancel_task(stranger, str(task.pk))

    task.refresh_from_db()
    assert task.status == Status.QUEUED


def test_sweep__waiting_or_abandoned__woken_once(feature, member):
    long_ago = timezone.now() - timedelta(minutes=5)
    lost, abandoned, fresh = make_task(member), make_task(member), make_task(member)
    claim_task(str(abandoned.pk), owner="dead")
    expire_lease(abandoned)
    Task.objects.filter(pk__in=[lost.pk, abandoned.pk]).update(woken_at=long_ago)
    OutboxMessage.objects.all().delete()

    assert sweep() == 2
    assert sweep() == 0

    woken = {message.args[0] for message in OutboxMessage.objects.all()}
    assert woken == {str(lost.pk), str(abandoned.pk)}
    assert str(fresh.pk) not in woken


def test_hand_back__holds_runs__others_are_told_once(feature, member):
    for _run in range(2):
        claim_task(str(make_task(member).pk), owner="stopping")
    OutboxMessage.objects.all().delete()

    assert hand_back("stopping") == 2

    assert list(OutboxMessage.objects.values_list("job", flat=True)) == ["tasks.run"]


def test_hand_back__again_and_again__is_no_fault_of_the_run(feature, member):
    task = make_task(member)

    for number in range(6):
        assert claim_task(str(task.pk), owner=f"w{number}") is not None
        hand_back(f"w{number}")

    task.refresh_from_db()
    assert (task.status, task.attempts, task.stalled_claims) == (Status.RUNNING, 6, 0)


def test_hand_back__a_heartbeat_comes_late__does_not_take_it_again(feature, member):
    task = make_task(member)
    claimed = claim_task(str(task.pk), owner="stopping")
    late = Heartbeat()
    late._held[str(task.pk), claimed.fencing_token] = Held(claimed, "stopping", lambda: None)

    hand_back("stopping")
    late.beat()

    assert claim_task(str(task.pk), owner="other") is not None


def test_hand_back__holds_nothing__nobody_is_told(member):
    assert hand_back("stopping") == 0

    assert not OutboxMessage.objects.exists()


def test_hand_back__worker_stops__others_may_claim_at_once(feature, member):
    task = make_task(member)
    claim_task(str(task.pk), owner="stopping")

    assert hand_back("stopping") == 1

    assert claim_task(str(task.pk), owner="other") is not None
