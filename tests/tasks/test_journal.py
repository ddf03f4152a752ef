"""What is kept of a run: large values, calls, attempts, and nothing twice after a takeover."""

import json
from typing import Any

import pytest

from apps.core import aio
from apps.core.storage.models import StoredFile
from apps.pipelines.engine import ports
from apps.pipelines.graph import parse_graph
from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.base import BaseNode, NodeConfig, NodeContext, NodeResult
from apps.tasks import shelf
from apps.tasks.errors import LeaseLost
from apps.tasks.journal import RunJournal
from apps.tasks.models import Effect, Event, Status, StepRun, Task
from apps.tasks.runner import run_task
from apps.tasks.services import claim_task
from apps.tasks.shelf import RunShelf
from tests.tasks.builders import echo_graph, make_feature, make_task
from tests.tasks.test_services import expire_lease

pytestmark = pytest.mark.django_db(transaction=True)


class Bulky(BaseNode):
    """Makes a long text."""

    type = "bulky"
    label = "Bulky"
    Config = NodeConfig
    default_timeout = 60.0
    size = 50_000_000

    async def run(self, context: NodeContext) -> NodeResult:
        return NodeResult({"text": "x" * self.size, "size": self.size})


@pytest.fixture
def bulky(monkeypatch):
    node = Bulky()
    monkeypatch.setitem(node_types(), "bulky", node)
    return node


@pytest.fixture
def big(member, bulky, settings, tmp_path):
    """A run whose first step makes a lot and whose end hands it on."""
    graph = echo_graph({"id": "big", "type": "bulky"})
    graph["nodes"][-1]["inputs"] = {"text": "{{ big.text }}"}
    make_feature(graph=graph)
    return make_task(member)


def run(task: Task) -> Task:
    assert aio.run(run_task(str(task.pk)), timeout=120)
    return Task.objects.get(pk=task.pk)


def journal_of(task: Task) -> RunJournal:
    return RunJournal(task, parse_graph(echo_graph()))


def test_large_output__fifty_megabytes__rows_stay_small_and_the_value_is_whole(big):
    task = run(big)

    step = StepRun.objects.get(task=task, path="big")
    reference = step.output["text"]
    assert (task.status, step.output["size"]) == (Status.SUCCEEDED, 50_000_000)
    assert (reference["bytes"], reference["preview"]) == (50_000_002, '"' + "x" * 499)
    assert task.output == {"text": reference}
    assert StoredFile.objects.count() == 1, "what flows through is put away once"
    assert max(len(json.dumps(data)) for data in Event.objects.values_list("data", flat=True)) < 2000
    filled = aio.run(RunShelf(task).fill(task.output), timeout=60)
    assert filled == {"text": "x" * 50_000_000}


def test_large_output__more_than_is_kept__the_step_fails_and_says_so(big, bulky):
    bulky.size = shelf.MOST + 1

    task = run(big)

    assert (task.status, task.error["code"]) == (Status.FAILED, "PIPELINES_5030")
    assert not StoredFile.objects.exists()


def test_large_output__resumed__is_read_where_it_is_needed(big, bulky):
    bulky.size = 100_000
    first = claim_task(str(big.pk), owner="dead")
    reference = aio.run(RunShelf(first).keep({"text": "y" * 100_000}), timeout=20)
    for path, kind, output in (("start", "start", {}), ("big", "bulky", reference)):
        StepRun.objects.create(task=big, path=path, node=path, type=kind, status="succeeded", output=output)
    expire_lease(first)

    task = run(big)

    assert task.status == Status.SUCCEEDED
    assert aio.run(RunShelf(task).fill(task.output), timeout=20) == {"text": "y" * 100_000}


def test_fill__reference_to_somebody_elses_file__is_refused(big, stranger):
    kept = aio.run(RunShelf(claim_task(str(big.pk), owner="w")).keep({"text": "z" * 100_000}), timeout=20)
    StoredFile.objects.update(owner=stranger)

    with pytest.raises(Exception, match="E_OUTPUT_GONE"):
        aio.run(RunShelf(big).fill(kept), timeout=20)


