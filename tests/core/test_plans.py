"""Releases that wait: frozen, carried out once, by the right people, and never over somebody else's work."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, OperationalError, close_old_connections, transaction
from django.utils import timezone

from apps.core.errors import InvalidRequest
from apps.core.publishing.errors import (
    ApprovalNeeded,
    DueInThePast,
    NothingChanged,
    NothingLive,
    PlanClosed,
    PlanOvertaken,
    PlanUnknown,
    PublishRefused,
    SamePerson,
)
from apps.core.publishing.models import PLAN_TRANSITIONS, Head, Plan, Release, Snapshot
from apps.core.publishing.registry import Problem
from apps.core.publishing.services import (
    approve_plan,
    cancel_plan,
    open_plans,
    plan_of,
    plan_release,
    plans_of,
    publish,
    reject_plan,
    run_due_plans,
    withdraw,
)
from apps.core.publishing.services import plans as module
from tests.core.builders import make_toy

SOON = timedelta(hours=1)


def state() -> tuple[int, int, int]:
    """What is released: versions, log rows, the live version."""
    return Snapshot.objects.count(), Release.objects.count(), Head.objects.get(scope="toy", key="bear").version


def make_due(plan: Plan) -> None:
    Plan.objects.filter(pk=plan.pk).update(due_at=timezone.now() - timedelta(seconds=1))


@pytest.fixture
def kind(db):
    kind = make_toy(colour="brown")
    publish("toy", "bear", by=None)
    kind.drafts["bear"] = {"colour": "white"}
    return kind


def test_schedule__time_comes__releases_what_was_frozen(kind, operator):
    plan = plan_release("toy", "bear", by=operator, due_at=timezone.now() + SOON, note="campaign")
    kind.drafts["bear"] = {"colour": "green"}

    assert (run_due_plans(), state()) == (0, (1, 1, 1))
    make_due(plan)
    assert (run_due_plans(), run_due_plans()) == (1, 0)

    done = plan_of(plan.pk)
    assert (done.status, done.result_version, state()) == ("done", 2, (2, 2, 2))
    snapshot = Snapshot.objects.get(version=2)
    assert (snapshot.payload, snapshot.author, snapshot.note) == ({"colour": "white"}, operator, "campaign")


def test_schedule__in_the_past__is_refused(kind):
    with pytest.raises(DueInThePast):
        plan_release("toy", "bear", by=None, due_at=timezone.now() - timedelta(seconds=1))

    assert not Plan.objects.exists()


def test_schedule__nothing_to_wait_for__is_refused(kind):
    with pytest.raises(InvalidRequest):
        plan_release("toy", "bear", by=None)

    assert not Plan.objects.exists()


def test_schedule__unchanged_or_with_problems__is_refused(kind):
    kind.problems = [Problem("E_COLOUR", "/colour", "Too loud.")]
    with pytest.raises(PublishRefused):
        plan_release("toy", "bear", by=None, due_at=timezone.now() + SOON)
    kind.problems, kind.drafts["bear"] = [], {"colour": "brown"}
    with pytest.raises(NothingChanged):
        plan_release("toy", "bear", by=None, due_at=timezone.now() + SOON)

    assert not Plan.objects.exists()


def test_schedule__somebody_published_meanwhile__fails_and_overwrites_nothing(kind):
    plan = plan_release("toy", "bear", by=None, due_at=timezone.now() + SOON)
    kind.drafts["bear"] = {"colour": "red"}
    publish("toy", "bear", by=None, note="hotfix")
    make_due(plan)

    assert run_due_plans() == 1

    failed = plan_of(plan.pk)
    assert (failed.status, failed.problem["code"], failed.result_version) == ("failed", "CORE_2040", None)
    assert state() == (2, 2, 2)


def test_schedule__world_changed_so_that_it_would_not_run__fails_and_says_why(kind):
    plan = plan_release("toy", "bear", by=None, due_at=timezone.now() + SOON)
    kind.problems = [Problem("E_TOOL_GONE", "/tools/x", "The tool is gone.")]
    make_due(plan)

    assert run_due_plans() == 1

    failed = plan_of(plan.pk)
    assert failed.problem["details"]["problems"][0]["code"] == "E_TOOL_GONE"
    assert (failed.status, state()) == ("failed", (1, 1, 1))


def test_schedule__campaign_and_its_end__follow_each_other(kind):
    start = plan_release("toy", "bear", by=None, due_at=timezone.now() + SOON)
    kind.drafts["bear"] = {"colour": "brown", "season": "over"}
    end = plan_release("toy", "bear", by=None, due_at=timezone.now() + 2 * SOON)
    off = plan_release("toy", "bear", by=None, action="withdraw", due_at=timezone.now() + 3 * SOON)
    for plan in (start, end, off):
        make_due(plan)
        assert run_due_plans() == 1

    assert [plan_of(p.pk).result_version for p in (start, end, off)] == [2, 3, 0]
    assert state() == (3, 4, 0)


def test_schedule__gradual__begins_at_its_time(kind):
    plan = plan_release(
        "toy", "bear", by=None, action="rollout", due_at=timezone.now() + SOON, percent=25, roles=["tester"]
    )
    make_due(plan)
    run_due_plans()

    head = Head.objects.get()
    assert (head.version, head.candidate.version, head.rollout_percent, head.rollout_roles) == (1, 2, 25, ["tester"])
    with pytest.raises(InvalidRequest):
        plan_release("toy", "bear", by=None, action="rollout", due_at=timezone.now() + SOON, percent=0)


def test_withdraw__nothing_live__is_not_planned(kind):
    withdraw("toy", "bear", by=None)

    with pytest.raises(NothingLive):
        plan_release("toy", "bear", by=None, action="withdraw", due_at=timezone.now() + SOON)

    assert not Plan.objects.exists()


def test_run_due__database_stops_in_the_middle__nothing_is_half_done(kind, monkeypatch):
    plan = plan_release("toy", "bear", by=None, due_at=timezone.now() + SOON)
    make_due(plan)

    def gone(*args: object, **kwargs: object) -> None:
        raise OperationalError("gone")

    with monkeypatch.context() as broken:
        broken.setattr("apps.core.publishing.services.heads.Release.objects.create", gone)
        with pytest.raises(OperationalError):
            run_due_plans()
    assert (plan_of(plan.pk).status, state()) == ("scheduled", (1, 1, 1))

    assert run_due_plans() == 1
    assert (plan_of(plan.pk).status, state()) == ("done", (2, 2, 2))


def test_publish__second_person_is_demanded__is_refused_until_approved(kind, operator, editor):
    kind.drafts["bear"] = {"colour": "white", "needs_approval": True}
    with pytest.raises(ApprovalNeeded):
        publish("toy", "bear", by=operator)
    plan = plan_release("toy", "bear", by=editor, note="please look")
    kind.drafts["bear"] = {"colour": "changed since"}

    approved = approve_plan(plan.pk, by=operator, note="fine")

    assert (approved.status, approved.approved_by, approved.decision_note) == ("done", operator, "fine")
    assert Snapshot.objects.get(version=2).payload == {"colour": "white", "needs_approval": True}
    assert state() == (2, 2, 2)


def test_publish__demand_switched_off_in_the_draft__still_needs_the_second_person(kind, operator, editor):
    kind.drafts["bear"] = {"needs_approval": True}
    approve_plan(plan_release("toy", "bear", by=editor).pk, by=operator)
    kind.drafts["bear"] = {"needs_approval": False}

    with pytest.raises(ApprovalNeeded):
        publish("toy", "bear", by=operator)

    assert state()[2] == 2


def test_publish__withdrawn_and_the_demand_switched_off__still_needs_the_second_person(kind, operator, editor):
    kind.drafts["bear"] = {"needs_approval": True}
    approve_plan(plan_release("toy", "bear", by=editor).pk, by=operator)
    withdraw("toy", "bear", by=operator)
    kind.drafts["bear"] = {"needs_approval": False}

    with pytest.raises(ApprovalNeeded):
        publish("toy", "bear", by=operator)

    assert state() == (2, 3, 0)


def test_approve__oneself_or_nobody__is_refused(kind, operator):
    plan = plan_release("toy", "bear", by=operator, ask=True)

    for person in (operator, None):
        with pytest.raises(SamePerson):
            approve_plan(plan.pk, by=person)

    assert (plan_of(plan.pk).status, state()) == ("waiting", (1, 1, 1))


def test_approve__written_by_hand__the_database_refuses(kind, operator):
    plan = plan_release("toy", "bear", by=operator, ask=True)

    with pytest.raises(IntegrityError), transaction.atomic():
        Plan.objects.filter(pk=plan.pk).update(approved_by=operator)

    assert plan_of(plan.pk).approved_by is None


def test_approve__before_its_time__waits_for_it(kind, operator, editor):
    plan = plan_release("toy", "bear", by=editor, ask=True, due_at=timezone.now() + SOON)
    make_due(plan)
    assert run_due_plans() == 0, "nobody has approved it"
    Plan.objects.filter(pk=plan.pk).update(due_at=timezone.now() + SOON)

    assert approve_plan(plan.pk, by=operator).status == "scheduled"
    assert state() == (1, 1, 1)
    make_due(plan)
    run_due_plans()

    assert (plan_of(plan.pk).approved_by, state()) == (operator, (2, 2, 2))


def test_approve__overtaken__goes_on_waiting(kind, operator, editor):
    plan = plan_release("toy", "bear", by=editor, ask=True)
    kind.drafts["bear"] = {"colour": "red"}
    publish("toy", "bear", by=operator)

    with pytest.raises(PlanOvertaken):
        approve_plan(plan.pk, by=operator)

    assert (plan_of(plan.pk).status, plan_of(plan.pk).approved_by, state()) == ("waiting", None, (2, 2, 2))


@pytest.mark.parametrize("end", [reject_plan, cancel_plan])
def test_end__waiting__is_over_for_good(kind, operator, editor, end):
    plan = plan_release("toy", "bear", by=editor, ask=True)

    ended = end(plan.pk, by=operator, note="no")

    assert (ended.status, ended.decision_note) == ("rejected" if end is reject_plan else "cancelled", "no")
    for act in (approve_plan, reject_plan, cancel_plan):
        with pytest.raises(PlanClosed):
            act(plan.pk, by=operator)
    assert state() == (1, 1, 1)


def test_reject__only_scheduled__is_not_legal(kind, operator):
    plan = plan_release("toy", "bear", by=None, due_at=timezone.now() + SOON)

    with pytest.raises(PlanClosed):
        reject_plan(plan.pk, by=operator)

    assert plan_of(plan.pk).status == "scheduled"


def test_lists__open_and_all__are_told(kind, editor):
    later = plan_release("toy", "bear", by=editor, due_at=timezone.now() + 2 * SOON)
    sooner = plan_release("toy", "bear", by=editor, due_at=timezone.now() + SOON)
    cancel_plan(later.pk, by=editor)

    assert [p.pk for p in open_plans("toy")] == [sooner.pk]
    assert [p.pk for p in plans_of("toy", "bear")] == [sooner.pk, later.pk]
    with pytest.raises(PlanUnknown):
        plan_of(0)


def test_transitions__every_pair__only_the_table_is_legal(kind):
    plan = plan_release("toy", "bear", by=None, ask=True)
    for old in PLAN_TRANSITIONS:
        for new in PLAN_TRANSITIONS:
            Plan.objects.filter(pk=plan.pk).update(status=old)
            try:
                module._move(plan, Plan.Status(new))
                moved = True
            except PlanClosed:
                moved = False
            assert moved is (new in PLAN_TRANSITIONS[old])
            assert plan_of(plan.pk).status == (new if moved else old)


@pytest.mark.django_db(transaction=True)
def test_run_due__several_dispatchers_at_once__once():
    kind = make_toy(colour="brown")
    publish("toy", "bear", by=None)
    kind.drafts["bear"] = {"colour": "white"}
    make_due(plan_release("toy", "bear", by=None, due_at=timezone.now() + SOON))
    start, told = threading.Barrier(4, timeout=60), []

    def work() -> None:
        start.wait()
        try:
            told.append(run_due_plans())
        finally:
            close_old_connections()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (sum(told), state()) == (1, (2, 2, 2))
