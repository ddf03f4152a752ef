"""The time machine, where steps stand inside a map or another pipeline: paths such as `each#3/copy`."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.core.errors import DependencyDown
from apps.pipelines.models import Pipeline
from apps.tasks.models import Effect, Status, StepRun, Task
from apps.tasks.questions import answer_question
from apps.tasks.trials.compare import compare
from apps.tasks.trials.replay import Again, replay
from apps.tasks.trials.services import start_trial
from tests.tasks.builders import echo_graph
from tests.tasks.trials.builders import make_pipeline, wish
from tests.tasks.trials.test_run import run, steps

pytestmark = pytest.mark.django_db(transaction=True)

EACH = {"id": "each", "type": "map", "config": {"pipeline": "one"}, "inputs": {"items": "{{ start.list }}"}}
BELOW = {"id": "below", "type": "sub_pipeline", "config": {"pipeline": "deep"}, "inputs": {"list": "{{ start.list }}"}}
ASKS = {"id": "copy", "type": "asks", "inputs": {"text": "Write about {{ start.item }}"}}
TAKES = {"type": "object", "properties": {"list": {"type": "array", "items": {"type": "string"}}}, "required": ["list"]}


def graph(*middle: dict, end: dict, takes: dict | None = None) -> dict:
    made = echo_graph(*middle)
    made["nodes"][-1]["inputs"] = end
    if takes:
        made["nodes"][0]["config"] = {"schema": takes}
    return made


def make_one(*middle: dict, text: str = "{{ copy.text }}") -> Pipeline:
    """The pipeline that runs once for each item."""
    return make_pipeline("one", graph=graph(*(middle or (ASKS,)), end={"text": text, "at": "{{ start.index }}"}))


def make_outer(**each: object) -> Pipeline:
    """start -> each -> end."""
    return make_pipeline(graph=graph({**EACH, **each}, end={"made": "{{ each.items }}"}, takes=TAKES))


def trial(editor, *items: str, mode: str = "real") -> Task:
    return run(start_trial(editor, "draft", wish(input={"list": list(items)}, mode=mode)))


def same(a: Task, b: Task) -> list[str]:
    told = compare(Task.objects.get(pk=a.pk), Task.objects.get(pk=b.pk))
    return told["changed"]


@pytest.fixture
def counting(asks):
    """Each answer is another one, so that a mix-up shows."""
    answers = iter(f"Answer {number}" for number in range(1000))
    type(asks).says = property(lambda _self: next(answers), lambda _self, _value: None)
    yield asks
    del type(asks).says


def test_recorded__items_of_a_map__each_gets_its_own_answer_for_nothing(editor, counting):
    make_one()
    make_outer()
    old = trial(editor, "a", "b", "c", "d", "e")

    new = run(replay(editor, str(old.pk), Again()))

    assert (new.status, new.output, len(counting.asked)) == (Status.SUCCEEDED, old.output, 5)
    assert [one["at"] for one in new.output["made"]] == [0, 1, 2, 3, 4]
    assert same(old, new) == []
    assert {"each#3", "each#3/copy"} <= steps(new).keys()


def test_recorded__items_with_the_same_words__keep_their_own_answers(editor, counting):
    make_one()
    make_outer()
    old = trial(editor, "a", "a", "a")

    new = run(replay(editor, str(old.pk), Again()))

    assert new.output == old.output
    assert len({one["text"] for one in new.output["made"]}) == 3


def test_recorded__a_map_inside_a_pipeline__paths_of_three_parts(editor, counting):
    make_one()
    make_pipeline("deep", graph=graph(EACH, end={"made": "{{ each.items }}"}, takes=TAKES))
    make_pipeline(graph=graph(BELOW, end={"made": "{{ below.made }}"}, takes=TAKES))
    old = trial(editor, "a", "b")

    new = run(replay(editor, str(old.pk), Again()))

    assert (new.output, len(counting.asked)) == (old.output, 2)
    assert {one.path for one in Effect.objects.filter(task=new)} == {"below/each#0/copy", "below/each#1/copy"}
    assert same(old, new) == []


def test_recorded__more_items_than_are_told_of__all_are_answered(editor, counting):
    make_one()
    make_outer(config={"pipeline": "one", "max_items": 200, "concurrency": 20})
    old = trial(editor, *(f"item {number}" for number in range(130)))

    new = run(replay(editor, str(old.pk), Again()))

    assert (new.status, new.output, len(counting.asked)) == (Status.SUCCEEDED, old.output, 130)
    assert "each#120/copy" not in steps(new)


def test_recorded__on_the_draft__items_that_moved_get_the_answer_to_their_question(editor, counting):
    make_one()
    make_outer()
    old = trial(editor, "a", "b", "c")
    turned = graph(
        {
            "id": "turn",
            "type": "transform",
            "config": {"language": "jmespath", "expression": "{list: reverse(list)}"},
            "inputs": {"list": "{{ start.list }}"},
        },
        {**EACH, "inputs": {"items": "{{ turn.list }}"}},
        end={"made": "{{ each.items }}"},
        takes=TAKES,
    )
    Pipeline.objects.filter(key="draft").update(graph=turned)

    new = run(replay(editor, str(old.pk), Again(on="draft")))

    assert (new.status, len(counting.asked)) == (Status.SUCCEEDED, 3)
    assert [one["text"] for one in new.output["made"]] == [one["text"] for one in reversed(old.output["made"])]


def test_recorded__the_inner_draft_asks_something_else__says_which_item(editor, counting):
    make_one()
    make_outer()
    old = trial(editor, "a", "b")
    changed = {**ASKS, "inputs": {"text": "Now about {{ start.item }}"}}
    Pipeline.objects.filter(key="one").update(graph=graph(changed, end={"text": "{{ copy.text }}"}))

    new = run(replay(editor, str(old.pk), Again(on="draft")))

    assert (new.status, new.error["code"], len(counting.asked)) == (Status.FAILED, "TASKS_2040", 2)
    assert StepRun.objects.filter(task=new, status="failed", path__startswith="each#", type="asks").exists()


def test_fill__one_item_more__asks_for_that_alone(editor, counting):
    make_one()
    make_outer()
    old = trial(editor, "a", "b")
    more = graph(
        {**EACH, "inputs": {"items": "{{ vars.list }}"}},
        end={"made": "{{ each.items }}"},
        takes=TAKES,
    )
    more["variables"] = [{"name": "list", "schema": {"type": "array"}, "value": ["a", "b", "new"]}]
    Pipeline.objects.filter(key="draft").update(graph=more)

    new = run(replay(editor, str(old.pk), Again(on="draft", fill="real")))

    assert (new.status, len(counting.asked)) == (Status.SUCCEEDED, 3)
    assert new.output["made"][:2] == old.output["made"]


def test_recorded__an_item_that_failed_then__fails_again_and_is_left_out(editor, asks):
    make_one()
    make_outer(config={"pipeline": "one", "on_item_error": "skip", "concurrency": 1})
    asks.failure = DependencyDown()
    old = trial(editor, "a", "b")
    asks.failure = None

    new = run(replay(editor, str(old.pk), Again()))

    assert (old.output, new.output) == ({"made": []}, {"made": []})
    failed = StepRun.objects.get(task=new, path="each").output["failed"]
    assert [(one["index"], one["code"]) for one in failed] == [(0, "TASKS_5041"), (1, "TASKS_5041")]
    assert StepRun.objects.get(task=new, path="each#1/copy").status == "failed"


def test_recorded__from_a_step_behind_the_map__its_result_is_taken_over_whole(editor, counting):
    make_one()
    make_outer()
    old = trial(editor, "a", "b")
    more = graph(
        EACH,
        {"id": "last", "type": "asks", "inputs": {"text": "{{ each.count }} of them"}},
        end={"made": "{{ each.items }}", "said": "{{ last.text }}"},
        takes=TAKES,
    )
    Pipeline.objects.filter(key="draft").update(graph=more)

    new = run(replay(editor, str(old.pk), Again(on="draft", outside="mock", start="last")))

    assert steps(new)["each"] == "reused"
    assert not [path for path in steps(new) if path.startswith("each#")]
    assert new.output["made"] == old.output["made"]


def test_recorded__large_answers_of_items__come_back_whole(editor, counting):
    make_one()
    make_outer()
    old_text = "x" * 70_000
    type(counting).says = property(lambda _self: old_text, lambda _self, _value: None)
    old = trial(editor, "a", "b")

    new = run(replay(editor, str(old.pk), Again()))

    assert new.status == Status.SUCCEEDED
    assert StepRun.objects.get(task=new, path="each#1/copy").output["text"]["bytes"] == 70_002
    assert same(old, new) == []


def test_recorded__a_question_inside_an_item__is_not_asked_again(editor, counting):
    ask = {
        "id": "ask",
        "type": "human_input",
        "config": {"title": "Good?", "deadline": "PT1H", "options": ["yes", "no"]},
    }
    made = graph(ASKS, ask, end={"text": "{{ copy.text }}"})
    made["edges"] = [
        {"source": "start", "target": "copy"},
        {"source": "copy", "target": "ask"},
        {"source": "ask", "target": "end", "when": "yes"},
        {"source": "ask", "target": "end", "when": "no"},
    ]
    made["nodes"][-1]["policy"] = {"join": "any"}
    make_pipeline("one", graph=made)
    make_outer(config={"pipeline": "one", "concurrency": 1})
    old = start_trial(editor, "draft", wish(input={"list": ["a", "b"]}, mode="real"))
    for item in (0, 1):
        run(old)
        answer_question(editor, str(old.pk), f"each#{item}/ask", given={}, option="yes")
    old = run(old)
    assert old.status == Status.SUCCEEDED

    new = run(replay(editor, str(old.pk), Again()))

    assert (new.status, new.output, len(counting.asked)) == (Status.SUCCEEDED, old.output, 2)
    assert (steps(new)["each#0/ask"], steps(new)["each#1/ask"]) == ("reused", "reused")


def test_recorded__a_wait_for_the_clock__is_not_waited_for_again(editor, counting):
    delay = {"id": "rest", "type": "delay", "config": {"seconds": 3600}}
    make_one(ASKS, delay)
    make_outer(config={"pipeline": "one", "concurrency": 2})
    old = run(start_trial(editor, "draft", wish(input={"list": ["a", "b"]}, mode="real")))
    assert old.status == Status.QUEUED
    past = timezone.now() - timedelta(seconds=1)
    StepRun.objects.filter(task=old, wake_at__isnull=False).update(wake_at=past)
    Task.objects.filter(pk=old.pk).update(run_after=past)
    old = run(old)
    assert old.status == Status.SUCCEEDED

    new = run(replay(editor, str(old.pk), Again()))

    assert (new.status, new.output) == (Status.SUCCEEDED, old.output)
    assert steps(new)["each#1/rest"] == "reused"
