"""Admission of one event loop: from memory where nothing is limited and all is well, else by one round trip to Redis.

While something is in use, a ticker tells Redis every quarter of a second what went well here and hears how the
endpoints stand. What goes wrong is told at once. Redis away: everything is counted in this loop alone.
"""

import asyncio
import itertools
import os
import time
from contextvars import Context
from typing import Any

import structlog
from redis.exceptions import RedisError

from apps.core.per_loop import PerLoop
from apps.providers.admission.metrics import metrics
from apps.providers.admission.post import STALE_SECONDS, Post
from apps.providers.admission.records import Decision, Noted, Permit, Result
from apps.providers.admission.refusals import refusal
from apps.providers.admission.shared import decided
from apps.providers.types import Candidate

log = structlog.get_logger("providers")

TICK_SECONDS = 0.25
AWAY_TICK_SECONDS = 1.0
LOG_SECONDS = 60.0  # between two lines that say the same
FLUSH_SECONDS = 1.0  # the last words of a loop that ends


class Desk:
    """One per event loop."""

    def __init__(self) -> None:
        self.process = os.urandom(6).hex()
        self.away = False
        self._posts: dict[str, Post] = {}
        self._numbers = itertools.count(1)
        self._ticker: asyncio.Task[None] | None = None
        self._looking: dict[Post, asyncio.Task[None]] = {}
        self._background: set[asyncio.Task[Any]] = set()
        self._said: dict[str, float] = {}

    def post(self, candidate: Candidate) -> Post:
        """What is known of the candidate's endpoint."""
        found = self._posts.get(candidate.endpoint)
        if found is None or found.endpoint_id != candidate.endpoint_id:
            found = self._posts[candidate.endpoint] = Post(candidate)
        return found

    def is_resting(self, candidate: Candidate) -> bool:
        """Whether it would be in vain to ask `candidate` now, as far as is known here. It counts as a use."""
        post, now = self.post(candidate), time.monotonic()
        post.used_at = now
        return post.is_resting(now, candidate.model)

    def pace(self, candidate: Candidate) -> float | None:
        """Milliseconds to the first byte lately; None where nobody measured it."""
        return self.post(candidate).paces.get(candidate.model)

    async def admit(self, candidate: Candidate, tokens: int) -> Permit:
        """See `admission.admit`."""
        post = self.post(candidate)
        now = post.used_at = time.monotonic()
        if self._ticker is None:
            self._arm()
        if not (self.away or candidate.max_concurrency or candidate.rpm or candidate.tpm):
            if now - post.seen_at > STALE_SECONDS:
                await self._look(post)
                now = time.monotonic()
            if not self.away and post.is_quiet(now, candidate.model):
                metrics.quick += 1
                post.underway += 1
                return Permit(candidate, generation=post.stand.generation)
        return await self._ask(post, candidate, tokens)

    async def leave(self, permit: Permit, result: Result, first_ms: float | None) -> None:
        """See `admission.leave`."""
        post = self.post(permit.candidate)
        post.used_at = time.monotonic()
        post.underway = max(0, post.underway - 1)
        if first_ms is not None and result.outcome == "ok":
            post.measure(permit.candidate.model, first_ms)
        if self._ticker is None:
            self._arm()
        if permit.lease or result.words or self.away:
            await self._give_back(post, permit, result)
        elif result.outcome == "ok":
            post.answered += 1

    async def _look(self, post: Post) -> None:
        """Fresh news of one endpoint, asked for once however many wait for it."""
        task = self._looking.get(post)
        if task is None:
            task = self._looking[post] = self._start(self._synced([post]))
            task.add_done_callback(lambda _task: self._looking.pop(post, None))
        await asyncio.shield(task)

    async def _ask(self, post: Post, candidate: Candidate, tokens: int) -> Permit:
        permit = Permit(candidate, lease=f"{self.process}:{next(self._numbers)}", tokens=tokens)
        decision = self._decided_here(post, permit) if self.away else await self._decided_there(post, permit)
        post.see(decision.stand, wait_ms=decision.wait_ms if decision.obstacle == "open" else 0)
        if decision.obstacle == "cooling":
            post.pause(candidate.model, decision.wait_ms)
        if decision.obstacle:
            metrics.refused[candidate.endpoint, decision.obstacle] += 1
            self._say(f"{candidate.endpoint}:{decision.obstacle}", candidate.endpoint, decision)
            raise refusal(candidate, decision)
        return self._entered(post, permit, decision)

    def _entered(self, post: Post, permit: Permit, decision: Decision) -> Permit:
        candidate = permit.candidate
        permit.generation, permit.probe, permit.slot = decision.stand.generation, decision.probe, decision.slot
        post.underway += 1
        if candidate.max_concurrency or permit.probe:
            permit.renewed = time.monotonic()
            post.held[permit.lease] = permit
        elif not candidate.tpm:
            permit.lease = ""  # nothing is to be given back
        return permit

    def _decided_here(self, post: Post, permit: Permit) -> Decision:
        metrics.alone += 1
        book = permit.book = post.alone(_now_ms())
        return book.admit(_now_ms(), permit.candidate, permit.lease, permit.tokens)

    async def _decided_there(self, post: Post, permit: Permit) -> Decision:
        """Redis' decision; ours if it does not answer. What is granted to somebody who is gone is given back."""
        metrics.asked += 1
        answer = post.book.asked(permit.candidate, permit.lease, permit.tokens)
        try:
            return decided(await asyncio.shield(answer))
        except asyncio.CancelledError:
            answer.add_done_callback(lambda told: self._undo(post, permit, told))
            raise
        except RedisError as exc:
            self._lost(exc)
            return self._decided_here(post, permit)

    def _undo(self, post: Post, permit: Permit, told: "asyncio.Future[Any]") -> None:
        if told.cancelled() or told.exception() is not None:
            return
        decision = decided(told.result())
        if not decision.obstacle:
            permit.slot, permit.probe, permit.generation = decision.slot, decision.probe, decision.stand.generation
            self._start(self._give_back(post, permit, Result("none")))

    async def _give_back(self, post: Post, permit: Permit, result: Result) -> None:
        post.held.pop(permit.lease, None)
        noted = self._noted_here(post, permit, result) if self.away else await self._noted_there(post, permit, result)
        post.see(noted.stand)
        post.pause(permit.candidate.model, noted.cool_ms)
        endpoint = permit.candidate.endpoint
        if noted.opened:
            metrics.opened[endpoint] += 1
            log.warning("circuit.opened", endpoint=endpoint, error=result.words, restMs=noted.stand.open_ms)
        if noted.closed:
            metrics.closed[endpoint] += 1
            log.warning("circuit.closed", endpoint=endpoint)

    def _noted_here(self, post: Post, permit: Permit, result: Result) -> Noted:
        return post.alone(_now_ms()).leave(_now_ms(), permit, result)

    async def _noted_there(self, post: Post, permit: Permit, result: Result) -> Noted:
        if permit.book is not None:
            permit.slot = 0  # it was counted here, and Redis never knew
        answered, post.answered = post.answered, 0
        try:
            return await post.book.leave(permit, result, answered)
        except RedisError as exc:
            post.answered += answered
            self._lost(exc)
            return self._noted_here(post, permit, result)

    # --- the ticker ---

    def _arm(self) -> None:
        if self._ticker is None:
            self._ticker = self._start(self._tick())

    def _start(self, work: Any) -> "asyncio.Task[Any]":
        """A task that knows nothing of the request that happened to start it."""
        task = asyncio.get_running_loop().create_task(work, context=Context())
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    async def _tick(self) -> None:
        """Tell and hear for as long as something is in use."""
        try:
            while posts := self._in_use():
                await self._turn(posts)
                await asyncio.sleep(AWAY_TICK_SECONDS if self.away else TICK_SECONDS)
        except asyncio.CancelledError:
            await asyncio.wait_for(self._synced(self._in_use()), FLUSH_SECONDS)
            raise
        finally:
            self._ticker = None

    def _in_use(self) -> list[Post]:
        now = time.monotonic()
        return [post for post in self._posts.values() if post.is_in_use(now)]

    async def _turn(self, posts: list[Post]) -> None:
        try:
            if self.away:
                self._renew_here(posts)
                await self._found(posts)
            else:
                await self._synced(posts)
                await self._renew(posts)
        except RedisError as exc:
            self._lost(exc)
        except Exception:
            log.exception("admission.ticker_crashed")

    async def _synced(self, posts: list[Post]) -> None:
        told = await asyncio.gather(*(post.sync(self.process) for post in posts), return_exceptions=True)
        for exc in told:
            if isinstance(exc, RedisError):
                self._lost(exc)
            elif exc is not None:
                raise exc

    async def _renew(self, posts: list[Post]) -> None:
        """Keep the places of calls that take long."""
        for post in posts:
            if due := post.due():
                await post.book.renew(due)

    def _renew_here(self, posts: list[Post]) -> None:
        for post in posts:
            for permit in post.due():
                post.alone(_now_ms()).renew(_now_ms(), permit)

    async def _found(self, posts: list[Post]) -> None:
        """Look whether Redis is back; if so, enter what is under way here. Raises `RedisError`."""
        for post in posts:
            await post.sync(self.process)
            if post.held:
                await post.book.renew(post.held.values(), enter=True)
        self.away = False
        for post in self._posts.values():
            post.local = None
            for permit in post.held.values():
                permit.book, permit.slot = None, 0
        log.warning("admission.redis_back")

    def _lost(self, exc: RedisError) -> None:
        self.away = True
        self._said_lately("redis") or log.warning("admission.redis_away", error=type(exc).__name__)

    def _say(self, what: str, endpoint: str, decision: Decision) -> None:
        if not self._said_lately(what):
            log.warning("endpoint.refused", endpoint=endpoint, obstacle=decision.obstacle, waitMs=decision.wait_ms)

    def _said_lately(self, what: str) -> bool:
        now = time.monotonic()
        if now - self._said.get(what, float("-inf")) < LOG_SECONDS:
            return True
        self._said[what] = now
        return False


def _now_ms() -> int:
    return int(time.monotonic() * 1000)


# The desk of the running loop.
current_desk = PerLoop(Desk)