def test_write__other_worker_has_the_task__nothing_is_written(member):
    make_feature()
    old = claim_task(str(make_task(member).pk), owner="old")
    expire_lease(old)
    claim_task(str(old.pk), owner="new")
    before = Event.objects.count()

    with pytest.raises(LeaseLost):
        aio.run(journal_of(old).write([ports.Begun("start", "start", 1, {})]), timeout=20)

    assert (Event.objects.count(), StepRun.objects.count()) == (before, 0)


def test_write__many_entries__numbers_have_no_gap_and_a_step_is_one_row(member):
    make_feature()
    task = claim_task(str(make_task(member).pk), owner="w")
    entries: list[Any] = []
    for number in range(150):
        path = f"n{number}"
        entries += [
            ports.Begun(path, "start", 1, {"x": number}),
            ports.Finished(path, "start", NodeResult({"x": number})),
        ]

    aio.run(journal_of(task).write(entries), timeout=20)

    seqs = list(Event.objects.filter(task=task).order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) == 2 + 300
    assert StepRun.objects.filter(task=task, status="succeeded").count() == 150
    row = StepRun.objects.get(task=task, path="n7")
    assert (row.node, row.inputs, row.output, row.attempts) == ("n7", {"x": 7}, {"x": 7}, 1)


def test_write__call_and_its_answer__are_one_row(member):
    make_feature()
    task = claim_task(str(make_task(member).pk), owner="w")
    journal = journal_of(task)

    async def call() -> None:
        await journal.write([ports.Intended("start", 0, "model", "chat/m", "a" * 64, True)])
        assert await aio.in_thread(lambda: Effect.objects.get().status)() == "intent"
        await journal.write([ports.Answered("start", 0, "done", {"text": "hi"}, {"cost_micro": 3})])

    aio.run(call(), timeout=20)

    row = Effect.objects.get()
    assert (row.status, row.response, row.usage, row.repeatable) == ("done", {"text": "hi"}, {"cost_micro": 3}, True)
    assert aio.run(journal.load(), timeout=20).spent_micro == 3


def test_load__step_was_skipped__is_not_told_of_a_second_time(member, monkeypatch):
    graph = echo_graph()
    graph["nodes"] += [
        {"id": "never", "type": "start"},
        {"id": "no", "type": "condition", "config": {"expression": "false"}},
    ]
    graph["nodes"][2]["type"] = "prompt"
    graph["nodes"][2]["config"] = {"prompt": "p"}
    graph["edges"] = [
        {"source": "start", "target": "end"},
        {"source": "start", "target": "no"},
        {"source": "no", "target": "never", "when": "true"},
        {"source": "no", "target": "end", "when": "false"},
    ]
    make_feature(graph=graph, publish=False)
    task = claim_task(str(_task_of(member, graph).pk), owner="w")
    journal = RunJournal(task, parse_graph(graph))
    aio.run(journal.write([ports.Skipped("never", "prompt")]), timeout=20)

    assert aio.run(journal.load(), timeout=20).skipped == frozenset({"never"})
    assert Event.objects.filter(task=task, type="step").count() == 1


def _task_of(user, graph) -> Task:
    return Task.objects.create(user=user, feature="echo", version=1)


def test_load__first_claim__reads_nothing_and_then_what_was_written(member):
    make_feature(graph=echo_graph())
    task = claim_task(str(make_task(member).pk), owner="first")
    assert task
    journal = journal_of(task)

    async def loaded_twice() -> tuple[ports.Resumed, ports.Resumed]:
        first = await journal.load()
        await journal.write([ports.Begun("start", "start", 1, {}), ports.Finished("start", "start", NodeResult({}))])
        return first, await journal.load()

    first, second = aio.run(loaded_twice(), timeout=20)

    assert (dict(first.steps), list(second.steps)) == ({}, ["start"])


def test_load__second_claim__finds_what_the_first_left(member):
    make_feature(graph=echo_graph())
    task = claim_task(str(make_task(member).pk), owner="first")
    assert task
    done = [ports.Begun("start", "start", 1, {}), ports.Finished("start", "start", NodeResult({}))]
    aio.run(journal_of(task).write(done), timeout=20)
    expire_lease(task)

    again = claim_task(str(task.pk), owner="second")

    assert again
    assert list(aio.run(journal_of(again).load(), timeout=20).steps) == ["start"]
