"""The way outside of a step: every call is written down before it is sent, and its answer when it has come.

A call that was sent and never answered may have happened. What follows is the node's rule: `retry`, `ask` a person,
or `fail`; by itself a call is only made again where repeating it does no harm.
"""

import asyncio
import hashlib
import json
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

from django.utils.translation import gettext as _

from apps.core import failpoints
from apps.core.errors import ApiError
from apps.pipelines.engine.budget import Budget
from apps.pipelines.engine.leaving import Leaving
from apps.pipelines.engine.pen import Pen
from apps.pipelines.engine.ports import Answered, Call, Do, Intended, RecordedCall, Shelf, Through
from apps.pipelines.errors import OutcomeUnknown
from apps.pipelines.graph import Unknown
from apps.pipelines.nodes.base import Answer, Asked
from apps.pipelines.nodes.context import Json, OutsideKind

POINTS = failpoints.declare(
    "pipelines.call.before_intent",
    "pipelines.call.before_send",
    "pipelines.call.after_answer",
    "pipelines.call.after_record",
)

ASKED_DAYS: Final = 7  # how long the staff has to say what became of a call
REPEAT, GIVE_UP = "retry", "fail"

Key = tuple[str, int]


async def directly(call: Call, do: Do) -> Json:
    """Make the call."""
    return await do(call.key)


@dataclass(eq=False)
class Doubt(Asked):
    """Nobody knows whether a call happened; a person is to say what follows. It stands under its own path."""

    path: str = ""


@dataclass
class Calls:
    """What all steps of a run share of their ways outside."""

    pen: Pen
    shelf: Shelf
    budget: Budget
    through: Through
    known: dict[Key, RecordedCall]
    answers: dict[str, Asked | Answer]  # questions of the run, by path
    leaving: Leaving = field(default_factory=Leaving)


@dataclass
class Recorded:
    """The calls of one attempt of a step."""

    calls: Calls
    node: str
    path: str
    key: str
    rule: Unknown | None  # of the node; None leaves it to what the call says of itself
    cost: int = 0
    unsure: Key | None = None  # the call of this attempt that may have happened
    _numbers: "count[int]" = field(default_factory=count)

    async def call(self, kind: OutsideKind, address: str, request: Json, do: Do, *, repeatable: bool) -> Json:
        no = next(self._numbers)
        call = Call(self.path, no, kind, address, request, repeatable, f"{self.key}:{no}")
        digest = _digest(request)
        known = self.calls.known.get((self.path, no))
        if known is not None and known.status == "done" and (known.address, known.request_sha256) == (address, digest):
            self.cost += _cost(known.usage)
            return await self.calls.shelf.fill(known.response)
        if known is not None and known.status in ("intent", "unknown"):
            self._decide(no, known)
        self.calls.budget.check()
        await self.calls.leaving.pass_by(self.path)
        with nullcontext() if repeatable else self.calls.leaving.call(self.path, no):
            failpoints.hit("pipelines.call.before_intent")
            self.calls.pen.add(Intended(self.path, no, kind, address, digest, repeatable))
            await self.calls.pen.commit()
            failpoints.hit("pipelines.call.before_send")
            return await self._sent(call, digest, do)

    async def _sent(self, call: Call, digest: str, do: Do) -> Json:
        try:
            answer = await self.calls.through(call, do)
        except asyncio.CancelledError:
            self._record(call, digest, "unknown")
            raise
        except ApiError as exc:
            self._record(call, digest, "unknown" if exc.details.get("outcome") == "unknown" else "failed", error=exc)
            raise
        except Exception:
            self._record(call, digest, "unknown")
            raise
        failpoints.hit("pipelines.call.after_answer")
        usage = answer.get("usage") if isinstance(answer, dict) else None
        paid = usage if isinstance(usage, dict) else {}
        kept = await self.calls.shelf.keep(answer)
        self._record(call, digest, "done", response=kept, usage=paid)
        self.cost += _cost(paid)
        self.calls.budget.pay(_cost(paid))
        failpoints.hit("pipelines.call.after_record")
        return answer

    def _record(
        self,
        call: Call,
        digest: str,
        status: Any,
        *,
        response: Json = None,
        usage: Any = None,
        error: ApiError | None = None,
    ) -> None:
        told = error.as_dict() if error else None
        self.calls.known[self.path, call.no] = RecordedCall(
            call.kind, call.address, digest, call.repeatable, status, response, usage or {}, told
        )
        if status == "unknown":
            self.unsure = (self.path, call.no)
        self.calls.pen.add(Answered(self.path, call.no, status, response, usage or {}, told), soon=True)

    def _decide(self, no: int, known: RecordedCall) -> None:
        """Whether a call that may have happened is made again. Raises `OutcomeUnknown` or `Doubt` where it is not."""
        rule = self.rule or ("retry" if known.repeatable else "fail")
        if rule == "ask":
            said = self.calls.answers.get(f"{self.path}!{no}")
            if not isinstance(said, Answer):
                raise self._doubt(no, known)
            rule = "retry" if said.option == REPEAT else "fail"
        if rule == "fail":
            raise OutcomeUnknown(node=self.node, address=known.address)

    def doubt(self) -> Doubt | None:
        """The question that this attempt leaves, where the node's rule is to ask."""
        if self.unsure is None or self.rule != "ask":
            return None
        no = self.unsure[1]
        return self._doubt(no, self.calls.known[self.unsure])

    def _doubt(self, no: int, known: RecordedCall) -> Doubt:
        title = _("“%(node)s” was interrupted while it called %(address)s. Did that happen? Is it to be called again?")
        return Doubt(
            title=title % {"node": self.node, "address": known.address},
            form={"type": "object", "properties": {}},
            options=(REPEAT, GIVE_UP),
            deadline_at=datetime.now(UTC) + timedelta(days=ASKED_DAYS),
            who="staff",
            on_timeout="fail",
            path=f"{self.path}!{no}",
        )


def _digest(request: Json) -> str:
    text = json.dumps(request, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _cost(usage: Any) -> int:
    cost = usage.get("cost_micro") if isinstance(usage, dict) else None
    return cost if isinstance(cost, int) else 0
