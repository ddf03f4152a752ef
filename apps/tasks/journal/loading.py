"""What earlier claims of a task left."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from apps.pipelines.engine.ports import FinishedStep, RecordedCall, Resumed
from apps.pipelines.nodes.base import Answer, Asked
from apps.tasks.journal.rows import asked_of
from apps.tasks.models import Effect, Question, StepRun, Task


def resumed(task: Task) -> Resumed:
    """Three queries, whatever the run was."""
    rows = list(StepRun.objects.filter(task=task))
    calls = list(Effect.objects.filter(task=task))
    return Resumed(
        steps={row.path: _finished(row) for row in rows if _needs_no_repeating(row)},
        skipped=frozenset(row.path for row in rows if row.status == StepRun.Status.SKIPPED),
        attempts={row.path: row.attempts for row in rows if row.started_at or row.status == StepRun.Status.RUNNING},
        calls={(call.path, call.no): _recorded(call) for call in calls},
        questions={question.path: _question(question) for question in Question.objects.filter(task=task)},
        sleeping={row.path: row.wake_at for row in rows if row.wake_at and row.status == StepRun.Status.WAITING},
        spent_micro=_spent(rows, calls),
    )


def _needs_no_repeating(row: StepRun) -> bool:
    return row.status == StepRun.Status.SUCCEEDED or (row.status == StepRun.Status.FAILED and row.went_on)


def _finished(row: StepRun) -> FinishedStep:
    if row.status == StepRun.Status.SUCCEEDED:
        return FinishedStep(row.output or {}, row.branch)
    error = {name: (row.error or {}).get(name, "") for name in ("code", "reason", "message")}
    if row.output is not None:
        return FinishedStep(row.output, "", error)
    return FinishedStep({"error": error}, "error", error)


def _recorded(call: Effect) -> RecordedCall:
    return RecordedCall(
        kind=call.kind,  # type: ignore[arg-type]  # as it was written
        address=call.address,
        request_sha256=call.request_sha256,
        repeatable=call.repeatable,
        status=call.status,  # type: ignore[arg-type]  # as it was written
        response=call.response,
        usage=call.usage,
        error=call.error,
    )


def _question(question: Question) -> Asked | Answer:
    if question.answered_at is None:
        return asked_of(question)
    return Answer(
        values=question.answer or {},
        option=question.option,
        by="" if question.answered_by_id is None else str(question.answered_by_id),
        at=question.answered_at,
        timed_out=question.timed_out,
    )


def _spent(rows: list[StepRun], calls: list[Effect]) -> int:
    """A step's usage sums up its calls; of one that has not ended, or failed, the calls alone are known."""
    asked: defaultdict[str, int] = defaultdict(int)
    for call in calls:
        asked[call.path] += _cost(call.usage)
    for row in rows:
        asked[row.path] = max(asked[row.path], _cost(row.usage))
    return sum(asked.values())


def _cost(usage: Mapping[str, Any]) -> int:
    cost = usage.get("cost_micro")
    return cost if isinstance(cost, int) else 0
