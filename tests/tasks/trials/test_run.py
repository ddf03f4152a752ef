"""Trials and replays, run by a worker to their end: nobody outside is asked unless somebody said so."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.core import aio
from apps.core.errors import DependencyDown
from apps.core.outbox.models import OutboxMessage
from apps.core.storage.models import StoredFile
from apps.pipelines.engine.ports import Call
from apps.pipelines.models import Pipeline
from apps.quotas.models import Hold
from apps.tasks.models import Effect, Status, StepRun, Task
from apps.tasks.outcomes import outcomes as counted
from apps.tasks.runner import run_task
from apps.tasks.trials.outsides.mock import Mock
from apps.tasks.trials.plan import files_of
from apps.tasks.trials.replay import Again, replay
from apps.tasks.trials.services import start_trial
from tests.conftest import Api
from tests.tasks.builders import make_feature, make_task
from tests.tasks.test_services import figures
from tests.tasks.trials.builders import ASKS, chain, make_pin, make_pipeline, wish
from tests.tasks.trials.test_stream import read, stream

pytestmark = pytest.mark.django_db(transaction=True)

GRAPH = chain(ASKS, result="{{ copy.text }}")
LONG = {
    "id": "long",
    "type": "condition",
    "config": {"expression": "size(text) > 3"},
    "inputs": {"text": "{{ start.text }}"},
}


def run(task: Task) -> Task:
    assert aio.run(run_task(str(task.pk)), timeout=20)
    task.refresh_from_db()
    return task


def steps(task: Task) -> dict[str, str]:
    return {row.path: "reused" if row.reused else row.status for row in StepRun.objects.filter(task=task)}


# --- trials -------------------------------------------------------------------------------------


def test_mock_trial__to_the_end__nobody_is_asked_and_nothing_charged(editor, asks):
    make_pipeline(graph=GRAPH)

    task = run(start_trial(editor, "draft", wish()))

    assert (task.status, asks.asked) == (Status.SUCCEEDED, [])
    assert task.output["text"].startswith("**Sample answer**")
    assert steps(task) == {"start": "succeeded", "copy": "succeeded", "end": "succeeded"}
    assert [(one.path, one.no, one.status) for one in Effect.objects.filter(task=task)] == [("copy", 0, "done")]
    assert not Hold.objects.exists()


def test_mock_trial__watched__start_steps_deltas_done(editor, asks):
    make_pipeline(graph=GRAPH)
    task = run(start_trial(editor, "draft", wish()))

    told = read(stream(editor, task))

    names = [name for _seq, name, _data in told]
    assert (names[0], names[-1]) == ("start", "done")
    assert "delta" in names
    last = {data["path"]: data for _seq, name, data in told if name == "step"}
    assert last["copy"]["input"] == {"text": "Write about tea"}
    assert last["copy"]["output"]["text"] == task.output["text"]
    assert last["copy"]["cost_micro"] == 0
    assert told[-1][2]["totals"]["calls"] == 1


def test_real_trial__asks_once_and_tells_the_cost(editor, asks):
    make_pipeline(graph=GRAPH)

    task = run(start_trial(editor, "draft", wish(mode="real")))

    assert (task.output, len(asks.asked)) == ({"text": "The truth"}, 1)
    assert read(stream(editor, task))[-1][2]["cost_micro"] == 30


def test_trial__fails__the_stream_says_where_and_why(editor, asks):
    graph = chain({**LONG, "config": {"expression": "size(text) > many"}}, result="x")
    graph["edges"] = [
        {"source": "start", "target": "long"},
        {"source": "long", "target": "end", "when": "true"},
        {"source": "long", "target": "end", "when": "false"},
    ]
    graph["nodes"][1]["inputs"]["many"] = "{{ start.many }}"
    make_pipeline(graph=graph)

    task = run(start_trial(editor, "draft", wish(input={"text": "tea", "many": "few"})))

    last = read(stream(editor, task))[-1]
    assert (task.status, last[1]) == (Status.FAILED, "error")
    told = last[2]
    assert (told["code"], told["node"], told["field"]) == ("PIPELINES_2002", "long", "config.expression")
    assert told["hint"].startswith("Look at the expression")


def test_trial__a_pin__stands_in_and_is_told_as_reused(editor, asks):
    pipeline = make_pipeline(graph=GRAPH)
    make_pin(pipeline, "copy", {"text": "Pinned"})

    task = run(start_trial(editor, "draft", wish(mode="real", pins={"copy": "pin"})))

    assert (task.output, asks.asked) == ({"text": "Pinned"}, [])
    assert steps(task)["copy"] == "reused"
    [copy] = [d for _s, name, d in read(stream(editor, task)) if name == "step" and d["path"] == "copy" and d["output"]]
    assert (copy["status"], copy["pinned"]) == ("reused", True)


def test_trial__one_node__runs_alone_on_what_was_typed(editor, asks):
    make_pipeline(graph=GRAPH)

    task = run(start_trial(editor, "draft", wish(mode="real", node="copy", inputs={"text": "{{ start.text }}"})))

    assert steps(task) == {"copy": "succeeded"}
    assert StepRun.objects.get(task=task).inputs == {"text": "{{ start.text }}"}
    assert task.output["text"] == "The truth"


def test_trial__one_node_once_more__on_its_last_inputs(editor, asks):
    make_pipeline(graph=GRAPH)
    run(start_trial(editor, "draft", wish()))

    again = start_trial(editor, "draft", wish(node="copy", inputs={"$last": True}))

    assert again.input == {"text": "Write about tea"}


def test_trial__charged__pays_when_it_succeeds(editor, asks):
    make_feature(graph=GRAPH, publish=False, cost=5)

    task = run(start_trial(editor, "echo", wish(feature="echo", charge=True)))

    assert (task.status, figures(editor)) == (Status.SUCCEEDED, (995, 0))


def test_trial__of_a_feature__no_list_count_or_figure_knows_it(editor, asks):
    make_feature(graph=GRAPH, cost=0)

    task = run(start_trial(editor, "echo", wish(feature="echo")))

    assert Api(editor).get("/api/v1/tasks").json()["items"] == []
    assert Api(editor).get(f"/api/v1/tasks/{task.pk}").status_code == 404
    assert Api(editor).get(f"/api/v1/tasks/{task.pk}/stream").status_code == 404
    assert counted("echo", [0, 1], task.created_at) == {}


def test_mock_trial__a_file_that_a_tool_would_make__is_a_sample_that_goes_after_a_week(editor, asks):
    picture = {"type": "object", "properties": {"uri": {"type": "string"}}}
    task = start_trial(editor, make_pipeline().key, wish())
    tools = {"s/t": {"output_schema": {"type": "object", "properties": {"image": picture}}}}
    mock = Mock(tools, files_of(task).sample)
    asked = Call("cut", 0, "tool", "s/t", {"arguments": {}}, repeatable=False, key="k")
    first, second = (aio.run(mock(asked, no_call)) for _time in range(2))

    stored = StoredFile.objects.get(pk=first["image"])
    assert first == second
    assert (stored.owner, stored.mime, stored.width) == (editor, "image/png", 64)
    assert timedelta(days=6) < stored.expires_at - timezone.now() < timedelta(days=8)


async def no_call(_key: str) -> None:
    raise AssertionError("the outside was asked")


def test_case__its_checks__are_judged(editor, asks):
    pipeline = make_pipeline(graph=GRAPH)
    checks = [{"type": "contains", "value": "Sample"}, {"type": "contains", "value": "never"}]
    pipeline.cases.create(name="one", input={"text": "tea"}, checks=checks)

    answer = Api(editor).post("/api/v1/admin/pipelines/draft/cases/run", json={})
    [started] = answer.json()["runs"]
    run(Task.objects.get(pk=started["trial"]))

    told = Api(editor).get(started["links"]["self"]).json()
    assert (answer.status_code, started["case"]) == (202, "one")
    assert [verdict["passed"] for verdict in told["verdicts"]] == [True, False]


@pytest.mark.parametrize("body", [{"cases": ["nope"]}, {"cases": []}, {"mode": "x"}, {"cases": "one"}])
def test_cases__what_is_not_there__refused(editor, body):
    make_pipeline().cases.create(name="one", input={"text": "tea"})

    assert Api(editor).post("/api/v1/admin/pipelines/draft/cases/run", json=body).status_code in (400, 422)
    assert not Task.objects.exists()


# --- replays ------------------------------------------------------------------------------------


@pytest.fixture
def old(member, asks) -> Task:
    """A live run that asked once."""
    make_feature(graph=GRAPH, cost=5)
    task = run(make_task(member))
    assert (task.status, len(asks.asked)) == (Status.SUCCEEDED, 1)
    return task


def test_replay__same_and_recorded__the_same_for_nothing(old, editor, asks, member):
    asks.says = "Something else"

    new = run(replay(editor, str(old.pk), Again()))

    assert (new.status, new.output, len(asks.asked)) == (Status.SUCCEEDED, old.output, 1)
    told = Api(editor).get(f"/api/v1/admin/trials/{new.pk}/compare").json()
    assert told["changed"] == []
    assert (told["a"]["cost_micro"], told["b"]["cost_micro"]) == (30, 0)
    assert figures(member) == (995, 0), "nobody was charged again"


def test_replay__same_and_real__asks_and_shows_what_differs(old, editor, asks):
    asks.says = "Something else"

    new = run(replay(editor, str(old.pk), Again(outside="real")))

    assert (new.output, len(asks.asked)) == ({"text": "Something else"}, 2)
    told = Api(editor).get(f"/api/v1/admin/trials/{new.pk}/compare").json()
    assert told["changed"] == ["copy", "end"] or told["changed"] == ["copy"]
    assert told["output"]["diff"] == [{"pointer": "/text", "a": "The truth", "b": "Something else", "volatile": False}]


def test_replay__mock__asks_nobody(old, editor, asks):
    new = run(replay(editor, str(old.pk), Again(outside="mock")))

    assert (new.status, len(asks.asked)) == (Status.SUCCEEDED, 1)
    assert new.output["text"].startswith("**Sample")


def test_replay__draft_asks_something_else__not_recorded_says_which_step(old, editor, asks):
    changed = chain({**ASKS, "inputs": {"text": "Another question about {{ start.text }}"}}, result="{{ copy.text }}")
    Pipeline.objects.filter(key="echo").update(graph=changed)

    new = run(replay(editor, str(old.pk), Again(on="draft")))

    assert (new.status, new.error["code"], len(asks.asked)) == (Status.FAILED, "TASKS_2040", 1)
    assert read(stream(editor, new))[-1][2]["node"] == "copy"


def test_replay__draft_with_fill__asks_only_what_is_new(old, editor, asks):
    more = {**ASKS, "id": "more", "inputs": {"text": "More about {{ copy.text }}"}}
    Pipeline.objects.filter(key="echo").update(graph=chain(ASKS, more, result="{{ more.text }}"))

    new = run(replay(editor, str(old.pk), Again(on="draft", fill="real")))

    assert (new.status, len(asks.asked)) == (Status.SUCCEEDED, 2)
    told = Api(editor).get(f"/api/v1/admin/trials/{new.pk}/compare").json()
    assert [(step["path"], step["change"]) for step in told["steps"]] == [
        ("start", "same"), ("copy", "same"), ("end", "same"), ("more", "only_b"),
    ]  # fmt: skip


def test_replay__from_a_step__those_before_it_are_taken_over(old, editor, asks):
    more = {**ASKS, "id": "more", "inputs": {"text": "More about {{ copy.text }}"}}
    Pipeline.objects.filter(key="echo").update(graph=chain(ASKS, more, result="{{ more.text }}"))

    new = run(replay(editor, str(old.pk), Again(on="draft", outside="mock", start="more")))

    assert steps(new) == {"start": "succeeded", "copy": "reused", "more": "succeeded", "end": "succeeded"}
    assert StepRun.objects.get(task=new, path="copy").output["text"] == "The truth"


def test_replay__of_a_failed_run__fails_in_the_same_place(member, editor, asks):
    make_feature(graph=GRAPH, cost=0)
    asks.failure = DependencyDown()
    old = run(make_task(member))

    new = run(replay(editor, str(old.pk), Again()))

    assert (old.status, new.status) == (Status.FAILED, Status.FAILED)
    assert new.error["code"] == "TASKS_5041"
    told = Api(editor).get(f"/api/v1/admin/trials/{new.pk}/compare").json()
    assert [step["path"] for step in told["steps"] if step["change"] == "differs"] == ["copy"]


def test_replay__of_a_replay_of_a_trial__still_runs(editor, asks):
    make_pipeline(graph=GRAPH)
    first = run(start_trial(editor, "draft", wish(mode="real")))

    second = run(replay(editor, str(first.pk), Again()))
    third = run(replay(editor, str(second.pk), Again()))

    assert (first.output, second.output, third.output) == ({"text": "The truth"},) * 3
    assert len(asks.asked) == 1
    assert OutboxMessage.objects.count() == 3
