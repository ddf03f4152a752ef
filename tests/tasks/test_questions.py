"""Runs that wait: a person is asked once and answers once; the clock goes on by itself; nothing else is repeated."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.core import aio
from apps.core.outbox.models import OutboxMessage
from apps.core.storage.models import StoredFile
from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.base import Answer, Asked, BaseNode, NodeConfig, NodeContext, NodeResult, Slept, Woken
from apps.tasks.models import Question, Status, StepRun, Task
from apps.tasks.questions import answer_question, close_overdue, wake_due
from apps.tasks.runner import run_task
from apps.tasks.services import cancel_task
from tests.conftest import Api
from tests.tasks.builders import echo_graph, make_feature, make_task, register_gate
from tests.tasks.test_services import figures

pytestmark = pytest.mark.django_db(transaction=True)

FORM = {"type": "object", "required": ["note"], "properties": {"note": {"type": "string", "minLength": 2}}}


class Person(BaseNode):
    """Asks, and hands the answer on."""

    type = "person"
    label = "Person"
    Config = NodeConfig
    default_timeout = 20.0

    def __init__(self, **asked: Any) -> None:
        self.asked = asked
        self.runs = 0

    async def run(self, context: NodeContext) -> NodeResult:
        self.runs += 1
        if isinstance(context.resumed, Answer):
            said = context.resumed
            return NodeResult({**said.values, "option": said.option, "late": said.timed_out}, branch=said.option)
        usual = {"title": {"en": "Is it good?"}, "form": FORM, "options": ("yes", "no")}
        raise Asked(**{**usual, "deadline_at": timezone.now() + timedelta(hours=1), **self.asked})


class Sleeper(BaseNode):
    """Sleeps for a while."""

    type = "sleeper"
    label = "Sleeper"
    Config = NodeConfig
    seconds = 3600.0

    async def run(self, context: NodeContext) -> NodeResult:
        if isinstance(context.resumed, Woken):
            return NodeResult({"until": context.resumed.until.isoformat()})
        raise Slept(timezone.now() + timedelta(seconds=self.seconds))


@pytest.fixture
def person(monkeypatch):
    node = Person()
    monkeypatch.setitem(node_types(), "person", node)
    return node


@pytest.fixture
def gate(monkeypatch):
    return register_gate(monkeypatch)


@pytest.fixture
def waiting(member, person, gate):
    """A run that has done a step and waits for its owner."""
    make_feature(graph=echo_graph({"id": "first", "type": "gate"}, {"id": "ask", "type": "person"}))
    task = make_task(member)
    assert run(task)
    return Task.objects.get(pk=task.pk)


def run(task: Task) -> bool:
    return aio.run(run_task(str(task.pk)), timeout=30)


def types(task: Task) -> list[str]:
    return list(task.events.order_by("seq").values_list("type", flat=True))


def test_ask__run_reaches_a_person__waits_without_a_worker_and_keeps_the_hold(waiting, member):
    question = Question.objects.get(task=waiting)

    assert (waiting.status, waiting.lease_until, waiting.stalled_claims) == (Status.WAITING_INPUT, None, 0)
    assert (question.path, question.options, question.answered_at) == ("ask", ["yes", "no"], None)
    assert StepRun.objects.get(task=waiting, path="ask").status == "waiting"
    assert types(waiting)[-2:] == ["step", "waiting_input"]
    assert figures(member) == (995, 5)
    assert not run(waiting), "nobody can claim it"


def test_read__run_waits__owner_sees_the_question(waiting, member):
    told = Api(member).get(f"/api/v1/tasks/{waiting.pk}").json()["questions"]

    assert [(one["path"], one["title"], one["options"]) for one in told] == [("ask", "Is it good?", ["yes", "no"])]
    assert told[0]["form"]["schema"] == FORM


def test_answer__in_time__run_goes_on_and_repeats_nothing(waiting, member, gate, person):
    answered = Api(member).post(
        f"/api/v1/tasks/{waiting.pk}/answers/ask", json={"answer": {"note": "fine"}, "option": "yes"}
    )

    assert (answered.status_code, answered.json()["status"]) == (200, "queued")
    assert OutboxMessage.objects.filter(job="tasks.run", args=[str(waiting.pk)]).count() == 2
    assert run(waiting)
    waiting.refresh_from_db()
    step = StepRun.objects.get(task=waiting, path="ask")
    assert (waiting.status, step.output) == (Status.SUCCEEDED, {"note": "fine", "option": "yes", "late": False})
    assert (gate.runs, person.runs, step.attempts) == (["first"], 2, 1)
    assert waiting.paused_seconds > 0
    assert figures(member) == (995, 0)


def test_answer__second_one__is_refused_and_the_first_stands(waiting, member):
    url = f"/api/v1/tasks/{waiting.pk}/answers/ask"
    Api(member).post(url, json={"answer": {"note": "first"}, "option": "yes"})

    second = Api(member).post(url, json={"answer": {"note": "second"}, "option": "no"})

    assert (second.status_code, second.json()["code"]) == (409, "TASKS_2020")
    question = Question.objects.get(task=waiting)
    assert (question.answer, question.option) == ({"note": "first"}, "yes")
    assert types(waiting).count("answered") == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"answer": {"note": "x"}, "option": "yes"}, "/answer/note"),
        ({"answer": {}, "option": "yes"}, "/answer/note"),
        ({"answer": {"note": "fine"}, "option": "maybe"}, "/option"),
        ({"answer": {"note": "fine"}}, "/option"),
    ],
)
def test_answer__does_not_fit__says_where_and_changes_nothing(waiting, member, body, pointer):
    refused = Api(member).post(f"/api/v1/tasks/{waiting.pk}/answers/ask", json=body)

    assert (refused.status_code, refused.json()["code"]) == (422, "TASKS_2023")
    assert [one["pointer"] for one in refused.json()["details"]["errors"]] == [pointer]
    waiting.refresh_from_db()
    assert (waiting.status, Question.objects.get().answered_at) == (Status.WAITING_INPUT, None)


def test_answer__stranger__learns_nothing(waiting, stranger):
    refused = Api(stranger).post(
        f"/api/v1/tasks/{waiting.pk}/answers/ask", json={"answer": {"note": "fine"}, "option": "yes"}
    )

    assert refused.status_code == 404
    assert Question.objects.get().answered_at is None


def test_answer__for_the_staff__owner_is_refused_and_staff_is_not(member, operator, person):
    person.asked = {"who": "staff"}
    make_feature(graph=echo_graph({"id": "ask", "type": "person"}))
    task = make_task(member)
    run(task)
    body = {"answer": {"note": "fine"}, "option": "yes"}

    refused = Api(member).post(f"/api/v1/tasks/{task.pk}/answers/ask", json=body)
    answer_question(operator, str(task.pk), "ask", given=body["answer"], option="yes")

    assert refused.status_code == 403
    assert Question.objects.get().answered_by == operator


def test_answer__after_the_deadline__is_gone(waiting, member):
    Question.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))

    refused = Api(member).post(
        f"/api/v1/tasks/{waiting.pk}/answers/ask", json={"answer": {"note": "fine"}, "option": "yes"}
    )

    assert (refused.status_code, refused.json()["code"]) == (410, "TASKS_2022")
    assert (Question.objects.get().answer, types(waiting).count("answered")) == (None, 0)


def test_deadline__nobody_answered__the_default_stands(member, person):
    person.asked = {"on_timeout": "option", "default": "no"}
    make_feature(graph=echo_graph({"id": "ask", "type": "person"}))
    task = make_task(member)
    run(task)
    later = timezone.now() + timedelta(hours=2)

    assert (close_overdue(), close_overdue(now=later), close_overdue(now=later)) == (0, 1, 0)

    assert run(task)
    task.refresh_from_db()
    output = StepRun.objects.get(task=task, path="ask").output
    assert (task.status, output["option"], output["late"]) == (Status.SUCCEEDED, "no", True)


def test_cancel__run_waits__is_cancelled_and_can_no_longer_be_answered(waiting, member):
    cancel_task(member, str(waiting.pk))

    refused = Api(member).post(
        f"/api/v1/tasks/{waiting.pk}/answers/ask", json={"answer": {"note": "fine"}, "option": "yes"}
    )

    waiting.refresh_from_db()
    assert (waiting.status, refused.status_code) == (Status.CANCELLED, 409)
    assert figures(member) == (1000, 0)
    assert close_overdue(now=timezone.now() + timedelta(days=9)) == 0


def test_pause__answer_came_while_another_step_ran__goes_on_at_once(member, person, gate):
    graph = echo_graph({"id": "slow", "type": "gate"})
    graph["nodes"].append({"id": "ask", "type": "person"})
    graph["edges"] += [{"source": "start", "target": "ask"}, {"source": "ask", "target": "end"}]
    make_feature(graph=graph)
    task = make_task(member)
    gate.open.clear()

    async def both() -> bool:
        from apps.core.aio import in_thread

        work = asyncio.create_task(run_task(str(task.pk)))
        while not await in_thread(Question.objects.filter(task=task).exists)():  # noqa: ASYNC110 - another thread's row
            await asyncio.sleep(0.02)
        await in_thread(answer_question)(member, str(task.pk), "ask", given={"note": "fine"}, option="yes")
        gate.open.set()
        return await work

    assert aio.run(both(), timeout=30)
    if Task.objects.get(pk=task.pk).status == Status.QUEUED:
        run(task)

    assert Task.objects.get(pk=task.pk).status == Status.SUCCEEDED
    assert person.runs == 2


def test_sleep__long__waits_in_the_queue_and_wakes_by_the_clock(member, monkeypatch):
    monkeypatch.setitem(node_types(), "sleeper", Sleeper())
    make_feature(graph=echo_graph({"id": "nap", "type": "sleeper"}))
    task = make_task(member)

    run(task)

    task.refresh_from_db()
    until = StepRun.objects.get(task=task, path="nap").wake_at
    assert (task.status, task.run_after) == (Status.QUEUED, until)
    assert OutboxMessage.objects.filter(args=[str(task.pk)], due_at=until).exists()
    assert not run(task), "it is not due"
    past = timezone.now() - timedelta(seconds=1)
    Task.objects.filter(pk=task.pk).update(run_after=past)
    StepRun.objects.filter(task=task, path="nap").update(wake_at=past)
    assert run(task)
    task.refresh_from_db()
    assert task.status == Status.SUCCEEDED


def test_sleep__a_moment__is_slept_where_it_is(member, monkeypatch):
    sleeper = Sleeper()
    sleeper.seconds = 0.05
    monkeypatch.setitem(node_types(), "sleeper", sleeper)
    make_feature(graph=echo_graph({"id": "nap", "type": "sleeper"}))
    task = make_task(member)

    run(task)

    task.refresh_from_db()
    assert (task.status, task.attempts) == (Status.SUCCEEDED, 1)


def test_wake__waits_for_a_person_and_a_time_has_come__is_queued(waiting):
    assert wake_due() == 0
    Task.objects.filter(pk=waiting.pk).update(run_after=timezone.now() - timedelta(seconds=1))

    assert (wake_due(), wake_due()) == (1, 0)

    waiting.refresh_from_db()
    assert waiting.status == Status.QUEUED


def test_pause__files_that_would_lapse__are_kept_until_after_the_deadline(member, person):
    person.asked = {"deadline_at": timezone.now() + timedelta(days=30)}
    make_feature(graph=echo_graph({"id": "ask", "type": "person"}))
    soon = timezone.now() + timedelta(days=1)
    stored = StoredFile.objects.create(
        owner=member, purpose="upload", storage_key="k", name="n", mime="image/png", size=1, sha256="0", expires_at=soon
    )
    task = make_task(member)
    Task.objects.filter(pk=task.pk).update(input={"text": "hello", "image": str(stored.pk)})

    run(task)

    stored.refresh_from_db()
    assert stored.expires_at is not None
    assert stored.expires_at > timezone.now() + timedelta(days=36)


def test_join__another_way_was_faster__the_question_is_closed_and_the_run_goes_on(member, person, gate):
    gate.open.clear()
    nodes = [
        {"id": "start", "type": "start"},
        {"id": "ask", "type": "person"},
        {"id": "gate", "type": "gate"},
        {"id": "first", "type": "gate", "policy": {"join": "any"}},
        {"id": "end", "type": "end", "inputs": {"text": "{{ start.text }}"}},
    ]
    pairs = [("start", "ask"), ("start", "gate"), ("gate", "first"), ("first", "end"), ("ask", "first")]
    edges = [{"source": a, "target": b} for a, b in pairs]
    make_feature("race", graph={"nodes": nodes, "edges": edges})
    task = make_task(member, feature="race")

    async def work() -> None:
        running = asyncio.create_task(run_task(str(task.pk)))
        for _look in range(5000):
            if await aio.in_thread(Question.objects.filter(task=task).exists)():
                break
            await asyncio.sleep(0.01)
        gate.open.set()
        await running

    aio.run(work(), timeout=60)

    task.refresh_from_db()
    question = Question.objects.get(task=task)
    assert (task.status, task.output) == (Status.SUCCEEDED, {"text": "hello"})
    assert (question.answered_at is not None, question.option) == (True, "")
    assert dict(StepRun.objects.filter(task=task).values_list("path", "status"))["ask"] == "skipped"
