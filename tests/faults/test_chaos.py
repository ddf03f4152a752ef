"""The kill loop itself: its plan follows from the seed, it judges right, and without claims it goes red."""

import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.utils import timezone

from apps.quotas.models import Account
from apps.tasks.models import Event, Question, StepRun, Task
from tests.faults.chaos.__main__ import line
from tests.faults.chaos.load import Told
from tests.faults.chaos.outside import Call
from tests.faults.chaos.plan import SCENES, WEIGHTS, Death, plan_of
from tests.faults.chaos.points import all_points, process_of
from tests.faults.chaos.scenes import scenes
from tests.faults.chaos.verdict import judge
from tests.faults.fleet import QUICK, database_url
from tests.tasks.builders import make_feature, make_task

LINE = re.compile(
    r"seed \d+: runs (\d+), kills (\d+), lost (\d+), repeated (\d+), double charges (\d+), slowest recovery \d+ s"
)


def figures(*options: str, kills: int, runs: int) -> tuple[int, tuple[int, ...], str]:
    """Exit code, the figures of the last line, and everything that was printed by a small loop in our database."""
    told = {**QUICK, "SEED": "7", "KILLS": str(kills), "RUNS": str(runs), "DATABASE_URL": database_url()}
    ran = subprocess.run(
        [sys.executable, "-m", "tests.faults.chaos", "--small", "--in-place", *options],
        cwd=settings.BASE_DIR,
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        check=False,
    )
    said = ran.stdout + ran.stderr
    found = LINE.fullmatch(ran.stdout.splitlines()[-1]) if ran.stdout else None
    assert found, said
    return ran.returncode, tuple(map(int, found.groups())), said


@pytest.mark.django_db(transaction=True)
def test_loop__two_kills__nothing_is_lost_repeated_or_charged_twice():
    code, found, said = figures(kills=2, runs=12)

    assert (code, found) == (0, (12, 2, 0, 0, 0)), said


@pytest.mark.django_db(transaction=True)
def test_loop__claims_disabled__goes_red():
    code, (_runs, _kills, _lost, repeated, _charges), said = figures("--control", kills=1, runs=10)

    assert code == 1, said
    assert repeated > 0, said


def test_plan__same_seed__is_the_same_and_hits_everyone():
    assert plan_of(7, runs=100, kills=20) == plan_of(7, runs=100, kills=20)
    assert plan_of(7, runs=100, kills=20) != plan_of(8, runs=100, kills=20)
    assert {kill.victim for kill in plan_of(7, runs=100, kills=6).kills} == set(WEIGHTS)
    places = [kill.after for kill in plan_of(7, runs=100, kills=20).kills]
    assert places == sorted(places)
    assert places[-1] < 90


def test_points__all__are_declared_and_have_a_process():
    points = all_points()

    assert len(points) >= 11
    assert {process_of(point) for point in points} <= {"web", "worker-1", "dispatcher"}
    assert process_of("outbox.dispatch.sent") == "dispatcher"
    assert process_of("quotas.resolve.written") == "worker-1"


@pytest.fixture
def run(db, member) -> Task:
    """A run that ended well, with a step of a model."""
    make_feature()
    task = make_task(member, text="run-1")
    now = timezone.now()
    from apps.tasks.services import claim_task, finish_task

    claimed = claim_task(str(task.pk), owner="test")
    assert claimed
    StepRun.objects.create(task=task, path="left", node="left", type="llm_chat", status="succeeded", finished_at=now)
    finish_task(claimed, to="succeeded", output={"text": "x"})
    Task.objects.update(attempts=2)
    return Task.objects.get()


def told_of(run: Task) -> Told:
    return Told(accepted={1: str(run.pk)})


def test_judge__run_that_ended_well__finds_nothing(run):
    verdict = judge(told_of(run), [], [])

    assert verdict.complaints() == []
    assert verdict.holds
    assert (verdict.runs, verdict.kills, verdict.interrupted) == (1, 0, 1)
    assert line(7, verdict) == ("seed 7: runs 1, kills 0, lost 0, repeated 0, double charges 0, slowest recovery 0 s")


def test_judge__accepted_run_is_missing__is_lost(run):
    verdict = judge(Told(accepted={1: str(run.pk), 2: "gone"}), [], [])

    assert [what.split(" was")[0] for what in verdict.lost] == ["run-2"]
    assert not verdict.holds


@pytest.mark.parametrize(("asked", "lost"), [(set(), 1), ({1}, 0)])
def test_judge__cancelled_run__is_lost_unless_its_user_asked(run, asked, lost):
    Task.objects.update(status="cancelled")
    told = told_of(run)
    told.cancel_asked = asked

    verdict = judge(told, [], [])

    assert len(verdict.lost) == lost
    assert len(verdict.charged_twice) == 1  # it was charged, and must not have been


def test_judge__step_begun_after_its_end__is_repeated(run):
    for number, status in enumerate(["running", "succeeded", "running"], start=run.event_seq + 1):
        Event.objects.create(task=run, seq=number, type="step", data={"node": "left", "status": status})
    Task.objects.update(event_seq=run.event_seq + 3)

    verdict = judge(told_of(run), [], [])

    assert verdict.repeated == [f"{run.pk} left is running after it had succeeded"]


