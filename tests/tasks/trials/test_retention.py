"""What becomes of old trials: they go with everything that was written of them, and nothing else does."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.core.storage.models import StoredFile
from apps.core.storage.services import purge_expired
from apps.pipelines.models import PipelineCase
from apps.tasks.models import Effect, Event, Frozen, Kind, Question, StepRun, Task
from apps.tasks.trials import frozen, retention
from apps.tasks.trials.errors import ReplayImpossible
from apps.tasks.trials.plan import _plan
from apps.tasks.trials.replay import Again, replay
from apps.tasks.trials.services import start_trial
from tests.core.builders import make_file
from tests.tasks.builders import make_feature, make_task
from tests.tasks.trials.builders import make_pin, make_pipeline, wish
from tests.tasks.trials.states import end, make_step

pytestmark = pytest.mark.django_db

OLD = timedelta(days=31)


def make_old(task: Task, *, by: timedelta = OLD, status: str = "succeeded") -> Task:
    """A run that began and ended long ago."""
    if not task.is_terminal:
        end(task, status)
    then = timezone.now() - by
    Task.objects.filter(pk=task.pk).update(created_at=then, finished_at=then)
    Frozen.objects.update(created_at=then)
    return task


def write_everything(task: Task) -> None:
    make_step(task, "start", "start", {"text": "tea"})
    Effect.objects.create(task=task, path="a", no=0, kind="tool", address="x", request_sha256="a", status="done")
    Question.objects.create(task=task, path="q", node="q", deadline_at=timezone.now())


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
def test_purge__old_trial__goes_with_all_its_rows_and_its_body(editor, status):
    make_pipeline()
    task = start_trial(editor, "draft", wish())
    write_everything(task)
    make_old(task, status=status)

    assert retention.purge() == 1

    assert [model.objects.count() for model in (Task, StepRun, Effect, Question, Event, Frozen)] == [0] * 6


def test_purge__young_or_unfinished_trials__stay(editor):
    make_pipeline()
    young, waiting = start_trial(editor, "draft", wish()), start_trial(editor, "draft", wish())
    make_old(young, by=timedelta(days=29))
    Task.objects.filter(pk=waiting.pk).update(created_at=timezone.now() - OLD)
    Frozen.objects.update(created_at=timezone.now() - OLD)

    assert retention.purge() == 0

    assert (Task.objects.count(), Frozen.objects.count()) == (2, 1)


def test_purge__old_live_run__stays(member):
    make_feature()
    task = make_task(member)
    write_everything(task)
    make_old(task, by=timedelta(days=4000))

    assert retention.purge() == 0

    assert (StepRun.objects.count(), Effect.objects.count(), Question.objects.count()) == (1, 1, 1)


def test_purge__body_of_two_trials__goes_with_the_last(editor):
    make_pipeline()
    old, young = start_trial(editor, "draft", wish()), start_trial(editor, "draft", wish())
    end(young, "succeeded")
    make_old(old)

    assert retention.purge() == 1
    assert Frozen.objects.count() == 1

    make_old(young)
    assert retention.purge() == 1
    assert Frozen.objects.count() == 0


def test_purge__trial_with_a_kept_replay__stays_until_that_goes(editor, operator):
    make_pipeline()
    old = make_old(start_trial(operator, "draft", wish()))
    again = replay(operator, str(old.pk), Again())

    assert retention.purge() == 0

    make_old(again)
    assert retention.purge() == 2
    assert not Task.objects.exists()


def test_purge__many__takes_no_more_than_it_may(editor, monkeypatch):
    make_pipeline()
    for _ in range(5):
        make_old(start_trial(editor, "draft", wish()))
    monkeypatch.setattr(retention, "MOST", 3)
    monkeypatch.setattr(retention, "BATCH", 2)

    assert [retention.purge(), retention.purge(), retention.purge()] == [3, 2, 0]


def test_purge__no_days__keeps_for_good(editor, settings):
    settings.TRIAL_DAYS = 0
    make_pipeline()
    make_old(start_trial(editor, "draft", wish()))

    assert retention.purge() == 0
    assert Task.objects.count() == 1


def test_freeze__an_old_body_once_more__is_young_again(editor):
    make_pipeline()
    task = make_old(start_trial(editor, "draft", wish()))
    body = Frozen.objects.get().body
    extras = body.pop(frozen.EXTRAS)

    assert frozen.freeze(body, extras) == task.source["frozen"]
    retention.purge()

    assert (Task.objects.count(), Frozen.objects.count()) == (0, 1)


def test_run__replay_of_what_is_gone__says_so_instead_of_making_answers_up(editor, operator):
    make_pipeline()
    old = make_old(start_trial(operator, "draft", wish()))
    again = replay(operator, str(old.pk), Again())
    Task.objects.filter(pk=old.pk).delete()

    with pytest.raises(ReplayImpossible):
        _plan(Task.objects.get(pk=again.pk, kind=Kind.REPLAY))


def test_purge__files_that_pins_and_cases_name__stay(editor, tmp_path):
    files = [make_file(editor, tmp_path, content=bytes([number])) for number in range(4)]
    StoredFile.objects.update(expires_at=timezone.now() - timedelta(days=1))
    pipeline = make_pipeline()
    make_pin(pipeline, "copy", {"text": "tea"}, files=[str(files[0].pk)])
    make_pin(pipeline, "copy", {"image": str(files[1].pk)}, name="other")
    PipelineCase.objects.create(pipeline=pipeline, name="one", input={"image": str(files[2].pk)})

    assert purge_expired() == 4
    assert purge_expired() == 0

    assert set(StoredFile.objects.all()) == set(files[:3])
