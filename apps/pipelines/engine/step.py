"""One step: its attempts, what its node is given, and what follows from how it ends."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

import structlog
from django.db import DatabaseError, InterfaceError

from apps.core.errors import ApiError
from apps.pipelines.engine.outside import Recorded
from apps.pipelines.engine.pauses import path_of
from apps.pipelines.engine.pen import Abandoned
from apps.pipelines.engine.ports import MAX_PATH, Begun, Failed, Finished, FinishedStep, Logged, Sleeping, Waiting
from apps.pipelines.engine.values import frozen, weight
from apps.pipelines.engine.work import Work
from apps.pipelines.errors import NodeCrashed, NodeTimeout, PathTooLong, RunLimit
from apps.pipelines.graph import Node
from apps.pipelines.nodes import node_types
from apps.pipelines.nodes.base import Answer, Asked, Nested, NodeContext, NodeResult, NodeType, Pause, Slept, Woken
from apps.pipelines.nodes.context import LogLevel

log = structlog.get_logger("pipelines")

BACKOFF_SECONDS: Final = 0.5
MOST_BACKOFF_SECONDS: Final = 60.0
SHORT_SLEEP_SECONDS: Final = 1.0  # a pause costs a claim; this is less
LIGHT: Final = 32_000  # bytes; nothing in what weighs less can be large

Inputs = Callable[[], Awaitable[Mapping[str, Any]]]
Outcome = FinishedStep | Pause


@dataclass
class Step:
    """One step of a run."""

    work: Work
    node: Node
    path: str
    inputs: Inputs
    nested: Callable[["Step"], Nested]
    variables: Mapping[str, Any]
    quiet: bool  # one of too many to be told of
    usage: Mapping[str, Any] = field(default_factory=dict)
    tried: int = 0  # in this claim
    resumed: Answer | Woken | None = None

    @property
    def kind(self) -> NodeType:
        return node_types()[self.node.type]

    async def run(self) -> Outcome:
        """The step's result, or the pause that it went into. Raises the `ApiError` that ends the run."""
        if (pinned := self.work.pinned.get(self.path)) is not None:
            return await self._reuse(pinned)
        try:
            return await self._attempts()
        except RunLimit as exc:
            self._tell(Failed(self.path, self.node.type, exc))
            raise
        except ApiError as exc:
            return await self._failed(exc)

    async def _reuse(self, pinned: NodeResult) -> FinishedStep:
        kept = replace(pinned, output=await self._kept(pinned.output))
        self._tell(Finished(self.path, self.node.type, kept, reused=True))
        self.usage = pinned.usage
        return FinishedStep(frozen(pinned.output), pinned.branch)

    # --- attempts -----------------------------------------------------------------------------

    async def _attempts(self) -> Outcome:
        """Tried again after retryable failures with exponential backoff and full jitter."""
        policy = self.node.policy
        retries = self.kind.retries if policy.retries is None else policy.retries
        self.resumed = self._how_the_pause_ended()
        self._count_attempt(first=True)
        for self.tried in count():
            try:
                result = await self._attempt()
                return result if isinstance(result, Pause) else await self._finished(result)
            except ApiError as exc:
                if not exc.retryable or self.tried >= retries or isinstance(exc, RunLimit):
                    raise
                log.warning("node.retry", node=self.path, code=exc.code, attempt=self.tried + 1)
            longest = (BACKOFF_SECONDS if policy.backoff is None else policy.backoff) * 2**self.tried
            await asyncio.sleep(random.uniform(0, min(longest, MOST_BACKOFF_SECONDS)))  # noqa: S311 - jitter
            self._count_attempt(first=False)
        raise AssertionError("unreachable")

    def _count_attempt(self, *, first: bool) -> None:
        """Going on after a pause is no new attempt."""
        so_far = self.work.attempts.get(self.path, 0)
        goes_on = first and so_far and self.work.paused_before(self.path)
        self.work.attempts[self.path] = so_far if goes_on else so_far + 1

    def _how_the_pause_ended(self) -> Answer | Woken | None:
        said = self.work.questions.get(self.path)
        if isinstance(said, Answer):
            return said
        until = self.work.sleeping.get(self.path)
        return Woken(until) if until is not None and until <= datetime.now(UTC) else None

    async def _attempt(self) -> NodeResult | Pause:
        self.work.budget.count_step()
        attempt = self.work.attempts[self.path]
        if len(self.path) > MAX_PATH:
            raise PathTooLong(most=MAX_PATH)
        try:
            inputs = await self.inputs()
        except ApiError:
            self._tell(Begun(self.path, self.node.type, attempt, {}))
            raise
        self._tell(Begun(self.path, self.node.type, attempt, await self._kept(inputs)))
        if self.kind.streams and attempt > 1:
            await self.work.pen.commit()  # the new text begins behind the event that takes the old one back
        await self.work.pen.each()
        outside = self._outside()
        try:
            return await self._within_time(self._context(inputs, outside))
        except Pause as pause:
            return await self._paused(pause)
        except ApiError:
            if (doubt := outside.doubt()) is not None:
                return await self._paused(doubt)
            raise

    async def _within_time(self, context: NodeContext) -> NodeResult:
        policy = self.node.policy.timeout
        seconds = self.kind.default_timeout if policy is None else min(policy, self.kind.max_timeout)
        try:
            async with asyncio.timeout(seconds):
                result = await self.kind.run(context)
            result = replace(result, output=frozen(result.output))
        except TimeoutError as exc:
            raise NodeTimeout(node=self.node.id, seconds=f"{seconds:g}") from exc
        except (ApiError, Pause):
            raise
        except (DatabaseError, InterfaceError) as exc:
            raise Abandoned() from exc  # no fault of the step's: whoever goes on later does it again
        except Exception as exc:
            log.exception("node.crashed", node=self.path, type=self.node.type)
            raise NodeCrashed(node=self.node.id) from exc
        paid = result.usage.get("cost_micro", 0)
        told = context.outside.cost if isinstance(context.outside, Recorded) else 0
        self.work.budget.pay((paid if isinstance(paid, int) else 0) - told)
        return result

    # --- ends ---------------------------------------------------------------------------------

    async def _finished(self, result: NodeResult) -> FinishedStep:
        kept = await self._kept(result.output)
        self.usage = result.usage
        self._tell(Finished(self.path, self.node.type, replace(result, output=kept)))
        await self.work.pen.each()
        return FinishedStep(result.output, result.branch)

    async def _kept(self, value: Mapping[str, Any]) -> Any:
        if self.quiet or weight(value) < LIGHT:
            return value
        return await self.work.shelf.keep(value)

    async def _failed(self, error: ApiError) -> FinishedStep:
        policy = self.node.policy
        told = {"code": error.code, "reason": error.reason, "message": error.text()}
        if policy.on_error == "continue":
            self._tell(Failed(self.path, self.node.type, error, goes_on=True))
            return FinishedStep(frozen({"error": told}), "error", told)
        if policy.on_error == "fallback":
            fallback = dict(policy.fallback or {})
            self._tell(Failed(self.path, self.node.type, error, goes_on=True, fallback=fallback))
            return FinishedStep(frozen(fallback), "", told)
        self._tell(Failed(self.path, self.node.type, error))
        raise error

    async def _paused(self, pause: Pause) -> NodeResult | Pause:
        """Write down what the step waits for; a moment of sleep is slept here."""
        path = path_of(self.path, pause)
        if isinstance(pause, Asked):
            self.work.questions[path] = pause
            self.work.pen.add(Waiting(path, self.node.type, pause))
        elif isinstance(pause, Slept):
            seconds = (pause.until - datetime.now(UTC)).total_seconds()
            if seconds <= SHORT_SLEEP_SECONDS:
                await asyncio.sleep(max(seconds, 0))
                self.resumed = Woken(pause.until)
                return await self._attempt()
            self.work.sleeping[path] = pause.until
            self.work.pen.add(Sleeping(path, self.node.type, pause.until))
        return pause

    def _tell(self, entry: Begun | Finished | Failed) -> None:
        if not self.quiet:
            self.work.pen.add(entry)

    # --- what the node is given ---------------------------------------------------------------

    def _outside(self) -> Recorded:
        key = f"{self.work.key}:{self.path}"
        return Recorded(self.work.calls, self.node.id, self.path, key, self.node.policy.unknown)

    def _context(self, inputs: Mapping[str, Any], outside: Recorded) -> NodeContext:
        work = self.work
        return NodeContext(
            node_id=self.node.id,
            path=self.path,
            key=outside.key,
            attempt=work.attempts[self.path],
            inputs=inputs,
            config=self.kind.Config.model_validate(dict(self.node.config)),
            parts=work.parts,
            variables=self.variables,
            caller=replace(work.caller, step=outside.key),
            language=work.language,
            files=work.files,
            outside=outside,
            nested=self.nested(self),
            resumed=self.resumed,
            log=self._log,
            on_progress=self._on_progress,
            on_delta=self._on_delta,
            spent=lambda: work.budget.spent,
            left=lambda: work.budget.left,
        )

    async def _log(self, level: LogLevel, message: str) -> None:
        if not self.quiet:
            self.work.pen.add(Logged(self.path, level, message))

    async def _on_progress(self, fraction: float, message: str) -> None:
        if not self.quiet:
            await self.work.sink.progress(self.path, fraction, message)

    async def _on_delta(self, text: str) -> None:
        if not self.quiet:
            await self.work.sink.delta(self.path, text)
