"""Calls at once, and calls and tokens a minute, in Redis and in Python; the limit holds among processes."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from apps.providers.admission.records import Permit
from tests.providers.books import Both

LEASE_MS = 20_000  # timeout and margin of the candidate
MINUTE_MS = 60_000


def test_leases__all_taken__refuse_until_one_is_given_back():
    both = Both(max_concurrency=2)
    first, _second = both.permit("a"), both.permit("b")
    assert both.admit("c")[:2] == ("calls", 0)

    both.leave(first)

    assert both.admit("c").obstacle == ""


def test_leases__refused__takes_nothing_else():
    both = Both(max_concurrency=1, rpm=2)
    first = both.permit("a")
    assert [both.admit("b").obstacle for _number in range(5)] == ["calls"] * 5

    both.leave(first)

    assert both.admit("b").obstacle == ""


def test_leases__holder_died__the_place_is_free_after_timeout_and_margin():
    both = Both(max_concurrency=1)
    both.permit("a")
    both.pass_ms(LEASE_MS - 1)
    assert both.admit("b").obstacle == "calls"

    both.pass_ms(1)

    assert both.admit("b").obstacle == ""


def test_leases__renewed__are_kept():
    both = Both(max_concurrency=1)
    permit = both.permit("a")
    both.pass_ms(LEASE_MS - 1)
    both.renew(permit)
    both.pass_ms(LEASE_MS - 1)

    assert both.admit("b").obstacle == "calls"


def test_leases__lapsed_and_taken_by_another__are_not_brought_back():
    both = Both(max_concurrency=1)
    late = both.permit("a")
    both.pass_ms(LEASE_MS)
    other = both.permit("b")

    both.renew(late)
    both.leave(other)

    assert both.admit("c").obstacle == ""


def test_rate__minute_is_used_up__says_when_the_first_call_is_a_minute_old():
    both = Both(rpm=2)
    both.pass_ms(500)
    for _number in range(2):
        both.call()

    decision = both.admit()

    assert decision[:2] == ("rpm", 60_500)  # the end of the second in which the first was made, and a minute
    both.pass_ms(60_499)
    assert both.admit().obstacle == "rpm"
    both.pass_ms(1)
    assert both.admit().obstacle == ""


def test_tokens__reserved__are_corrected_by_what_was_used():
    both = Both(tpm=100)
    both.leave(both.permit("a", 80), tokens=10)
    assert both.admit("b", 91).obstacle == "tpm"

    both.leave(both.permit("b", 20), tokens=90)

    assert both.admit("c", 1).obstacle == "tpm"


def test_tokens__call_failed__gives_all_of_them_back():
    both = Both(tpm=100)
    both.leave(both.permit("a", 100), "bad")

    assert both.admit("b", 100).obstacle == ""


def test_tokens__more_than_the_limit_at_once__is_refused():
    assert Both(tpm=100).admit("a", 101).obstacle == "tpm"


class LeaseMachine(RuleBasedStateMachine):
    """The semaphore against a dict of who is inside, and until when."""

    permits = Bundle("permits")

    @initialize(most=st.integers(1, 3))
    def begin(self, most: int) -> None:
        self.both, self.most, self.number = Both(max_concurrency=most), most, 0
        self.inside: dict[str, int] = {}

    @rule(target=permits)
    def admit(self):
        self.number += 1
        lease = str(self.number)
        free = len(self.living()) < self.most

        decision = self.both.admit(lease)

        assert (decision.obstacle == "") is free
        if not free:
            return multiple()
        self.inside[lease] = self.both.now + LEASE_MS
        return self.both.permit_of(decision, lease)

    @rule(permit=consumes(permits), outcome=st.sampled_from(["ok", "none"]))
    def leave(self, permit: Permit, outcome: str) -> None:
        self.both.leave(permit, outcome)
        self.inside.pop(permit.lease, None)

    @rule(permit=permits)
    def renew(self, permit: Permit) -> None:
        living = permit.lease in self.living()
        self.both.renew(permit)
        if living:
            self.inside[permit.lease] = self.both.now + LEASE_MS

    @rule(ms=st.sampled_from([1, 5_000, 10_000, LEASE_MS - 1, LEASE_MS]))
    def wait(self, ms: int) -> None:
        self.both.pass_ms(ms)

    def living(self) -> list[str]:
        return [lease for lease, until in self.inside.items() if until > self.both.now]

    @invariant()
    def never_more_than_the_limit(self) -> None:
        assert len(self.living()) <= self.most


class RateMachine(RuleBasedStateMachine):
    """No minute holds more calls, or tokens at the time they were reserved, than the limit."""

    permits = Bundle("permits")

    @initialize(rpm=st.integers(1, 4), tpm=st.integers(10, 40))
    def begin(self, rpm: int, tpm: int) -> None:
        self.both, self.rpm, self.tpm, self.number = Both(rpm=rpm, tpm=tpm), rpm, tpm, 0
        self.made: list[tuple[int, int]] = []
        self.tokens: list[list[int]] = []  # [when, tokens]

    @rule(target=permits, tokens=st.integers(0, 20))
    def admit(self, tokens: int):
        self.number += 1
        lease, now = str(self.number), self.both.now

        decision = self.both.admit(lease, tokens)

        calls, used = len(self.recent(self.made, MINUTE_MS)), self.used(MINUTE_MS)
        if decision.obstacle:
            # Seconds are counted whole, so up to one more is looked back upon.
            over = len(self.recent(self.made, MINUTE_MS + 1_000)) + 1 > self.rpm
            assert over or self.used(MINUTE_MS + 1_000) + tokens > self.tpm
            return multiple()
        assert calls + 1 <= self.rpm
        assert used + tokens <= self.tpm
        self.made.append((now, 1))
        entry = [now, tokens]
        self.tokens.append(entry)
        return self.both.permit_of(decision, lease, tokens), entry

    @rule(given=consumes(permits), used=st.integers(0, 30))
    def leave(self, given, used: int) -> None:
        permit, entry = given
        self.both.leave(permit, tokens=used)
        over = used - permit.tokens
        if over > 0:
            self.tokens.append([self.both.now, over])
        elif entry[0] // 1_000 >= self.both.now // 1_000 - 60:
            entry[1] += over

    @rule(ms=st.sampled_from([1, 400, 1_000, 20_000, 59_000, 60_000, 61_000, 200_000]))
    def wait(self, ms: int) -> None:
        self.both.pass_ms(ms)

    def recent(self, entries, ms: int):
        return [entry for entry in entries if entry[0] > self.both.now - ms]

    def used(self, ms: int) -> int:
        return sum(tokens for _at, tokens in self.recent(self.tokens, ms))


for _machine in (LeaseMachine, RateMachine):
    _machine.TestCase.pytestmark = [pytest.mark.stateful]
TestLeases = LeaseMachine.TestCase
TestRates = RateMachine.TestCase
