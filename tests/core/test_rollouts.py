"""Gradual release: who gets the candidate, how it ends, and that nobody else notices."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.config import NOBODY, NotReleased, Person
from apps.core.config.heads import Candidate, bucket_of
from apps.core.config.reader import ConfigReader
from apps.core.errors import InvalidRequest
from apps.core.publishing import outcomes
from apps.core.publishing.errors import (
    ApprovalNeeded,
    BreakUnconfirmed,
    NeverLive,
    NoRollout,
    NothingChanged,
    NothingLive,
    PublishConflict,
    RolloutRunning,
)
from apps.core.publishing.models import Head, Release, Snapshot
from apps.core.publishing.outcomes import Outcomes
from apps.core.publishing.registry import Problem
from apps.core.publishing.services import (
    change_rollout,
    head_of,
    promote_rollout,
    publish,
    rollback,
    start_rollout,
    stop_failing_rollouts,
    stop_rollout,
    withdraw,
)
from tests.core.builders import make_toy

EVERYBODY = [Person(id=str(n), roles=frozenset({"member"})) for n in range(400)]
TESTER = Person(id="t", roles=frozenset({"tester"}))


def served(person: Person = NOBODY) -> int:
    """The version `person` gets, as a process that starts now reads it; 0 for none."""
    try:
        return ConfigReader().get("toy", "bear", person)[0]
    except NotReleased:
        return 0


def log() -> list[tuple[str, int, int, int]]:
    rows = Release.objects.order_by("revision")
    return [(r.action, r.from_version, r.to_version, r.candidate_version) for r in rows]


@pytest.fixture
def kind(db):
    """Version 1 is live, and the draft differs."""
    kind = make_toy(colour="brown")
    publish("toy", "bear", by=None)
    kind.drafts["bear"] = {"colour": "white"}
    return kind


def test_start__half__serves_half_of_the_people_and_nobody_anonymous(kind, operator):
    start_rollout("toy", "bear", by=operator, percent=50, note="careful")

    reader = ConfigReader()
    got = [reader.get("toy", "bear", person)[0] for person in EVERYBODY]
    assert 150 < got.count(2) < 250
    assert got.count(1) + got.count(2) == 400
    assert reader.get("toy", "bear") == (1, {"colour": "brown"})
    assert log()[-1] == ("rollout_start", 1, 1, 2)
    assert Release.objects.first().details == {"percent": 50, "roles": [], "margin": 10}


def test_start__by_role__serves_only_that_role(kind):
    start_rollout("toy", "bear", by=None, percent=0, roles=["tester"])

    reader = ConfigReader()
    assert reader.get("toy", "bear", TESTER) == (2, {"colour": "white"})
    assert {reader.get("toy", "bear", person)[0] for person in EVERYBODY} == {1}
    assert reader.candidates_for("toy", TESTER) == {"bear"}
    assert reader.candidates_for("toy", EVERYBODY[0]) == frozenset()


def test_start__nothing_live_yet__only_its_people_see_it(db):
    make_toy(colour="brown")

    start_rollout("toy", "bear", by=None, percent=0, roles=["tester"])

    assert (served(TESTER), served()) == (1, 0)
    assert (head_of("toy", "bear").version, log()) == (0, [("rollout_start", 0, 0, 1)])


@pytest.mark.parametrize(
    "options",
    [{"percent": 0}, {"percent": 101}, {"percent": -1}, {"percent": 5, "margin": 101}, {"percent": 5, "margin": -1}],
)
def test_start__figures_out_of_range__changes_nothing(kind, options):
    with pytest.raises(InvalidRequest):
        start_rollout("toy", "bear", by=None, **options)

    assert (Snapshot.objects.count(), len(log())) == (1, 1)


def test_start__refusals__change_nothing(kind):
    kind.problems = [Problem("E_GONE", "/colour", "Gone.", "break")]
    with pytest.raises(BreakUnconfirmed):
        start_rollout("toy", "bear", by=None, percent=5)
    kind.problems = []
    with pytest.raises(PublishConflict):
        start_rollout("toy", "bear", by=None, percent=5, expected_live=7)
    kind.drafts["bear"] = {"colour": "white", "needs_approval": True}
    with pytest.raises(ApprovalNeeded):
        start_rollout("toy", "bear", by=None, percent=5)
    kind.drafts["bear"] = {"colour": "brown"}
    with pytest.raises(NothingChanged):
        start_rollout("toy", "bear", by=None, percent=5)

    assert (Snapshot.objects.count(), len(log())) == (1, 1)


def test_start__one_is_running__is_refused_and_so_is_publishing(kind):
    start_rollout("toy", "bear", by=None, percent=5)
    kind.drafts["bear"] = {"colour": "black"}

    with pytest.raises(RolloutRunning):
        start_rollout("toy", "bear", by=None, percent=5)
    with pytest.raises(RolloutRunning):
        publish("toy", "bear", by=None)

    assert (Snapshot.objects.count(), len(log())) == (2, 2)


def test_change__larger_share__keeps_those_who_had_it(kind):
    start_rollout("toy", "bear", by=None, percent=20, margin=None)
    before = {p.id for p in EVERYBODY if ConfigReader().get("toy", "bear", p)[0] == 2}

    head = change_rollout("toy", "bear", by=None, percent=60)

    after = {p.id for p in EVERYBODY if ConfigReader().get("toy", "bear", p)[0] == 2}
    assert before < after
    assert (head.rollout_margin, log()[-1]) == (None, ("rollout_change", 1, 1, 2))


def test_promote__running__is_for_everybody_as_the_same_version(kind, operator):
    start_rollout("toy", "bear", by=None, percent=5)

    promote_rollout("toy", "bear", by=operator, note="good")

    assert {served(), served(TESTER), served(EVERYBODY[3])} == {2}
    head = head_of("toy", "bear")
    assert (head.version, head.candidate, head.rollout_percent, head.rollout_started_at) == (2, None, 0, None)
    assert log()[-1] == ("promote", 1, 2, 2)


def test_promote__another_candidate_than_was_looked_at__is_refused(kind):
    start_rollout("toy", "bear", by=None, percent=5)

    with pytest.raises(PublishConflict):
        promote_rollout("toy", "bear", by=None, candidate=7)

    assert (head_of("toy", "bear").version, log()[-1][0]) == (1, "rollout_start")


def test_stop__running__everybody_is_back_and_the_version_cannot_be_rolled_back_to(kind):
    start_rollout("toy", "bear", by=None, percent=100)

    stop_rollout("toy", "bear", by=None)

    assert {served(), served(EVERYBODY[0])} == {1}
    with pytest.raises(NeverLive):
        rollback("toy", "bear", to_version=2, by=None)
    assert log()[-1] == ("rollout_stop", 1, 1, 2)


@pytest.mark.parametrize("act", [promote_rollout, stop_rollout])
def test_end__none_is_running__is_refused(kind, act):
    with pytest.raises(NoRollout):
        act("toy", "bear", by=None)
    with pytest.raises(NoRollout):
        change_rollout("toy", "bear", by=None, percent=5)

    assert len(log()) == 1


def test_rollback__while_one_is_running__ends_it(kind):
    publish("toy", "bear", by=None)
    kind.drafts["bear"] = {"colour": "black"}
    start_rollout("toy", "bear", by=None, percent=100)

    rollback("toy", "bear", to_version=1, by=None, note="no")

    assert {served(), served(EVERYBODY[0])} == {4}
    assert head_of("toy", "bear").candidate is None


def test_withdraw__live__nobody_gets_anything_until_it_is_published_again(kind):
    withdraw("toy", "bear", by=None, note="broken")

    assert (served(), log()[-1]) == (0, ("withdraw", 1, 0, 0))
    with pytest.raises(NothingLive):
        withdraw("toy", "bear", by=None)
    assert publish("toy", "bear", by=None).version == 2
    assert served() == 2


def test_withdraw__then_roll_back__brings_it_back(kind):
    withdraw("toy", "bear", by=None)

    restored = rollback("toy", "bear", to_version=1, by=None)

    assert (restored.version, restored.payload, served()) == (2, {"colour": "brown"}, 2)


@pytest.mark.parametrize(
    ("new", "old", "stopped"),
    [
        (Outcomes(9, 9), Outcomes(100, 0), False),  # too few to tell
        (Outcomes(10, 1), Outcomes(100, 0), False),  # at the margin
        (Outcomes(10, 2), Outcomes(100, 0), True),
        (Outcomes(100, 30), Outcomes(100, 25), False),  # both are ill
        (Outcomes(100, 40), Outcomes(100, 25), True),
        (Outcomes(10, 2), Outcomes(0, 0), True),
    ],
)
def test_watch__candidate_fails_more__stops_by_itself(kind, monkeypatch, new, old, stopped):
    start_rollout("toy", "bear", by=None, percent=50, margin=10)
    monkeypatch.setitem(outcomes._counters, "toy", lambda key, versions, since: {2: new, 1: old})

    assert stop_failing_rollouts() == int(stopped)
    assert stop_failing_rollouts() == 0 or not stopped

    assert (head_of("toy", "bear").candidate is None) is stopped
    if stopped:
        told = Release.objects.first()
        assert (told.action, told.by) == ("auto_stop", None)
        assert told.note == f"{new.failed} of {new.finished} runs failed, against {old.failed} of {old.finished}"


def test_watch__another_candidate_began_meanwhile__is_left_alone(kind, monkeypatch):
    start_rollout("toy", "bear", by=None, percent=50)

    def counted(key, versions, since):  # type: ignore[no-untyped-def]
        stop_rollout("toy", "bear", by=None)
        kind.drafts["bear"] = {"colour": "black"}
        start_rollout("toy", "bear", by=None, percent=50)
        return {2: Outcomes(10, 10)}

    monkeypatch.setitem(outcomes._counters, "toy", counted)

    assert stop_failing_rollouts() == 0
    assert head_of("toy", "bear").candidate.version == 3


def test_watch__without_a_margin__never_stops(kind, monkeypatch):
    start_rollout("toy", "bear", by=None, percent=50, margin=None)
    monkeypatch.setitem(outcomes._counters, "toy", lambda key, versions, since: {2: Outcomes(99, 99)})

    assert stop_failing_rollouts() == 0
    assert Head.objects.get().candidate is not None


@given(st.integers(1, 10_000), st.text(min_size=1, max_size=20), st.integers(0, 100), st.integers(0, 100))
def test_candidate__share_grows__nobody_loses_it(version, person_id, small, large):
    small, large = sorted((small, large))
    person = Person(id=person_id)

    has = [Candidate(version, "", percent).is_for("toy", "bear", person) for percent in (small, large)]

    assert has != [True, False]
    assert not Candidate(version, "", 0).is_for("toy", "bear", person)
    assert Candidate(version, "", 100).is_for("toy", "bear", person)
    assert 0 <= bucket_of("toy", "bear", version, person_id) < 10_000


def test_bucket__another_version__asks_other_people():
    first = {n for n in range(1000) if bucket_of("toy", "bear", 1, str(n)) < 1000}
    second = {n for n in range(1000) if bucket_of("toy", "bear", 2, str(n)) < 1000}

    assert 60 < len(first) < 140
    assert len(first & second) < 30
