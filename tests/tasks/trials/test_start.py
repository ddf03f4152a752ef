"""Starting a trial: what is kept of it, what it is not, and every refusal."""

import pytest

from apps.core.errors import Forbidden
from apps.core.outbox.models import OutboxMessage
from apps.features.models import Feature
from apps.pipelines.models import PipelineCase
from apps.quotas.models import Hold
from apps.tasks.errors import FeatureUnknown, InputInvalid
from apps.tasks.models import Event, Frozen, Kind, Status, StepRun, Task
from apps.tasks.trials import services
from apps.tasks.trials.errors import (
    PipelineUnknown,
    RealRunForbidden,
    TrialInvalid,
    TrialRefused,
    TrialsCrowded,
    TrialUnknown,
)
from tests.conftest import make_user
from tests.tasks.builders import echo_graph, make_feature, make_task
from tests.tasks.test_services import figures
from tests.tasks.trials.builders import chain, make_pin, make_pipeline, wish

pytestmark = pytest.mark.django_db

CONDITION = {
    "id": "long",
    "type": "condition",
    "config": {"expression": "size(text) > 3"},
    "inputs": {"text": "{{ start.text }}"},
}
END = {"id": "end", "type": "end", "inputs": {"t": "{{ start.text }}"}}
WAYS = {
    "nodes": [{"id": "start", "type": "start"}, CONDITION, END],
    "edges": [
        {"source": "start", "target": "long"},
        {"source": "long", "target": "end", "when": "true"},
        {"source": "long", "target": "end", "when": "false"},
    ],
}


def nothing_kept() -> bool:
    return not (Task.objects.exists() or OutboxMessage.objects.exists() or Hold.objects.exists())


def frozen_of(task: Task) -> dict:
    return Frozen.objects.get(pk=task.source["frozen"]).body


def test_start__the_draft__queued_as_a_trial_that_nobody_pays(editor):
    pipeline = make_pipeline()

    task = services.start_trial(editor, "draft", wish())

    task.refresh_from_db()
    assert (task.kind, task.status, task.feature, task.version, task.cost) == (Kind.TRIAL, Status.QUEUED, "", 0, 0)
    assert task.input == {"text": "tea"}
    assert task.source["order"] == ["start", "end"]
    assert (task.source["mode"], task.source["outside"]) == ("mock", "mock")
    assert frozen_of(task)["pipeline"] == {"key": "draft", "graph": pipeline.graph}
    assert [event.type for event in Event.objects.filter(task=task)] == ["queued"]
    assert OutboxMessage.objects.get().args == [str(task.pk)]
    assert not Hold.objects.exists()
    assert not Task.objects.owned_by(editor).exists(), "trials are not among a person's tasks"


def test_start__by_number__the_same_pipeline(editor):
    pipeline = make_pipeline()

    assert services.start_trial(editor, str(pipeline.pk), wish()).source["pipeline"] == "draft"


def test_start__an_unsaved_graph__runs_that_and_saves_nothing(editor):
    pipeline = make_pipeline()

    task = services.start_trial(editor, "draft", wish(graph=WAYS))

    pipeline.refresh_from_db()
    assert frozen_of(task)["pipeline"]["graph"] == WAYS
    assert pipeline.graph == echo_graph()


def test_start__twice_the_same__frozen_once(editor):
    make_pipeline()

    first, second = (services.start_trial(editor, "draft", wish()) for _time in range(2))

    assert first.source["frozen"] == second.source["frozen"]
    assert Frozen.objects.count() == 1


def test_start__for_a_feature__its_form_fills_in_and_its_draft_stays(editor):
    feature = make_feature("echo", publish=False)

    task = services.start_trial(editor, "echo", wish(feature="echo", graph=WAYS))

    assert task.input == {"text": "tea", "size": 3}
    assert task.feature == "echo"
    assert Feature.objects.get(pk=feature.pk).pipeline.graph == echo_graph()


def test_start__charged__holds_the_price(member, editor):
    make_feature("echo", cost=5, publish=False)

    task = services.start_trial(editor, "echo", wish(feature="echo", charge=True))

    assert (task.cost, figures(editor)) == (5, (995, 5))


