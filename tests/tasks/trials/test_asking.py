"""Trials that ask a person: whoever tries it answers, and a replay does not ask again."""

import pytest

from apps.core import aio
from apps.tasks.models import Kind, Question, Status, StepRun, Task
from apps.tasks.runner import run_task
from apps.tasks.trials.replay import Again, replay
from apps.tasks.trials.services import cancel_trial, start_trial
from tests.conftest import Api, make_user
from tests.tasks.trials.builders import make_pipeline, wish
from tests.tasks.trials.test_stream import read, stream

pytestmark = pytest.mark.django_db(transaction=True)

ASK = {
    "id": "ask",
    "type": "human_input",
    "config": {
        "title": "Good enough?",
        "form": {"type": "object", "properties": {"note": {"type": "string"}}},
        "options": ["yes", "no"],
        "deadline": "PT1H",
    },
}
GRAPH = {
    "nodes": [
        {"id": "start", "type": "start"},
        ASK,
        {"id": "end", "type": "end", "inputs": {"note": "{{ ask.note }}", "said": "{{ ask.option }}"}},
    ],
    "edges": [
        {"source": "start", "target": "ask"},
        {"source": "ask", "target": "end", "when": "yes"},
        {"source": "ask", "target": "end", "when": "no"},
    ],
}


def run(task: Task) -> Task:
    assert aio.run(run_task(str(task.pk)), timeout=20)
    task.refresh_from_db()
    return task


@pytest.fixture
def asked(editor) -> Task:
    """A trial that waits for an answer."""
    make_pipeline(graph=GRAPH)
    task = run(start_trial(editor, "draft", wish()))
    assert task.status == Status.WAITING_INPUT, task.error
    return task


def answer(user, task: Task):
    path = f"/api/v1/tasks/{task.pk}/answers/ask"
    return Api(user).post(path, json={"answer": {"note": "fine"}, "option": "yes"})


def test_trial__asks__its_owner_answers_and_it_goes_on(asked, editor):
    assert answer(editor, asked).status_code == 200

    task = run(asked)

    assert (task.status, task.output) == (Status.SUCCEEDED, {"note": "fine", "said": "yes"})
    told = read(stream(editor, task))
    [question] = [data for _seq, name, data in told if name == "waiting_input"]
    assert (question["path"], question["options"]) == ("ask", ["yes", "no"])
    assert [data["status"] for _s, name, data in told if name == "step" and data["path"] == "ask"][-1] == "succeeded"
    assert answer(editor, asked).status_code == 409


def test_trial__asks__nobody_else_may_answer(asked, member):
    for person in (member, make_user("bob", role="editor"), make_user("vic", role="viewer")):
        assert answer(person, asked).status_code == 404

    assert not Question.objects.filter(answered_at__isnull=False).exists()


def test_trial__cancelled_while_it_waits__over_and_unanswerable(asked, editor):
    assert cancel_trial(editor, str(asked.pk)).status == Status.CANCELLED

    assert answer(editor, asked).status_code == 409
    assert read(stream(editor, asked))[-1][2]["code"] == "TASKS_2031"


@pytest.mark.parametrize("outside", ["recorded", "mock"])
def test_replay__of_a_run_that_asked__takes_the_answer_over(asked, editor, outside):
    answer(editor, asked)
    old = run(asked)

    new = run(replay(editor, str(old.pk), Again(outside=outside)))

    assert (new.kind, new.status, new.output) == (Kind.REPLAY, Status.SUCCEEDED, old.output)
    assert StepRun.objects.get(task=new, path="ask").reused


def test_replay__real__asks_again(asked, editor):
    answer(editor, asked)

    new = run(replay(editor, str(run(asked).pk), Again(outside="real")))

    assert new.status == Status.WAITING_INPUT
