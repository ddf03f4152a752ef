"""Calls outside: written before they are sent, answered once, and never repeated where that might do harm."""

from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from apps.core.errors import ApiError
from apps.pipelines.engine import step as engine
from apps.pipelines.engine.ports import Answered, Call, Finished, Intended, Paused, RecordedCall, Waiting
from apps.pipelines.engine.run import execute
from apps.pipelines.errors import OutcomeUnknown, RunTooDear
from apps.pipelines.graph import Limits, Policy
from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.base import Answer, NodeContext
from tests.pipelines.builders import Checkpoints, WorkNode, make_run

REQUEST = {"q": 1}


class Passing(ApiError):
    retryable, message = True, "Try again."


class Lost(ApiError):
    retryable, message = True, "Nobody knows."


@pytest.fixture
def work(monkeypatch):
    node = WorkNode()
    monkeypatch.setitem(node_types(), "work", node)
    monkeypatch.setattr(engine, "BACKOFF_SECONDS", 0.001)
    return node


class Upstream:
    """Counts what reaches it."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.keys: list[str] = []
        self.repeatable = False

    async def __call__(self, key: str) -> Any:
        self.keys.append(key)
        answer = self.answers.pop(0) if self.answers else {"ok": True}
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def act(self, context: NodeContext) -> dict[str, Any]:
        said = await context.outside.call("tool", "s/t", REQUEST, self, repeatable=self.repeatable)
        return {"said": said}


def go(kept: Checkpoints, *, policy: Policy | None = None, **changes: Any) -> dict[str, Any]:
    run = make_run("start>w1 w1>end", checkpoints=kept, end={"said": "{{ w1.said }}"})
    if policy:
        nodes = tuple(replace(node, policy=policy) if node.id == "w1" else node for node in run.graph.nodes)
        run = replace(run, graph=replace(run.graph, nodes=nodes))
    return async_to_sync(execute)(replace(run, **changes))


def earlier(kept: Checkpoints, status: str, *, repeatable: bool = False, response: Any = None) -> None:
    """What a worker left that made the call and died."""
    first = Checkpoints()
    go(first)
    digest = first.of(Intended)[0].request_sha256
    call = RecordedCall("tool", "s/t", digest, repeatable, status, response)  # type: ignore[arg-type]
    kept.left = {"calls": {("w1", 0): call}, "attempts": {"w1": 1}}


def test_call__made__intent_is_kept_before_it_is_sent_and_its_answer_after(work):
    seen: list[list[str]] = []
    kept, upstream = Checkpoints(), Upstream({"ok": 1, "usage": {"cost_micro": 7}})

    async def act(context: NodeContext) -> dict[str, Any]:
        async def do(key: str) -> Any:
            seen.append([word for word, path in kept.log if path == "w1"])
            return await upstream(key)

        return {"said": await context.outside.call("tool", "s/t", REQUEST, do, repeatable=False)}

    work.does = {"w1": act}

    assert go(kept) == {"said": {"ok": 1, "usage": {"cost_micro": 7}}}
    assert seen == [["begin", "intend"]], "when it is sent, that it will be sent is kept"
    assert upstream.keys == ["task-1:w1:0"]
    assert [(one.no, one.status, one.usage) for one in kept.of(Answered)] == [(0, "done", {"cost_micro": 7})]


def test_call__answered_before_the_worker_died__is_not_made_again(work):
    upstream, kept = Upstream(), Checkpoints()
    work.does = {"w1": upstream.act}
    earlier(kept, "done", response={"ok": "kept"})
    upstream.keys.clear()

    assert go(kept) == {"said": {"ok": "kept"}}
    assert (upstream.keys, kept.of(Intended)) == ([], [])


@pytest.mark.parametrize(
    ("repeatable", "rule", "made"), [(True, None, 1), (False, None, 0), (False, "retry", 1), (True, "fail", 0)]
)
def test_call__worker_died_in_the_middle__the_rule_decides(work, repeatable, rule, made):
    upstream, kept = Upstream(), Checkpoints()
    work.does = {"w1": upstream.act}
    earlier(kept, "intent", repeatable=repeatable)
    upstream.keys.clear()

    if made:
        go(kept, policy=Policy(unknown=rule))
    else:
        with pytest.raises(OutcomeUnknown):
            go(kept, policy=Policy(unknown=rule))

    assert upstream.keys == ["task-1:w1:0"] * made, "the same key, for those who know it"


@pytest.mark.parametrize(("option", "made"), [("retry", 1), ("fail", 0)])
def test_call__rule_is_to_ask__staff_is_asked_and_obeyed(work, option, made):
    upstream, kept = Upstream(), Checkpoints()
    work.does = {"w1": upstream.act}
    earlier(kept, "intent")
    upstream.keys.clear()

    with pytest.raises(Paused) as paused:
        go(kept, policy=Policy(unknown="ask"))
    waits = kept.of(Waiting)
    assert (paused.value.asks, [(one.path, one.asked.who) for one in waits]) == (True, [("w1!0", "staff")])
    assert upstream.keys == []

    kept.left["questions"] = {"w1!0": Answer({}, option, "1", waits[0].asked.deadline_at)}
    if made:
        assert go(kept, policy=Policy(unknown="ask")) == {"said": {"ok": True}}
    else:
        with pytest.raises(OutcomeUnknown):
            go(kept, policy=Policy(unknown="ask"))
    assert len(upstream.keys) == made


def test_call__upstream_says_it_may_have_happened__is_not_repeated_by_a_retry(work):
    upstream, kept = Upstream(Lost(details={"outcome": "unknown"})), Checkpoints()
    work.does = {"w1": upstream.act}

    with pytest.raises(OutcomeUnknown):
        go(kept, policy=Policy(retries=3))

    assert (len(upstream.keys), [one.status for one in kept.of(Answered)]) == (1, ["unknown"])


def test_call__node_ran_out_of_time__may_have_happened(work):
    import asyncio

    class Slow(Upstream):
        async def __call__(self, key: str) -> Any:
            await super().__call__(key)
            await asyncio.sleep(30)

    upstream, kept = Slow(), Checkpoints()
    work.does = {"w1": upstream.act}

    with pytest.raises(OutcomeUnknown):
        go(kept, policy=Policy(timeout=0.05, retries=2))

    assert len(upstream.keys) == 1


def test_call__plain_failure__is_tried_again_with_the_same_key(work):
    upstream, kept = Upstream(Passing(), Passing()), Checkpoints()
    work.does = {"w1": upstream.act}

    assert go(kept, policy=Policy(retries=2)) == {"said": {"ok": True}}
    assert upstream.keys == ["task-1:w1:0"] * 3


def test_call__another_request_under_the_number__is_asked_anew(work):
    upstream, kept = Upstream(), Checkpoints()
    work.does = {"w1": upstream.act}
    earlier(kept, "done", response={"ok": "kept"})
    other = replace(kept.left["calls"]["w1", 0], request_sha256="other")
    kept.left["calls"] = {("w1", 0): other}
    upstream.keys.clear()

    assert go(kept) == {"said": {"ok": True}}
    assert len(upstream.keys) == 1


def test_call__somebody_answers_in_its_place__is_recorded_all_the_same(work):
    upstream, kept, calls = Upstream(), Checkpoints(), []
    work.does = {"w1": upstream.act}

    async def through(call: Call, _do: Any) -> Any:
        calls.append((call.path, call.no, call.address, call.request))
        return {"mock": True}

    assert go(kept, through=through) == {"said": {"mock": True}}
    assert (calls, upstream.keys) == ([("w1", 0, "s/t", REQUEST)], [])
    assert [one.response for one in kept.of(Answered)] == [{"mock": True}]


def test_call__money_is_spent__run_ends_before_the_next_call_whatever_the_node_says(work):
    paid = {"ok": True, "usage": {"cost_micro": 600}}
    upstream, kept = Upstream(paid, paid, paid), Checkpoints()

    async def act(context: NodeContext) -> dict[str, Any]:
        for _number in range(3):
            await context.outside.call("model", "chat/m", REQUEST, upstream, repeatable=True)
        return {}

    work.does = {"w1": act}

    with pytest.raises(RunTooDear):
        go(kept, policy=Policy(on_error="continue"), limits=Limits(cost_micro=1000))

    assert len(upstream.keys) == 2
    assert [entry.path for entry in kept.of(Finished)] == ["start"]


def test_spent__earlier_claims_and_calls_of_this_one__are_counted_once(work):
    upstream, kept = Upstream({"usage": {"cost_micro": 5}}), Checkpoints()
    kept.left = {"spent_micro": 100}

    async def act(context: NodeContext) -> dict[str, Any]:
        await context.outside.call("model", "chat/m", REQUEST, upstream, repeatable=True)
        return {"spent": context.spent(), "left": context.left()}

    work.does = {"w1": act}
    run = make_run("start>w1 w1>end", checkpoints=kept, end={"spent": "{{ w1.spent }}", "left": "{{ w1.left }}"})

    output = async_to_sync(execute)(replace(run, limits=Limits(cost_micro=200)))

    assert output == {"spent": 105, "left": 95}