def test_start__input_that_does_not_fit__pointers_and_nothing_kept(editor):
    make_feature("echo", publish=False)

    with pytest.raises(InputInvalid) as refused:
        services.start_trial(editor, "echo", wish(feature="echo", input={"text": "x", "size": 10}))

    assert sorted(error["pointer"] for error in refused.value.details["errors"]) == ["/input/size", "/input/text"]
    assert nothing_kept()


def test_start__a_file_of_somebody_else__refused(editor):
    make_feature("echo", publish=False)
    foreign = "0b6f2f0e-6c1d-4a57-9f5e-0f6f8f2f3c11"

    with pytest.raises(InputInvalid) as refused:
        services.start_trial(editor, "echo", wish(feature="echo", input={"text": "tea", "image": foreign}))

    assert [error["pointer"] for error in refused.value.details["errors"]] == ["/input/image"]
    assert nothing_kept()


def test_start__the_schema_of_the_start_node__is_the_form(editor):
    graph = echo_graph()
    graph["nodes"][0]["config"] = {
        "schema": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
    }
    make_pipeline(graph=graph)

    with pytest.raises(InputInvalid):
        services.start_trial(editor, "draft", wish(input={}))

    assert nothing_kept()


def test_start__a_graph_with_mistakes__the_validators_own_list(editor):
    graph = echo_graph(CONDITION)
    make_pipeline(graph=graph)

    with pytest.raises(TrialRefused) as refused:
        services.start_trial(editor, "draft", wish())

    assert "E_BRANCH_INCOMPLETE" in {problem["code"] for problem in refused.value.details["problems"]}
    assert nothing_kept()


def test_start__real_by_somebody_without_the_right__refused(editor, monkeypatch):
    make_pipeline()
    granted = services.allows
    monkeypatch.setattr(
        services, "allows", lambda by, right, obj=None: right != "pipelines:run" and granted(by, right, obj)
    )

    with pytest.raises(RealRunForbidden):
        services.start_trial(editor, "draft", wish(mode="real"))

    assert nothing_kept()


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_start__by_somebody_who_may_not_change_pipelines__forbidden(db, role):
    make_pipeline()

    with pytest.raises(Forbidden):
        services.start_trial(make_user("ann", role=role), "draft", wish())

    assert nothing_kept()


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"feature": "nope"}, FeatureUnknown),
        ({"feature": "other"}, TrialInvalid),
        ({"charge": True}, TrialInvalid),
        ({"case": "nope"}, TrialInvalid),
        ({"pins": {"long": "nope"}}, TrialInvalid),
        ({"pins": {"start": "pin"}}, TrialInvalid),
        ({"pins": {"nowhere": "pin"}}, TrialInvalid),
        ({"pins": {"long": "no-way"}}, TrialInvalid),
        ({"node": "nowhere"}, TrialInvalid),
        ({"node": "end"}, TrialInvalid),
        ({"node": "long", "inputs": {"$pin": "nope"}}, TrialInvalid),
        ({"node": "long", "inputs": {"$last": True}}, TrialInvalid),
        ({"node": "long"}, TrialInvalid),
        ({"node": "long", "graph": {"nodes": "x"}}, TrialRefused),
    ],
)
def test_start__what_does_not_fit_together__refused(editor, asked, error):
    pipeline = make_pipeline(graph=WAYS)
    make_feature("other", publish=False)
    make_pin(pipeline, "long", {"result": True})
    make_pin(pipeline, "long", {"result": "perhaps"}, name="no-way")

    with pytest.raises(error):
        services.start_trial(editor, "draft", wish(**asked))

    assert nothing_kept()


def test_start__no_such_pipeline__404(editor):
    with pytest.raises(PipelineUnknown):
        services.start_trial(editor, "nope", wish())


def test_start__a_pin__stands_in_with_its_way_and_its_files(editor):
    pipeline = make_pipeline(graph=WAYS)
    make_pin(pipeline, "long", {"result": True}, files=["0b6f2f0e-6c1d-4a57-9f5e-0f6f8f2f3c11"])

    task = services.start_trial(editor, "draft", wish(pins={"long": "pin"}))

    assert frozen_of(task)["trial"]["standins"] == {"long": {"output": {"result": True}, "branch": "true"}}
    assert task.source["files"] == ["0b6f2f0e-6c1d-4a57-9f5e-0f6f8f2f3c11"]


