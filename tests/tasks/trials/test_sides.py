"""Two runs side by side: over the API, and in the CMS."""

import pytest
from django.test import Client
from django.urls import reverse

from apps.tasks.models import Kind, Status, Task
from apps.tasks.trials.replay import Again, replay
from apps.tasks.trials.services import start_trial
from tests.conftest import Api
from tests.tasks.builders import make_feature, make_task
from tests.tasks.trials.builders import ASKS, chain, make_pipeline, wish
from tests.tasks.trials.states import end, make_step

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair(member, editor, asks) -> tuple[Task, Task]:
    """A live run, and its replay in which the model said something else and one step is missing."""
    make_feature(graph=chain(ASKS, result="{{ copy.text }}"))
    old = make_task(member)
    make_step(old, "start", "start", {"text": "hello"})
    make_step(old, "copy", "asks", {"text": "Once", "model": "a"}, usage={"cost_micro": 9})
    make_step(old, "end", "end", {"text": "Once"})
    end(old, Status.SUCCEEDED, output={"text": "Once"})
    new = replay(editor, str(old.pk), Again(outside="mock"))
    make_step(new, "start", "start", {"text": "hello"})
    make_step(new, "copy", "asks", {"text": "Twice", "model": "b"}, usage={"cost_micro": 0})
    end(new, Status.SUCCEEDED, output={"text": "Twice"})
    return old, new


def test_compare__step_by_step__what_is_the_same_and_what_differs(pair, editor):
    old, new = pair

    told = Api(editor).get(f"/api/v1/admin/trials/{new.pk}/compare").json()

    assert [(step["path"], step["change"]) for step in told["steps"]] == [
        ("start", "same"), ("copy", "differs"), ("end", "only_a"),
    ]  # fmt: skip
    copy = told["steps"][1]
    assert copy["diff"] == [
        {"pointer": "/text", "a": "Once", "b": "Twice", "volatile": False},
        {"pointer": "/model", "a": "a", "b": "b", "volatile": True},
    ]
    assert (copy["a"]["cost_micro"], copy["b"]["cost_micro"]) == (9, 0)
    assert told["output"]["diff"] == [{"pointer": "/text", "a": "Once", "b": "Twice", "volatile": False}]
    assert told["changed"] == ["copy", "end"]
    assert (told["a"]["id"], told["b"]["kind"]) == (str(old.pk), Kind.REPLAY)


def test_compare__only_volatile_fields_differ__the_same(pair, editor):
    old, new = pair
    new.steps.filter(path="copy").update(output={"text": "Once", "model": "b"})

    told = Api(editor).get(f"/api/v1/admin/trials/{new.pk}/compare", params={"with": str(old.pk)}).json()

    assert told["steps"][1]["change"] == "same"


def test_compare__people__only_who_may_read_runs(pair, member, viewer):
    path = f"/api/v1/admin/trials/{pair[1].pk}/compare"

    assert (Api(member).get(path).status_code, Api(viewer).get(path).status_code) == (403, 200)


def test_compare__with_nothing__404(pair, editor):
    path = f"/api/v1/admin/trials/{pair[1].pk}/compare"

    assert Api(editor).get(path, params={"with": "nothing"}).json()["code"] == "TASKS_2003"


def test_replay__over_http__202(pair, editor):
    answer = Api(editor).post(f"/api/v1/admin/tasks/{pair[0].pk}/replay", json={"outside": "mock"})

    assert answer.status_code == 202
    assert Task.objects.get(pk=answer.json()["trial"]).kind == Kind.REPLAY


# --- in the CMS ---------------------------------------------------------------------------------


def browser(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_page_of_a_run__an_editor__offers_the_time_machine(pair, editor):
    page = browser(editor).get(reverse("admin:tasks_task_change", args=[pair[0].pk])).content.decode()

    assert 'data-testid="replay"' in page
    assert reverse("admin:tasks_task_compare", args=[pair[1].pk]) in page, "the replay that was made"


def test_page_of_a_run__a_viewer__does_not(pair, viewer):
    page = browser(viewer).get(reverse("admin:tasks_task_change", args=[pair[0].pk])).content.decode()

    assert 'data-testid="replay"' not in page


def test_replay_button__an_editor__starts_one_and_shows_it(pair, editor):
    answer = browser(editor).post(
        reverse("admin:tasks_task_replay", args=[pair[0].pk]), {"on": "same", "outside": "mock", "from": "copy"}
    )

    new = Task.objects.filter(kind=Kind.REPLAY).latest("created_at")
    assert answer["Location"] == reverse("admin:tasks_task_compare", args=[new.pk])
    assert (new.source["outside"], new.source["from"]) == ("mock", "copy")


def test_replay_button__a_viewer__refused(pair, viewer):
    answer = browser(viewer).post(reverse("admin:tasks_task_replay", args=[pair[0].pk]), {})

    assert answer.status_code == 403
    assert Task.objects.count() == 2


def test_replay_button__impossible__said_on_the_runs_page(pair, editor):
    Task.objects.filter(pk=pair[0].pk).update(version=77)

    answer = browser(editor).post(reverse("admin:tasks_task_replay", args=[pair[0].pk]), {}, follow=True)

    assert "cannot be replayed" in answer.content.decode()
    assert Task.objects.count() == 2


def test_compare_page__finished__shows_both_and_rests(pair, viewer):
    page = browser(viewer).get(reverse("admin:tasks_task_compare", args=[pair[1].pk])).content.decode()

    assert ("Once" in page, "Twice" in page, "/text" in page) == (True, True, True)
    assert 'http-equiv="refresh"' not in page


def test_compare_page__going_on__looks_again_and_can_be_stopped(pair, editor):
    new = replay(editor, str(pair[0].pk), Again(outside="mock"))
    client = browser(editor)

    page = client.get(reverse("admin:tasks_task_compare", args=[new.pk])).content.decode()
    assert 'http-equiv="refresh"' in page
    client.post(reverse("admin:tasks_task_stop", args=[new.pk]))

    new.refresh_from_db()
    assert new.status == Status.CANCELLED


def test_compare_page__of_no_replay__back_to_the_list(pair, editor):
    answer = browser(editor).get(reverse("admin:tasks_task_compare", args=[pair[0].pk]))

    assert answer["Location"] == reverse("admin:tasks_task_changelist")


@pytest.mark.parametrize("asked", [{}, {"with": "itself"}])
def test_compare__with_no_other_run__says_what_to_do(editor, asked):
    make_pipeline()
    trial = start_trial(editor, "draft", wish())
    params = {name: str(trial.pk) for name in asked}

    answer = Api(editor).get(f"/api/v1/admin/trials/{trial.pk}/compare", params=params)

    assert (answer.status_code, answer.json()["code"]) == (409, "TASKS_2043")


def test_compare_page__of_a_trial_that_repeats_nothing__back_with_a_reason(editor):
    make_pipeline()
    trial = start_trial(editor, "draft", wish())
    client = browser(editor)

    answer = client.get(reverse("admin:tasks_task_compare", args=[trial.pk]), follow=True)

    assert answer.redirect_chain[0][0] == reverse("admin:tasks_task_changelist")
    assert "These runs cannot be compared" in answer.content.decode()
