"""The demo content as trials: real nodes, nobody asked."""

import pytest

from apps.core import aio
from apps.tasks.models import Effect, Status, StepRun, Task
from apps.tasks.runner import run_task
from apps.tasks.trials.replay import Again, replay
from apps.tasks.trials.services import start_trial
from tests.conftest import Api, make_user
from tests.tasks.test_main_line import photo
from tests.tasks.trials.builders import wish
from tests.tasks.trials.test_stream import read, stream

pytestmark = pytest.mark.django_db(transaction=True)


def run(task: Task) -> Task:
    assert aio.run(run_task(str(task.pk)), timeout=60)
    task.refresh_from_db()
    return task


@pytest.fixture
def shut(demo, monkeypatch) -> None:
    """Whoever asks a model or a tool fails."""

    async def refuse(*_args, **_kwargs):
        raise AssertionError("the outside was asked")

    monkeypatch.setattr("apps.pipelines.nodes.llm_chat.asking.chat", refuse)
    monkeypatch.setattr("apps.pipelines.nodes.tool_calls.call_tool", refuse)


@pytest.fixture
def ed(demo):
    return make_user("ed", role="editor")


def test_copywriter__mock__a_sample_text_with_its_prompt_in_it(shut, ed):
    given = {"product": "Enamel mug", "tone": "friendly"}

    task = run(start_trial(ed, "copywriter", wish(feature="copywriter", input=given)))

    assert task.error is None
    assert (task.status, "Enamel mug" in str(task.output)) == (Status.SUCCEEDED, True)
    assert {one.kind for one in Effect.objects.filter(task=task)} == {"model"}
    told = read(stream(ed, task))
    assert (told[-1][1], told[-1][2]["cost_micro"]) == ("done", 0)


def test_product_photo__mock__gives_a_picture_and_calls_no_tool(shut, ed):
    uploaded = Api(ed).post("/api/v1/uploads", files={"file": ("cup.jpg", photo(), "image/jpeg")}).json()

    task = run(start_trial(ed, "product-photo", wish(feature="product-photo", input={"image": uploaded["id"]})))

    assert (task.error, task.status) == (None, Status.SUCCEEDED)
    assert task.output["image"] == uploaded["id"], "a mock tool gives back the picture that it was given"


def test_product_photo__a_real_run_replayed__the_very_same_picture_for_nothing(demo, ed, member, monkeypatch):
    api = Api(member)
    uploaded = api.post("/api/v1/uploads", files={"file": ("cup.jpg", photo(), "image/jpeg")}).json()
    given = {"image": uploaded["id"], "size": 640, "format": "png"}
    created = api.post("/api/v1/tasks", json={"feature": "product-photo", "input": given}).json()
    old = run(Task.objects.get(pk=created["id"]))

    async def refuse(*_args, **_kwargs):
        raise AssertionError("the outside was asked")

    monkeypatch.setattr("apps.pipelines.nodes.tool_calls.call_tool", refuse)
    new = run(replay(ed, str(old.pk), Again()))

    assert (new.error, new.output) == (None, old.output)
    told = Api(ed).get(f"/api/v1/admin/trials/{new.pk}/compare").json()
    assert told["changed"] == []
    assert StepRun.objects.filter(task=new).count() == StepRun.objects.filter(task=old).count()
