"""Rows as they are being written: the journal of a claim is their only writer, so it knows them without reading."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from apps.pipelines.engine.ports import Answered, Intended
from apps.pipelines.engine.values import thawed
from apps.pipelines.nodes.base import Asked
from apps.tasks.models import Effect, Question, StepRun

STEP_KEY: Final = ("task_id", "path")
CALL_KEY: Final = ("task_id", "path", "no")
_ITEM: Final = re.compile(r"#(\d+)(?:/[^#]*)?$")


def as_json(value: Any) -> str:
    """The text of a JSON column."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def node_of(path: str) -> str:
    """The last id of a path."""
    return path.rsplit("/", 1)[-1].split("#", 1)[0].split("!", 1)[0]


def item_of(path: str) -> int:
    """The number of the innermost item of a map."""
    found = _ITEM.search(path)
    return int(found[1]) if found else 0


@dataclass
class StepRow:
    """A step on its way."""

    path: str
    type: str
    status: str = StepRun.Status.RUNNING
    attempts: int = 1
    inputs: Any = None
    output: Any = None
    branch: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict)
    error: Any = None
    went_on: bool = False
    reused: bool = False
    wake_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def milliseconds(self) -> int | None:
        """How long it took."""
        if self.finished_at is None or self.started_at is None:
            return None
        return round((self.finished_at - self.started_at).total_seconds() * 1000)

    def columns(self, task_id: Any) -> dict[str, Any]:
        return {
            "task_id": task_id,
            "path": self.path,
            "node": node_of(self.path),
            "iteration": item_of(self.path),
            "type": self.type,
            "status": str(self.status),
            "attempts": self.attempts,
            "inputs": None if self.inputs is None else as_json(self.inputs),
            "output": None if self.output is None else as_json(self.output),
            "branch": self.branch,
            "usage": as_json(self.usage),
            "error": None if self.error is None else as_json(self.error),
            "went_on": self.went_on,
            "reused": self.reused,
            "wake_at": self.wake_at,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
        }


@dataclass
class CallRow:
    """A call on its way."""

    intent: Intended
    started_at: datetime
    answer: Answered | None = None
    finished_at: datetime | None = None

    def columns(self, task_id: Any) -> dict[str, Any]:
        intent, answer = self.intent, self.answer
        return {
            "task_id": task_id,
            "path": intent.path,
            "no": intent.no,
            "kind": intent.kind,
            "address": intent.address[:200],
            "request_sha256": intent.request_sha256,
            "repeatable": intent.repeatable,
            "status": answer.status if answer else str(Effect.Status.INTENT),
            "response": None if answer is None or answer.response is None else as_json(answer.response),
            "usage": as_json(dict(answer.usage) if answer else {}),
            "error": None if answer is None or answer.error is None else as_json(answer.error),
            "started_at": self.started_at,
            "finished_at": self.finished_at,
        }


def question_columns(task_id: Any, path: str, asked: Asked, now: datetime) -> dict[str, Any]:
    """A question that is open; one that is asked again loses its earlier answer."""
    return {
        "task_id": task_id,
        "path": path,
        "node": node_of(path),
        "title": as_json(thawed(asked.title)),
        "form": as_json(thawed(asked.form)),
        "ui": as_json(thawed(asked.ui)),
        "options": as_json(list(asked.options)),
        "who": asked.who,
        "on_timeout": asked.on_timeout,
        "default": asked.default,
        "asked_at": now,
        "deadline_at": asked.deadline_at,
        "answer": None,
        "option": "",
        "answered_by_id": None,
        "answered_at": None,
        "timed_out": False,
    }


def asked_of(question: Question) -> Asked:
    """An open question, as the engine knows it."""
    return Asked(
        title=question.title,
        form=question.form,
        options=tuple(question.options),
        deadline_at=question.deadline_at,
        who="staff" if question.who == Question.Who.STAFF else "owner",
        on_timeout="option" if question.on_timeout == "option" else "fail",
        default=question.default,
        ui=question.ui,
    )
