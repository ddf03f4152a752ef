"""Both books of an endpoint, the one in Redis and the one in Python, driven by a clock of the test's own."""

import asyncio
import itertools
from collections.abc import Coroutine
from typing import Any

from apps.providers.admission.local import LocalBook
from apps.providers.admission.records import Decision, Noted, Permit, Result
from apps.providers.admission.shared import SharedBook, decided
from apps.providers.types import Candidate
from tests.providers.builders import make_candidate

START = 1_800_000_000_000  # any moment; milliseconds
_numbers = itertools.count(1)
_loop = asyncio.new_event_loop()


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """All examples share a loop, so that they share a connection."""
    return _loop.run_until_complete(work)


class SharedOne:
    """`SharedBook` with the methods of `LocalBook`."""

    def __init__(self) -> None:
        self.book = SharedBook(next(_numbers), "test")

    def admit(self, now: int, candidate: Candidate, lease: str, tokens: int) -> Decision:
        async def asked() -> Decision:
            return decided(await self.book.asked(candidate, lease, tokens, now=now))

        decision: Decision = run(asked())
        return decision

    def leave(self, now: int, permit: Permit, result: Result, answered: int = 0) -> Noted:
        noted: Noted = run(self.book.leave(permit, result, answered, now=now))
        return noted

    def renew(self, now: int, permit: Permit) -> None:
        run(self.book.renew([permit], now=now))


class Both:
    """Asks both books, and fails where they differ."""

    def __init__(self, **fields: Any) -> None:
        self.candidate = make_candidate("", **fields)
        self.books: list[Any] = [SharedOne(), LocalBook()]
        self.now = START

    def admit(self, lease: str = "a", tokens: int = 0) -> Decision:
        shared, local = (book.admit(self.now, self.candidate, lease, tokens) for book in self.books)
        assert shared == local
        return local  # type: ignore[no-any-return]

    def permit(self, lease: str = "a", tokens: int = 0) -> Permit:
        """A permit that is granted."""
        decision = self.admit(lease, tokens)
        assert decision.obstacle == ""
        return self.permit_of(decision, lease, tokens)

    def permit_of(self, decision: Decision, lease: str, tokens: int = 0) -> Permit:
        return Permit(
            self.candidate,
            lease=lease,
            generation=decision.stand.generation,
            probe=decision.probe,
            slot=decision.slot,
            tokens=tokens,
        )

    def leave(self, permit: Permit, outcome: Any = "ok", *, answered: int = 0, **fields: Any) -> Noted:
        result = Result(outcome, **fields)
        shared, local = (book.leave(self.now, permit, result, answered) for book in self.books)
        assert shared == local
        return local  # type: ignore[no-any-return]

    def call(self, outcome: Any = "ok", **fields: Any) -> Noted:
        """A call that is admitted and ends at once."""
        return self.leave(self.permit("one"), outcome, **fields)

    def renew(self, permit: Permit) -> None:
        for book in self.books:
            book.renew(self.now, permit)

    def pass_ms(self, ms: int) -> None:
        self.now += ms
