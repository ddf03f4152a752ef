"""The time machine: what is repeated, what is taken over, and who may."""

import pytest

from apps.core.errors import Forbidden, InvalidRequest
from apps.pipelines.models import Pipeline
from apps.quotas.models import Hold
from apps.tasks.errors import TaskUnknown
from apps.tasks.models import Effect, Kind, Task
from apps.tasks.trials import replay as machine
from apps.tasks.trials.errors import RealRunForbidden, ReplayImpossible, TrialRefused
from apps.tasks.trials.plan import body_of
from apps.tasks.trials.replay import Again, read_again, replay
from apps.tasks.trials.services import start_trial
from tests.tasks.builders import echo_graph, make_feature, make_task
from tests.tasks.trials.builders import ASKS, chain, make_pipeline, wish
from tests.tasks.trials.states import make_step

pytestmark = pytest.mark.django_db

FILE = "0b6f2f0e-6c1d-4a57-9f5e-0f6f8f2f3c11"


@pytest.fixture
def old(member, asks) -> Task:
    """A live run of start -> copy -> end whose steps are there."""
    make_feature(graph=chain(ASKS, result="{{ copy.text }}"))
    task = make_task(member)
    make_step(task, "start", "start", {"text": "hello"})
    make_step(task, "copy", "asks", {"text": "Once", "image": FILE})
    make_step(task, "end", "end", {"text": "Once"})
    return task


def test_replay__the_same__runs_the_old_snapshot_for_whoever_asks(old, editor):
    new = replay(editor, str(old.pk), Again())

    assert (new.kind, new.user, new.cost, new.feature, new.version) == (Kind.REPLAY, editor, 0, "echo", old.version)
    assert new.input == old.input
    assert (new.source["outside"], new.source["on"], new.source["of"]) == ("recorded", "same", str(old.pk))
    assert body_of(new) == body_of(old)
    assert not Hold.objects.filter(task=str(new.pk)).exists()
    assert not Task.objects.owned_by(editor).exists()


def test_replay__on_the_draft__runs_what_the_draft_says_now(old, editor):
    Pipeline.objects.filter(key="echo").update(graph=echo_graph())

    new = replay(editor, str(old.pk), Again(on="draft"))

    assert body_of(new)["pipeline"]["graph"] == echo_graph()
    assert body_of(old)["pipeline"]["graph"] != echo_graph()


def test_replay__a_draft_with_mistakes__refused_and_nothing_kept(old, editor):
    Pipeline.objects.filter(key="echo").update(graph={"nodes": [], "edges": []})

    with pytest.raises(TrialRefused):
        replay(editor, str(old.pk), Again(on="draft"))

    assert Task.objects.get() == old


def test_replay__files_of_the_old_run__are_lent(old, editor):
    assert replay(editor, str(old.pk), Again()).source["files"] == [FILE]


def test_replay__from_a_step_on__keeps_what_is_before_it(old, editor):
    assert replay(editor, str(old.pk), Again(outside="mock", start="copy")).source["keep"] == []

    Pipeline.objects.filter(key="echo").update(graph=chain(ASKS, {**ASKS, "id": "more"}, result="{{ more.text }}"))
    assert replay(editor, str(old.pk), Again(on="draft", outside="mock", start="more")).source["keep"] == ["copy"]


def test_replay__of_a_run_before_calls_were_recorded__keeps_what_it_cannot_ask(old, editor):
    assert replay(editor, str(old.pk), Again()).source["keep"] == ["copy"]

    Effect.objects.create(
        task=old, path="copy", no=0, kind="model", address="chat/x", request_sha256="a", status="done"
    )
    assert replay(editor, str(old.pk), Again()).source["keep"] == []


def test_replay__of_a_trial__runs_its_frozen_draft(editor):
    make_pipeline()
    trial = start_trial(editor, "draft", wish())

    new = replay(editor, str(trial.pk), Again())

    assert body_of(new) == body_of(trial)
    assert new.source["pipeline"] == "draft"


def test_replay__by_people_without_the_rights__refused(old, member, viewer, editor, monkeypatch):
    for person in (member, viewer):
        with pytest.raises(Forbidden):
            replay(person, str(old.pk), Again())
    granted = machine.allows
    monkeypatch.setattr(machine, "allows", lambda by, right: right != "pipelines:run" and granted(by, right))
    for again in (Again(outside="real"), Again(fill="real")):
        with pytest.raises(RealRunForbidden):
            replay(editor, str(old.pk), again)

    assert Task.objects.get() == old


def test_replay__what_is_not_there__refused(old, editor):
    for unknown in ("no-id", FILE):
        with pytest.raises(TaskUnknown):
            replay(editor, unknown, Again())
    with pytest.raises(ReplayImpossible):
        replay(editor, str(old.pk), Again(start="nowhere"))
    Task.objects.filter(pk=old.pk).update(version=77)
    with pytest.raises(ReplayImpossible):
        replay(editor, str(old.pk), Again())

    assert Task.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ([], [""]),
        ({"on": "other"}, ["/on"]),
        ({"outside": "dream", "fill": "mock"}, ["/outside", "/fill"]),
        ({"from": 3}, ["/from"]),
        ({"what": 1}, ["/what"]),
    ],
)
def test_read__nonsense__pointed_at(body, pointers):
    with pytest.raises(InvalidRequest) as refused:
        read_again(body)

    assert [error["pointer"] for error in refused.value.details["errors"]] == pointers


def test_read__nothing_said__the_same_with_recorded_answers():
    assert read_again({}) == Again(on="same", outside="recorded", start="", fill="")