def test_start__a_case__its_input_its_mocks_and_its_checks(editor):
    pipeline = make_pipeline(graph=WAYS)
    checks = [{"type": "contains", "text": "tea"}]
    PipelineCase.objects.create(
        pipeline=pipeline, name="tea", input={"text": "green tea"}, mocks={"long": {"result": False}}, checks=checks
    )

    task = services.start_trial(editor, "draft", wish(case="tea"))

    assert task.input == {"text": "green tea"}
    assert frozen_of(task)["trial"]["standins"] == {"long": {"output": {"result": False}, "branch": "false"}}
    assert task.source["checks"] == checks


# --- one node -----------------------------------------------------------------------------------


def test_one_node__edited_inputs__are_values_and_never_templates(editor):
    make_pipeline(graph=WAYS)

    task = services.start_trial(editor, "draft", wish(node="long", inputs={"text": "{{ start.text }}"}))

    assert (task.source["node"], task.source["order"]) == ("long", ["long"])
    assert task.input == {"text": "{{ start.text }}"}


def test_one_node__a_pin__is_what_it_is_given(editor):
    pipeline = make_pipeline(graph=WAYS)
    make_pin(pipeline, "start", {"text": "pinned"})

    assert services.start_trial(editor, "draft", wish(node="long", inputs={"$pin": "pin"})).input == {"text": "pinned"}


def test_one_node__nothing_given__resolved_from_pins_of_earlier_nodes(editor):
    pipeline = make_pipeline(graph=WAYS)
    make_pin(pipeline, "start", {"text": "pinned"})

    assert services.start_trial(editor, "draft", wish(node="long", pins={"start": "pin"})).input == {"text": "pinned"}


def test_one_node__its_last_inputs__are_the_persons_own(editor):
    make_pipeline(graph=WAYS)
    for person, text in ((editor, "mine"), (make_user("bob", role="editor"), "not mine")):
        ran = services.start_trial(person, "draft", wish())
        StepRun.objects.create(
            task=ran, path="long", node="long", type="condition", status="succeeded", inputs={"text": text}
        )

    assert services.start_trial(editor, "draft", wish(node="long", inputs={"$last": True})).input == {"text": "mine"}


def test_one_node__mistakes_elsewhere__do_not_keep_it_from_running(editor):
    graph = chain(CONDITION, result="{{ nowhere.text }}")
    make_pipeline(graph=graph)

    assert services.start_trial(editor, "draft", wish(node="long", inputs={"text": "x"})).status == Status.QUEUED


def test_one_node__its_own_settings_are_wrong__refused(editor):
    wrong = {**CONDITION, "config": {"expression": ""}}
    make_pipeline(graph=chain(wrong, result="x"))

    with pytest.raises(TrialRefused) as refused:
        services.start_trial(editor, "draft", wish(node="long", inputs={"text": "x"}))

    assert {problem["node"] for problem in refused.value.details["problems"]} == {"long"}


# --- who sees it, and cancelling ----------------------------------------------------------------


def test_get__own_operators_and_strangers__only_who_may(editor, viewer, member):
    make_pipeline()
    task = services.start_trial(editor, "draft", wish())

    assert services.get_for(editor, str(task.pk)) == task
    assert services.get_for(viewer, str(task.pk)) == task, "may read tasks"
    for person, wanted in ((member, str(task.pk)), (editor, "no-id"), (editor, str(make_task_of(member).pk))):
        with pytest.raises(TrialUnknown):
            services.get_for(person, wanted)


def make_task_of(member) -> Task:
    make_feature("echo")
    return make_task(member)


def test_cancel__queued__over_at_once(editor, viewer):
    make_pipeline()
    task = services.start_trial(editor, "draft", wish())

    with pytest.raises(Forbidden):
        services.cancel_trial(viewer, str(task.pk))
    assert services.cancel_trial(editor, str(task.pk)).status == Status.CANCELLED


def test_start__too_many_going_on__told_to_wait(editor, monkeypatch):
    monkeypatch.setattr(services, "MOST_AT_ONCE", 1)
    make_pipeline()
    first = services.start_trial(editor, "draft", wish())

    with pytest.raises(TrialsCrowded):
        services.start_trial(editor, "draft", wish())

    services.cancel_trial(editor, str(first.pk))
    assert services.start_trial(editor, "draft", wish())
