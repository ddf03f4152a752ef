"""The journal of one claimed task. Every transaction carries the fencing token; a late one raises `LeaseLost`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from apps.core import failpoints
from apps.core.transactions import retry_on_conflict
from apps.pipelines.engine import ports
from apps.pipelines.engine.nested import ITEM
from apps.pipelines.graph import Graph
from apps.pipelines.nodes import node_types
from apps.tasks import events
from apps.tasks.deltas import DeltaBatcher
from apps.tasks.errors import LeaseLost
from apps.tasks.journal.loading import resumed
from apps.tasks.journal.rows import CALL_KEY, STEP_KEY, CallRow, StepRow, as_json, question_columns
from apps.tasks.journal.sql import put
from apps.tasks.journal.words import Words
from apps.tasks.journal.writer import in_writer, ring_later
from apps.tasks.models import Effect, Event, Question, Status, StepRun, Task
from apps.tasks.tool_words import in_language

T = TypeVar("T")
Told = tuple[str, dict[str, Any]]  # an event's type and data

POINTS = failpoints.declare("tasks.journal.before_commit", "tasks.journal.after_commit")


class RunJournal:
    """Journal and sink of one claim."""

    def __init__(self, task: Task, graph: Graph, parts: Mapping[str, Any] | None = None) -> None:
        self._task = task
        self._graph = graph
        self._key = task.pk
        self._words = Words(graph, parts or {}, task.language)
        self._is_new = task.fencing_token == 1  # nobody wrote before the first claim; there is nothing to be read
        self._fractions: dict[str, float] = {}
        self._steps: dict[str, StepRow] = {}  # those that run
        self._calls: dict[tuple[str, int], CallRow] = {}  # those that are open
        self._begun: set[str] = set()  # by this claim or an earlier one
        self._slept: dict[str, datetime] = {}  # steps that waited for the clock, and until when
        self._deltas = DeltaBatcher(self._write_delta)

    # --- the engine's journal -----------------------------------------------------------------

    async def load(self) -> ports.Resumed:
        if self._is_new:
            self._is_new = False
            return ports.Resumed()
        found = await in_writer(partial(resumed, self._task))
        self._begun |= found.attempts.keys()
        self._slept |= found.sleeping
        self._fractions |= {path: 1.0 for path in [*found.steps, *found.skipped] if path in self._graph.by_id}
        return found

    async def write(self, entries: Sequence[ports.Entry]) -> None:
        self._is_new = False
        if any(isinstance(entry, ports.Finished | ports.Failed) for entry in entries):
            await self._deltas.flush()  # a step's text stands in the log before its end
        for entry in entries:
            if isinstance(entry, ports.Begun) and entry.path in self._begun:
                self._deltas.restart(entry.path)
        page = Page(self, timezone.now())
        for entry in entries:
            page.take(entry)
        await in_writer(retry_on_conflict(partial(self._write, page)))

    # --- the engine's sink --------------------------------------------------------------------

    async def progress(self, path: str, fraction: float, message: str) -> None:
        fraction = min(max(fraction, 0.0), 1.0)
        if path in self._graph.by_id:
            self._fractions[path] = fraction
        overall = self.overall()
        words = in_language(message, self._task.language)
        data = {"node": path, "progress": fraction, "message": words, "overall": overall}
        await self._tell("progress", data, progress=overall)

    async def delta(self, path: str, text: str) -> None:
        self._deltas.add(path, text)

    async def _write_delta(self, path: str, text: str, offset: int) -> None:
        await self._tell("delta", {"node": path, "text": text, "offset": offset})

    async def _tell(self, kind: str, data: dict[str, Any], **changes: Any) -> None:
        page = Page(self, timezone.now())
        page.told.append((kind, data))
        page.changes |= changes
        await in_writer(retry_on_conflict(partial(self._write, page)))

    # --- one transaction ----------------------------------------------------------------------

    def _write(self, page: "Page") -> None:
        with transaction.atomic():
            last = self._advance(len(page.told), page.changes)
            if page.steps:
                put(StepRun, [row.columns(self._key) for row in page.steps.values()], key=STEP_KEY)
            if page.calls:
                put(Effect, [row.columns(self._key) for row in page.calls.values()], key=CALL_KEY)
            if page.questions:
                put(Question, list(page.questions.values()), key=STEP_KEY)
            if page.stopped:
                self._close(page)
            if page.told:
                put(Event, [self._event(last, page, at) for at in range(len(page.told))])
            failpoints.hit("tasks.journal.before_commit")
        failpoints.hit("tasks.journal.after_commit")
        if page.told:
            ring_later(events.topic(self._task.pk), f"user:{self._task.user_id}")

    def _close(self, page: "Page") -> None:
        """What steps that were stopped left open, also in earlier claims."""
        questions = Question.objects.filter(task=self._task, answered_at__isnull=True)
        steps = StepRun.objects.filter(task=self._task, status__in=(StepRun.Status.RUNNING, StepRun.Status.WAITING))
        for path in page.stopped:
            below = Q(path__startswith=f"{path}/") | Q(path__startswith=f"{path}#")
            questions.filter(below | Q(path=path) | Q(path__startswith=f"{path}!")).update(answered_at=page.now)
            steps.filter(below).update(status=StepRun.Status.SKIPPED)

    def _event(self, last: int, page: "Page", at: int) -> dict[str, Any]:
        kind, data = page.told[at]
        seq = last - len(page.told) + 1 + at
        return {
            "task_id": self._key,
            "seq": seq,
            "type": kind,
            "data": as_json(data),
            "at": page.now,
            "ending": None,
        }

    def _advance(self, count: int, changes: dict[str, Any]) -> int:
        """Take the next numbers and lock the task's row, the first write of the transaction; the last number taken."""
        quote = connection.ops.quote_name
        table = quote(Task._meta.db_table)
        sets = "".join(f", {quote(name)} = %s" for name in changes)
        key = Task._meta.pk.get_db_prep_value(self._key, connection)
        held = f"{quote('id')} = %s AND {quote('status')} = %s AND {quote('fencing_token')} = %s"
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {table} SET event_seq = event_seq + %s{sets} WHERE {held}",  # noqa: S608 - names of columns
                [count, *changes.values(), key, str(Status.RUNNING), self._task.fencing_token],
            )
            if not cursor.rowcount:
                raise LeaseLost()
            cursor.execute(f"SELECT event_seq FROM {table} WHERE id = %s", [key])  # noqa: S608
            return int(cursor.fetchone()[0])

    def overall(self) -> float:
        """How far the run is."""
        return round(sum(self._fractions.values()) / max(len(self._graph.nodes), 1), 3)


