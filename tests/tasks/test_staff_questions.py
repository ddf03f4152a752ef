"""What a run asks the staff is answered on its page in the admin."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.core import assets
from apps.tasks.models import Question, Status, Task
from tests.tasks.builders import echo_graph, make_feature, make_task
from tests.tasks.test_questions import person, run  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db(transaction=True)
GOOD = {"path": "ask", "answer": {"note": "fine"}, "option": "yes"}


@pytest.fixture(autouse=True)
def _front_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "_manifest", lambda: {"src/admin.tsx": {"file": "admin-1.js"}})


@pytest.fixture
def asking(member: User, person: Any) -> Task:  # noqa: F811 - the fixture
    """A run that waits for the staff."""
    person.asked = {"who": "staff"}
    make_feature(graph=echo_graph({"id": "ask", "type": "person"}))
    task = make_task(member)
    run(task)
    return task


def page(client: Client, task: Task) -> str:
    return client.get(reverse("admin:tasks_task_change", args=[task.pk])).content.decode()


def say(client: Client, task: Task, said: Any) -> Any:
    body = said if isinstance(said, str) else json.dumps(said)
    return client.post(reverse("admin:tasks_task_answer", args=[task.pk]), body, content_type="application/json")


def test_page__run_asks_the_staff__shows_the_question_to_who_may_answer(client, operator, viewer, asking):
    client.force_login(operator)
    theirs = page(client, asking)
    client.force_login(viewer)
    others = page(client, asking)

    assert 'data-paiban="staff-questions"' in theirs
    assert "Is it good?" in theirs
    assert "staff-questions" not in others


def test_answer__sound__run_goes_on_and_the_page_asks_no_more(client, operator, asking):
    client.force_login(operator)

    told = say(client, asking, GOOD)
    run(asking)

    asking.refresh_from_db()
    assert (told.status_code, asking.status) == (200, Status.SUCCEEDED)
    assert Question.objects.get().answered_by == operator
    assert "staff-questions" not in page(client, asking)


def test_answer__twice__the_second_is_told(client, operator, asking):
    client.force_login(operator)
    say(client, asking, GOOD)

    late = say(client, asking, {**GOOD, "option": "no"})

    assert (late.status_code, Question.objects.get().option) == (409, "yes")


@pytest.mark.parametrize(
    "said",
    ["", "[]", "null", "{}", {"path": 1}, {**GOOD, "answer": []}, {**GOOD, "option": 2}, "[" * 5000],
)
def test_answer__of_another_shape__is_refused(client, operator, asking, said):
    client.force_login(operator)

    refused = say(client, asking, said)

    assert (refused.status_code, refused.json()["code"]) == (400, "CORE_2000")
    assert Question.objects.get().answered_at is None


def test_answer__that_the_form_refuses__says_where(client, operator, asking):
    client.force_login(operator)

    refused = say(client, asking, {**GOOD, "answer": {"note": ""}, "option": "maybe"})

    pointers = {one["pointer"] for one in refused.json()["details"]["errors"]}
    assert (refused.status_code, pointers) == (422, {"/answer/note", "/option"})


def test_answer__without_the_right__is_forbidden(client, viewer, asking):
    client.force_login(viewer)

    assert say(client, asking, GOOD).status_code == 403
    assert Question.objects.get().answered_at is None
