"""Several processes, one truth: nobody steps back, nobody stays behind, and what was not touched is not loaded again.

`PAIBAN_CONSISTENCY_PROCESSES` is how many processes read (at least 4).
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import close_old_connections

from apps.core import redis
from apps.core.config.heads import HeadState
from apps.core.config.invalidation import CHANNEL, Invalidation
from apps.core.config.processes import live_processes, wait_until_propagated
from apps.core.publishing.errors import PublishConflict
from apps.core.publishing.models import Head, Release, Revision, Snapshot
from apps.core.publishing.services import release
from apps.features.models import Feature
from apps.features.services import publish_feature
from tests.conftest import Api
from tests.faults.fleet import seeded_random, wait_until
from tests.faults.witness import Update
from tests.faults.witnesses import PROCESSES, SECONDS, Witnesses, failures, stale_reads
from tests.features.builders import make_feature

pytestmark = pytest.mark.django_db(transaction=True)

SCOPE = "toy"
OTHERS = [f"other{number}" for number in range(10)]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[Witnesses]:
    """Started once: a process needs seconds until it has imported everything."""
    fleet = Witnesses(tmp_path_factory.mktemp("witnesses"))
    yield fleet
    fleet.stop()


@pytest.fixture
def witnesses(fleet: Witnesses, transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Witnesses]:
    """They read `bear`, `duck` and ten others, all at version 1 now."""
    monkeypatch.setenv("PAIBAN_PROCESS", "command")  # nobody waits for the process of the tests
    for key in ("bear", "duck", *OTHERS):
        put(key)
    fleet.begin(SCOPE, ["bear", "duck", *OTHERS])
    yield fleet
    fleet.rest()


@contextmanager
def bell_held() -> Iterator[list[Invalidation]]:
    """Releases leave their news here; what is not sent is lost."""
    kept: list[Invalidation] = []

    def keep(*, scope: str, key: str, state: HeadState, bodies: dict[int, str]) -> None:
        kept.append(Invalidation(scope, key, state, time.time()))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("apps.core.publishing.services.heads.broadcast", keep)
        yield kept


def put(key: str) -> int:
    """Release the next version; its content says its number."""
    number = Snapshot.objects.filter(scope=SCOPE, key=key).count() + 1
    return release(SCOPE, key, {"n": number}, by=None).version


def send(*messages: Invalidation) -> None:
    for message in messages:
        redis.client().publish(redis.key(CHANNEL), message.as_json())


def live(*keys: str) -> dict[str, tuple[int, Any]]:
    """What the table says is live: version and content by key."""
    rows = Head.objects.filter(scope=SCOPE, key__in=keys or ["bear", "duck", *OTHERS]).select_related("snapshot")
    return {head.key: (head.version, head.snapshot.payload) for head in rows if head.snapshot}


def propagated_at(revision: int) -> float:
    """When every process was told to serve it."""
    told = wait_until_propagated(revision, timeout=SECONDS)
    assert told.complete, told
    return time.monotonic()


@contextmanager
def publishing(key: str) -> Iterator[None]:
    """One release after another in the background."""
    stopping = threading.Event()

    def work() -> None:
        try:
            while not stopping.wait(0.005):
                put(key)
        finally:
            close_old_connections()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def reads_of(witnesses: Witnesses) -> dict[int, int]:
    return {report.pid: report.reads for report in witnesses.reports()}


def test_publish__at_high_frequency__nobody_serves_anything_older(witnesses):
    witnesses.wait_for(live())
    propagated: dict[int, float] = {}
    first = Revision.objects.get().value

    for number in range(1, 121):
        version = put("bear")
        if number % 10 == 0:
            propagated[version] = propagated_at(first + number)

    reports = witnesses.reports()
    assert {report.pid for report in reports} <= {process.pid for process in live_processes() if process.lasting}
    assert [report.now for report in reports] == [live()] * PROCESSES
    assert live("bear") == {"bear": (121, {"n": 121})}
    assert failures(reports) == []
    assert len(propagated) == 12
    assert stale_reads(reports, "bear", propagated) == []
    assert [report.loaded_again - {"bear"} for report in reports] == [set()] * PROCESSES


def test_kill__in_mid_publishing__the_others_serve_on_and_the_new_ones_converge(witnesses):
    witnesses.wait_for(live())

    with publishing("bear"):
        for _number in range(PROCESSES):
            witnesses.kill_one()
            before = reads_of(witnesses)
            witnesses.start_one()
            wait_until_newer(witnesses)
            after = reads_of(witnesses)
            assert (len(before), len(after)) == (PROCESSES - 1, PROCESSES)
            assert all(after[pid] > count for pid, count in before.items())
    witnesses.wait_for(live())

    assert failures(witnesses.reports()) == []


def wait_until_newer(witnesses: Witnesses) -> None:
    """Until every process serves something newer than what is live now, without a pause in the publishing."""
    reached = live("bear")["bear"][0]

    def newer() -> bool:
        return all(report.now["bear"][0] > reached for report in witnesses.reports())

    wait_until(newer, seconds=SECONDS, what="every process goes on")


def test_connections_cut__in_mid_publishing__all_serve_on_and_converge(witnesses):
    witnesses.wait_for(live())

    with publishing("bear"):
        for _number in range(5):
            assert cut_subscribers() >= PROCESSES
            wait_until_newer(witnesses)
    witnesses.wait_for(live())

    assert failures(witnesses.reports()) == []


def cut_subscribers() -> int:
    """How many connections were cut."""
    wait_until(lambda: subscribers() >= PROCESSES, seconds=SECONDS, what="all listen")
    return int(redis.client().client_kill_filter(_type="pubsub"))


def subscribers() -> int:
    return int(redis.client().pubsub_numsub(redis.key(CHANNEL))[0][1])


def hold_still(witnesses: Witnesses) -> None:
    """No process looks at the table by the clock any more."""
    witnesses.still()
    put("duck")
    revision = Revision.objects.get().value

    def looked() -> bool:
        return all(report.looked >= revision for report in witnesses.reports())

    wait_until(looked, seconds=SECONDS, what="the last look by the clock")


def test_connections_cut__news_was_lost_with_them__is_found_without_a_poll(witnesses):
    hold_still(witnesses)
    with bell_held():
        put("bear")

    assert cut_subscribers() >= PROCESSES
    witnesses.wait_for(live())

    assert live("bear") == {"bear": (2, {"n": 2})}
    assert failures(witnesses.reports()) == []


def test_rollback__answered_as_propagated__every_process_serves_the_old_content(witnesses, operator):
    make_feature("greeter", published=True)
    witnesses.begin("feature", ["greeter"])
    _one, old = witnesses.reports()[0].now["greeter"]
    propagated: dict[int, float] = {}

    for number in range(1, 6):
        Feature.objects.filter(key="greeter").update(cost=100 + number)
        newer = publish_feature("greeter", by=None, confirm=True)
        body = {"key": "greeter", "version": 1}
        answer = Api(operator).post("/api/v1/admin/features/rollback?wait=propagated", json=body).json()
        propagated[answer["version"]] = time.monotonic()

        assert (answer["version"], answer["propagation"]["complete"]) == (newer.version + 1, True)
        assert witnesses.serve({"greeter": (answer["version"], old)})

    reports = witnesses.reports()
    assert failures(reports) == []
    assert stale_reads(reports, "greeter", propagated) == []


def test_updates__hundred_at_once__each_version_has_one_winner_and_all_agree(witnesses):
    keys = ["bear", "duck", *OTHERS[:3]]
    first = Revision.objects.get().value
    seen = Head.objects.get(scope=SCOPE, key="bear").revision
    same = [Update("bear", 1000 + number, expected=seen) for number in range(20)]
    mixed = [Update(keys[number % 5], 2000 + number) for number in range(80)]

    one_wins = witnesses.race(SCOPE, same)
    all_win = witnesses.race(SCOPE, mixed)
    witnesses.wait_for(live())

    assert Counter(outcome.error for outcome in one_wins) == {"": 1, PublishConflict.code: 19}
    assert Counter(outcome.error for outcome in all_win) == {"": 80}
    won = {(outcome.key, outcome.version): outcome.n for outcome in one_wins + all_win if outcome.version}
    assert len(won) == 81
    assert_log_is_whole(first, won)
    assert {report.revision for report in witnesses.reports()} == {first + 81}
    assert failures(witnesses.reports()) == []


def assert_log_is_whole(first: int, won: dict[tuple[str, int], int]) -> None:
    """Snapshots are the winners' and nobody else's; the log has each of them once, in order and without a gap."""
    stored = Snapshot.objects.filter(scope=SCOPE, version__gt=1)
    assert {(s.key, s.version): s.payload["n"] for s in stored} == won
    log = list(Release.objects.filter(revision__gt=first).order_by("revision"))
    assert [entry.revision for entry in log] == list(range(first + 1, first + 1 + len(won)))
    assert Counter((entry.key, entry.to_version) for entry in log) == dict.fromkeys(won, 1)
    assert all(entry.to_version == entry.from_version + 1 for entry in log)
    newest = {entry.key: (entry.to_version, entry.revision) for entry in log}
    heads = {head.key: (head.version, head.revision) for head in Head.objects.filter(key__in=newest)}
    assert heads == newest
    assert Revision.objects.get().value == first + len(won)


def test_message__late_or_doubled__moves_nothing(witnesses):
    hold_still(witnesses)
    with bell_held() as news:
        put("bear")
        put("bear")
        put("duck")
    second, third, marker = news
    send(second, third)
    witnesses.wait_for(live("bear"))

    send(second)
    send(third, second)
    send(marker)
    witnesses.wait_for(live("duck"))

    assert live("bear") == {"bear": (3, {"n": 3})}
    assert witnesses.serve(live())
    assert failures(witnesses.reports()) == []


def test_message__lost__is_noticed_by_the_next_one_without_a_poll(witnesses):
    hold_still(witnesses)
    with bell_held() as news:
        put("bear")
        put("duck")

    send(news[-1])
    witnesses.wait_for(live())

    assert live("bear") == {"bear": (2, {"n": 2})}
    assert failures(witnesses.reports()) == []


def test_messages__doubled_reordered_and_dropped__all_converge(witnesses):
    chance = seeded_random()
    with bell_held() as news:
        for _number in range(90):
            put(chance.choice(["bear", "duck", OTHERS[0]]))
            if chance.random() < 0.4:
                send(*chance.choices(news[-12:], k=chance.randrange(1, 9)))
                redis.client().publish(redis.key(CHANNEL), chance.choice(["", "[]", '{"scope": "toy"}', "\x00"]))
    witnesses.wait_for(live())

    reports = witnesses.reports()
    assert failures(reports) == []
    assert {report.revision for report in reports} == {Revision.objects.get().value}
    assert [report.loaded_again & set(OTHERS[1:]) for report in reports] == [set()] * PROCESSES