class Page:
    """What one transaction is going to write. A step that begins and ends on one page is one row."""

    def __init__(self, journal: RunJournal, now: datetime) -> None:
        self._journal = journal
        self.now = now
        self.steps: dict[str, StepRow] = {}
        self.calls: dict[tuple[str, int], CallRow] = {}
        self.questions: dict[str, dict[str, Any]] = {}
        self.stopped: list[str] = []  # steps that had begun, and are skipped all the same
        self.told: list[Told] = []
        self.changes: dict[str, Any] = {}

    def take(self, entry: ports.Entry) -> None:
        handler: Callable[[Any], None] = getattr(self, f"_{type(entry).__name__.lower()}")
        handler(entry)

    def _row(self, path: str, kind: str) -> StepRow:
        """A copy: what was written before is not changed by what follows it."""
        known = self._journal._steps.get(path)
        row = replace(known) if known else StepRow(path, kind, started_at=self.now)
        self.steps[path] = self._journal._steps[path] = row
        return row

    def _begun(self, entry: ports.Begun) -> None:
        again = entry.path in self._journal._begun
        self._journal._begun.add(entry.path)
        self._journal._steps.pop(entry.path, None)
        row = self._row(entry.path, entry.type)
        row.attempts, row.inputs = entry.attempt, entry.inputs
        self._tell(row)
        if again and node_types()[entry.type].streams:
            self.told.append(("reset", {"node": entry.path, "text": "", "offset": 0}))

    def _finished(self, entry: ports.Finished) -> None:
        row = self._ended(entry.path, entry.type, StepRun.Status.SUCCEEDED)
        row.output, row.branch, row.reused = entry.result.output, entry.result.branch, entry.reused
        row.usage = dict(entry.result.usage)
        self.changes["stalled_claims"] = 0
        if model := row.usage.get("model_used"):
            self.changes |= {"usage_model": str(model)[:120], "mock": bool(row.usage.get("mock"))}
        self._tell(row)

    def _failed(self, entry: ports.Failed) -> None:
        row = self._ended(entry.path, entry.type, StepRun.Status.FAILED)
        row.error = entry.error.as_dict()
        row.went_on = entry.goes_on
        row.output = None if entry.fallback is None else dict(entry.fallback)
        if entry.goes_on:
            self.changes["stalled_claims"] = 0
        self._tell(row)

    def _skipped(self, entry: ports.Skipped) -> None:
        """Also a step that was stopped because nothing needed it any more, with what ran below it and what it asked."""
        for known in self._below(entry.path):
            self._tell(self._ended(known.path, known.type, StepRun.Status.SKIPPED))
        if entry.path in self._journal._begun:
            self.stopped.append(entry.path)
        row = self._ended(entry.path, entry.type, StepRun.Status.SKIPPED)
        row.started_at = row.finished_at = None
        self._tell(row)

    def _below(self, path: str) -> list[StepRow]:
        """Those that run below a step."""
        return [row for row in self._journal._steps.values() if row.path.startswith((f"{path}/", f"{path}#"))]

    def _ended(self, path: str, kind: str, status: str) -> StepRow:
        row = self._row(path, kind)
        del self._journal._steps[path]
        row.status, row.finished_at, row.wake_at = status, self.now, self._journal._slept.get(path)
        if path in self._journal._graph.by_id and status != StepRun.Status.FAILED:
            self._journal._fractions[path] = 1.0
            self.changes["progress"] = self._journal.overall()
        return row

    def _waiting(self, entry: ports.Waiting) -> None:
        self.questions[entry.path] = question_columns(self._journal._key, entry.path, entry.asked, self.now)
        self._rest(entry.path.split("!", 1)[0], entry.type, None)
        self.told.append(("waiting_input", self._journal._words.question(entry.path, entry.asked)))

    def _sleeping(self, entry: ports.Sleeping) -> None:
        self._rest(entry.path, entry.type, entry.until)

    def _rest(self, path: str, kind: str, until: datetime | None) -> None:
        """The step waits, and with it those above it."""
        row = self._row(path, kind)
        row.status, row.wake_at = StepRun.Status.WAITING, until
        if until is not None:
            self._journal._slept[path] = until
        self._tell(row)
        above = [
            known for known in self._journal._steps.values() if path.startswith((f"{known.path}/", f"{known.path}#"))
        ]
        for known in above:
            if known.status == StepRun.Status.RUNNING:
                outer = self._row(known.path, known.type)
                outer.status = StepRun.Status.WAITING
                self._tell(outer)

    def _intended(self, entry: ports.Intended) -> None:
        row = CallRow(entry, self.now)
        self.calls[entry.path, entry.no] = self._journal._calls[entry.path, entry.no] = row

    def _answered(self, entry: ports.Answered) -> None:
        at = entry.path, entry.no
        row = replace(self._journal._calls.pop(at), answer=entry, finished_at=self.now)
        self.calls[at] = row

    def _logged(self, entry: ports.Logged) -> None:
        data = {"node": entry.path, "path": entry.path, "level": entry.level, "message": entry.message[:2000]}
        self.told.append(("log", data))

    def _tell(self, row: StepRow) -> None:
        if row.type != ITEM:
            self.told.append(("step", self._journal._words.step(replace(row))))