def test_judge__model_asked_again_after_its_answer_was_kept__is_repeated(run):
    late = timezone.now().timestamp() + 5
    calls = [Call("run-1", "left", "key", late - 60), Call("run-1", "left", "key", late)]

    verdict = judge(told_of(run), calls, [])

    assert verdict.repeated == ["run-1 left was asked for after it had its answer"]
    assert verdict.sent_again == 1


def test_judge__two_keys_for_one_step__are_complained_of(run):
    early = run.created_at.timestamp() - 60
    calls = [Call("run-1", "left", "a", early), Call("run-1", "left", "b", early)]

    assert judge(told_of(run), calls, []).broken == ["run-1 left was asked under 2 keys"]


def test_judge__books_that_differ__are_a_double_charge(run):
    Account.objects.update(balance=0)

    assert len(judge(told_of(run), [], []).charged_twice) == 1


def test_judge__log_with_a_gap__is_complained_of(run):
    Event.objects.filter(seq=1).delete()

    assert judge(told_of(run), [], []).broken == [f"the log of {run.pk} has gaps"]


def test_judge__run_that_stood_still_after_a_kill__is_timed_from_the_kill(run):
    first, last = Event.objects.order_by("seq").first(), Event.objects.order_by("seq").last()
    Event.objects.filter(pk=first.pk).update(at=run.created_at)
    Event.objects.exclude(pk=first.pk).update(at=run.created_at + timezone.timedelta(seconds=30))
    killed = SimpleNamespace(victim="web", at=run.created_at.timestamp() + 10)

    verdict = judge(told_of(run), [], [Death(killed.victim, killed.at)])

    assert last
    assert round(verdict.slowest) == 20
    assert verdict.slowest_was == f"{run.pk}, after the death of web"


def test_scenes__of_the_plan__are_those_that_there_are_and_have_every_kind_of_step():
    there = scenes("127.0.0.1:1")

    assert set(SCENES) == set(there)
    kinds = {node["type"] for scene in there.values() for node in scene.graph["nodes"]}
    assert kinds >= {"llm_chat", "http_request", "map", "sub_pipeline", "delay", "human_input", "condition"}


@pytest.mark.parametrize(("rule", "sent", "found"), [("calls", 2, 1), ("doubt", 2, 1), ("calls", 1, 0)])
def test_judge__call_without_a_key_sent_twice__is_repeated(run, rule, sent, found):
    Task.objects.update(feature=f"faults-{rule}")
    acts = scenes("127.0.0.1:1")
    calls = [Call("run-1", step, "", 0.0) for step in acts[rule].once for _time in range(sent)]

    assert len(judge(told_of(run), calls, [], acts).repeated) == found


def test_judge__call_without_a_key_sent_again_as_somebody_said__is_as_it_should_be(run, member):
    Task.objects.update(feature="faults-doubt")
    fields = {"option": "retry", "answered_by": member, "answered_at": timezone.now(), "deadline_at": timezone.now()}
    Question.objects.create(task=run, path="send!0", node="send", **fields)

    verdict = judge(told_of(run), [Call("run-1", "send", "", 0.0)] * 2, [], scenes("127.0.0.1:1"))

    assert (verdict.repeated, verdict.asked) == ([], 1)


@pytest.mark.parametrize(("feature", "attempts", "lost"), [("calls", 2, 0), ("calls", 1, 1), ("models", 2, 1)])
def test_judge__failed_as_unknown__is_lost_unless_the_scene_and_a_kill_allow_it(run, feature, attempts, lost):
    error = {"code": "PIPELINES_5004", "message": "unknown"}
    Task.objects.update(feature=f"faults-{feature}", attempts=attempts, status="failed", error=error)

    assert len(judge(told_of(run), [], [], scenes("127.0.0.1:1")).lost) == lost


def test_judge__worker_that_ended_in_peace__has_to_be_replaced_sooner(run):
    died, ended = Death("worker-1", 0.0), Death("worker-1", 0.0, took=1.5)

    assert judge(told_of(run), [], [died]).limit == 120
    assert judge(told_of(run), [], [ended]).limit == 10
    assert judge(told_of(run), [], [Death("worker-1", 0.0, took=float("inf"))]).broken == [
        "a worker that was told to end did not"
    ]


def test_judge__stopped_worker_let_go_on__may_send_what_it_had_written_down(run):
    late = timezone.now().timestamp() + 5
    calls = [Call("run-1", "left", "key", late)]

    in_time = judge(told_of(run), calls, [Death("worker-1", late - 60, back=late - 1)])
    too_late = judge(told_of(run), calls, [Death("worker-1", late - 60, back=late - 10)])

    assert (in_time.repeated, in_time.late) == ([], 1)
    assert (len(too_late.repeated), too_late.late) == (1, 0)


@pytest.mark.parametrize(("late", "slowest"), [(False, 0), (True, 20)])
def test_judge__run_that_waited_for_a_person__did_not_stand_still(run, late, slowest):
    first, last = Event.objects.order_by("seq").first(), Event.objects.order_by("seq").last()
    assert first
    assert last
    Event.objects.exclude(pk=last.pk).update(at=run.created_at)
    Event.objects.filter(pk=last.pk).update(
        type="answered", data={"late": late}, at=run.created_at + timezone.timedelta(seconds=30)
    )

    verdict = judge(told_of(run), [], [Death("web", run.created_at.timestamp() + 10)])

    assert round(verdict.slowest) == slowest
