"""Breaker and pauses, in Redis and in Python: both do the same, and what the figures in `rules` say."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, multiple, rule

from apps.providers.admission.records import Permit, Phase
from apps.providers.admission.rules import COOL_MS, LONGEST_COOL_MS, OPEN_MS, RECHECK_MS
from tests.providers.books import Both


@pytest.fixture
def both() -> Both:
    return Both()


def fail(both: Both, times: int) -> None:
    for _number in range(times):
        both.call("bad")


def test_circuit__four_of_four_failed__stays_closed(both):
    fail(both, 4)

    assert both.admit().stand == (Phase.CLOSED, 0, 1)


def test_circuit__five_of_five_failed__opens_for_thirty_seconds(both):
    fail(both, 4)

    noted = both.call("bad")

    assert (noted.opened, noted.stand) == (True, (Phase.OPEN, OPEN_MS, 2))
    assert both.admit()[:3] == ("open", OPEN_MS, False)
    both.pass_ms(OPEN_MS - 1)
    assert both.admit()[:2] == ("open", 1)


def test_circuit__half_failed__stays_closed_and_one_more_opens_it(both):
    both.call("ok", answered=5)
    fail(both, 6)
    assert both.admit().stand.phase is Phase.CLOSED

    assert both.call("bad").opened


def test_circuit__failures_older_than_the_window__do_not_count(both):
    fail(both, 4)
    both.pass_ms(30_000)

    assert not both.call("bad").opened


def test_circuit__asked_often__opens_by_the_latest_seconds_alone(both):
    both.call("ok", answered=1_000)
    both.pass_ms(6_000)
    fail(both, 19)
    assert both.admit().stand.phase is Phase.CLOSED

    assert both.call("bad").opened


@pytest.mark.parametrize("outcome", ["none", "busy"])
def test_circuit__what_says_nothing_about_health__does_not_open_it(both, outcome):
    permits = [both.permit(str(number)) for number in range(9)]

    for permit in permits:
        assert not both.leave(permit, outcome).opened


def test_circuit__half_open__lets_two_probes_through_and_no_more(both):
    fail(both, 5)
    both.pass_ms(OPEN_MS)

    assert [both.admit(name)[:3] for name in "abc"] == [("", 0, True), ("", 0, True), ("open", RECHECK_MS, False)]


def test_circuit__probe_succeeds__closes_and_begins_anew(both):
    fail(both, 5)
    both.pass_ms(OPEN_MS)

    noted = both.leave(both.permit("probe"), "ok")

    assert (noted.closed, noted.stand.phase) == (True, Phase.CLOSED)
    fail(both, 4)
    assert both.admit().obstacle == ""


def test_circuit__probe_fails__opens_again_and_the_other_probe_says_nothing_any_more(both):
    fail(both, 5)
    both.pass_ms(OPEN_MS)
    first, second = both.permit("a"), both.permit("b")

    assert both.leave(first, "bad").opened
    noted = both.leave(second, "ok")

    assert (noted.closed, noted.stand.phase) == (False, Phase.OPEN)


def test_circuit__probe_given_up__makes_room_for_another(both):
    fail(both, 5)
    both.pass_ms(OPEN_MS)
    first, _second = both.permit("a"), both.permit("b")

    both.leave(first, "none")

    assert both.admit("c")[:3] == ("", 0, True)


def test_circuit__prober_died__its_place_lapses(both):
    fail(both, 5)
    both.pass_ms(OPEN_MS)
    for name in "ab":
        both.permit(name)
    both.pass_ms(20_000)  # timeout and margin of the candidate

    assert both.admit("c").probe


def test_circuit__call_from_before_it_opened__does_not_count_after_it_closed(both):
    late = [both.permit(str(number)) for number in range(6)]
    fail(both, 5)
    both.pass_ms(OPEN_MS)
    both.leave(both.permit("probe"), "ok")

    for permit in late:
        assert not both.leave(permit, "bad").opened


def test_pause__no_time_named__is_five_seconds_and_doubles_up_to_sixty(both):
    taken = []
    for _number in range(6):
        taken.append(both.leave(both.permit(), "busy").cool_ms)
        both.pass_ms(taken[-1])

    assert taken == [COOL_MS, 10_000, 20_000, 40_000, LONGEST_COOL_MS, LONGEST_COOL_MS]


def test_pause__named_by_the_endpoint__is_kept_even_if_long(both):
    assert both.leave(both.permit(), "busy", asked_ms=90_000).cool_ms == 90_000
    assert both.admit()[:2] == ("cooling", 90_000)


def test_pause__many_calls_meet_the_same_429__it_does_not_double(both):
    permits = [both.permit(str(number)) for number in range(5)]

    assert {both.leave(permit, "busy").cool_ms for permit in permits} == {COOL_MS}


def test_pause__answered_since__the_next_is_a_first_one_again(both):
    both.pass_ms(both.call("busy").cool_ms)
    both.call("ok")

    assert both.call("busy").cool_ms == COOL_MS


def test_pause__another_model__is_not_left_alone(both):
    other = Both(model="other")
    other.books, other.now = both.books, both.now

    both.call("busy")

    assert (both.admit().obstacle, other.admit().obstacle) == ("cooling", "")


class Model:
    """A breaker as one would describe it: every call of the present generation is remembered."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, bool]] = []
        self.open_until, self.generation = 0, 1
        self.probes: dict[str, int] = {}

    def phase(self, now: int) -> Phase:
        return Phase.CLOSED if not self.open_until else Phase.OPEN if now < self.open_until else Phase.HALF

    def move(self, until: int) -> None:
        self.calls, self.probes = [], {}
        self.open_until, self.generation = until, self.generation + 1

    def admit(self, now: int, lease: str) -> tuple[str, bool]:
        phase = self.phase(now)
        out = [until for until in self.probes.values() if until > now]
        if phase is Phase.OPEN or (phase is Phase.HALF and len(out) >= 2):
            return "open", False
        if phase is Phase.HALF:
            self.probes[lease] = now + 20_000
        return "", phase is Phase.HALF

    def leave(self, now: int, permit: Permit, outcome: str) -> None:
        self.probes.pop(permit.lease, None)
        if permit.generation != self.generation or outcome == "none":
            return
        if permit.probe:
            self.move(0 if outcome == "ok" else now + 30_000)
            return
        if self.phase(now) is not Phase.CLOSED:
            return
        self.calls.append((now, outcome == "ok"))
        for slots, least in ((10, 5), (2, 20)):
            recent = [well for at, well in self.calls if at // 3_000 > now // 3_000 - slots]
            if outcome == "bad" and len(recent) >= least and recent.count(False) * 2 > len(recent):
                self.move(now + 30_000)
                return


class BreakerMachine(RuleBasedStateMachine):
    permits = Bundle("permits")

    @initialize()
    def begin(self) -> None:
        self.both, self.model, self.number = Both(), Model(), 0

    @rule(target=permits)
    def admit(self):
        self.number += 1
        lease = str(self.number)

        decision = self.both.admit(lease)

        assert (decision.obstacle, decision.probe) == self.model.admit(self.both.now, lease)
        self.agree(decision.stand)
        return multiple() if decision.obstacle else self.both.permit_of(decision, lease)

    @rule(permit=consumes(permits), outcome=st.sampled_from(["ok", "bad", "bad", "none"]))
    def leave(self, permit: Permit, outcome: str) -> None:
        noted = self.both.leave(permit, outcome)

        self.model.leave(self.both.now, permit, outcome)
        self.agree(noted.stand)

    @rule(times=st.integers(1, 25), outcome=st.sampled_from(["ok", "bad"]))
    def calls(self, times: int, outcome: str) -> None:
        """As many as it takes to move something."""
        for _number in range(times):
            self.number += 1
            decision = self.both.admit(str(self.number))
            assert (decision.obstacle, decision.probe) == self.model.admit(self.both.now, str(self.number))
            if not decision.obstacle:
                self.leave(self.both.permit_of(decision, str(self.number)), outcome)

    @rule(ms=st.one_of(st.integers(0, 4_000), st.sampled_from([19_999, 20_000, 29_999, 30_000, 100_000])))
    def wait(self, ms: int) -> None:
        self.both.pass_ms(ms)

    def agree(self, stand) -> None:
        model = self.model
        rest = max(0, model.open_until - self.both.now)
        assert stand == (model.phase(self.both.now), rest, model.generation)


BreakerMachine.TestCase.pytestmark = [pytest.mark.stateful]
TestBreaker = BreakerMachine.TestCase
