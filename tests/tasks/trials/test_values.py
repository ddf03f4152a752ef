"""Values that are too large to be told: they say where they are read whole, and are."""

import pytest

from apps.core.storage.models import StoredFile
from apps.core.storage.services import drop
from apps.tasks.models import Status, StepRun, Task
from apps.tasks.trials.replay import Again, replay
from apps.tasks.trials.services import start_trial
from tests.conftest import Api
from tests.tasks.builders import make_feature, make_task
from tests.tasks.trials.builders import ASKS, chain, make_pipeline, wish
from tests.tasks.trials.states import end, make_step
from tests.tasks.trials.test_run import run

SMALL, LARGE, HUGE = "x" * 100, "y" * 20_000, "z" * 70_000


@pytest.fixture
def trial(editor) -> Task:
    """A trial in whose middle something large came out of a step of an item."""
    make_pipeline()
    task = start_trial(editor, "draft", wish())
    make_step(task, "start", "start", {"text": "tea"})
    make_step(task, "each#3/copy", "asks", {"text": LARGE}, inputs={"text": SMALL})
    end(task, Status.SUCCEEDED, output={"text": LARGE})
    return task


def told(user, task: Task) -> dict:
    return Api(user).get(f"/api/v1/admin/trials/{task.pk}").json()


def test_value__cut_in_a_step_of_an_item__is_read_whole_behind_its_link(trial, editor):
    step = told(editor, trial)["steps"][-1]

    assert (step["input"], step["output"]["bytes"]) == ({"text": SMALL}, 20_011)
    assert Api(editor).get(step["output"]["href"]).json() == {"text": LARGE}


def test_value__of_the_trial_itself__likewise(trial, editor):
    output = told(editor, trial)["output"]

    assert (output["$file"], output["bytes"]) == ("", 20_011)
    assert Api(editor).get(output["href"]).json() == {"text": LARGE}
    assert Api(editor).get(f"/api/v1/admin/trials/{trial.pk}/value", params={"side": "input"}).json() == {"text": "tea"}


def test_value__people__as_the_trial_itself(trial, editor, viewer, operator, member):
    href = told(editor, trial)["output"]["href"]

    assert [Api(one).get(href).status_code for one in (editor, operator)] == [200, 200]
    assert [Api(one).get(href).status_code for one in (viewer, member)] == [
        Api(one).get(f"/api/v1/admin/trials/{trial.pk}").status_code for one in (viewer, member)
    ]
    assert Api(member).get(href).status_code == 403


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"side": "output", "step": "nope"}, 404),
        ({"side": "output", "step": "start", "field": "nope"}, 404),
        ({"side": "error", "step": "start"}, 400),
        ({"step": "start"}, 400),
    ],
)
def test_value__what_is_not_there__refused(trial, editor, params, status):
    assert Api(editor).get(f"/api/v1/admin/trials/{trial.pk}/value", params=params).status_code == status


def test_value__of_a_live_run__is_no_trials(member, editor):
    make_feature()
    task = make_task(member)

    answer = Api(editor).get(f"/api/v1/admin/trials/{task.pk}/value", params={"side": "input"})

    assert (answer.status_code, answer.json()["code"]) == (404, "TASKS_2030")


@pytest.mark.django_db(transaction=True)
def test_value__put_away_in_a_file__each_field_has_its_link(editor, asks):
    asks.says = HUGE
    make_pipeline(graph=chain(ASKS, result="{{ copy.text }}"))
    task = run(start_trial(editor, "draft", wish(mode="real")))

    [copy] = [step for step in told(editor, task)["steps"] if step["path"] == "copy"]

    assert (copy["output"]["text"]["bytes"], copy["output"]["model"]) == (70_002, "real")
    assert Api(editor).get(copy["output"]["text"]["href"]).json() == HUGE
    whole = {"side": "output", "step": "copy"}
    assert Api(editor).get(f"/api/v1/admin/trials/{task.pk}/value", params=whole).json()["text"] == HUGE


@pytest.mark.django_db(transaction=True)
def test_value__its_file_is_gone__says_so(editor, asks):
    asks.says = HUGE
    make_pipeline(graph=chain(ASKS, result="{{ copy.text }}"))
    task = run(start_trial(editor, "draft", wish(mode="real")))
    for stored in StoredFile.objects.all():
        drop(stored)

    answer = Api(editor).get(f"/api/v1/admin/trials/{task.pk}/value", params={"side": "output", "step": "copy"})

    assert (answer.status_code, answer.json()["code"]) == (410, "TASKS_2044")


@pytest.mark.django_db(transaction=True)
def test_replay__takes_a_large_result_over__it_is_put_away_again(editor, asks):
    asks.says = HUGE
    more = {**ASKS, "id": "more", "inputs": {"text": "More about {{ start.text }}"}}
    make_pipeline(graph=chain(ASKS, more, result="{{ copy.text }}"))
    old = run(start_trial(editor, "draft", wish(mode="real")))

    new = run(replay(editor, str(old.pk), Again(start="more")))

    kept = StepRun.objects.get(task=new, path="copy")
    assert (new.status, kept.reused, kept.output["text"]["bytes"]) == (Status.SUCCEEDED, True, 70_002)
    assert new.output["text"]["sha256"] == old.output["text"]["sha256"]
