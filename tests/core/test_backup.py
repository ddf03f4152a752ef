"""The local backup, and what is refused: damaged rows, damaged files, payloads nobody can read."""

import hashlib
import json
import os
from pathlib import Path

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from structlog.testing import capture_logs

from apps.core import redis
from apps.core.config import NotReleased, SnapshotRefused, backup
from apps.core.config import reader as shared
from apps.core.config.heads import HeadState
from apps.core.config.invalidation import redis_key
from apps.core.config.payloads import Payloads
from apps.core.config.reader import ConfigReader
from apps.core.errors import DependencyDown
from apps.core.publishing.canonical import sha256_of
from apps.core.publishing.models import Snapshot
from apps.core.publishing.services import publish, release, start_rollout, withdraw
from tests.conftest import look_at_the_table
from tests.core.builders import make_toy


def put(key: str = "bear", **payload: object) -> None:
    release("toy", key, dict(payload), by=None)


def index_file() -> Path:
    return Path(settings.CONFIG_BACKUP_DIR) / "index.json"


def payload_files() -> list[Path]:
    return sorted((Path(settings.CONFIG_BACKUP_DIR) / "payloads").iterdir())


def current() -> ConfigReader:
    """A process that has just loaded what is live."""
    reader = ConfigReader()
    reader.resync()
    return reader


@pytest.fixture
def no_database():
    def refuse(*_args: object) -> None:
        raise OperationalError("gone")

    def stop() -> None:
        context.__enter__()

    context = connection.execute_wrapper(refuse)
    yield stop
    context.__exit__(None, None, None)


@pytest.fixture
def backed_up(db):
    """Two things are live and backed up; Redis has forgotten them."""
    put("bear", n=1)
    put("duck", n=2)
    assert current().back_up()
    redis.client().flushdb()


def test_start__database_down__goes_on_from_the_backup(backed_up, no_database):
    no_database()
    reader = ConfigReader()

    assert reader.all("toy") == {"bear": (1, {"n": 1}), "duck": (1, {"n": 2})}
    assert (reader.source, reader.revision) == ("backup", 2)
    with pytest.raises(NotReleased):
        reader.get("toy", "goat")


def test_start__database_and_redis_down__goes_on_from_the_backup(backed_up, no_database, no_redis):
    no_database()

    assert ConfigReader().get("toy", "duck") == (1, {"n": 2})


def test_age__from_the_backup__is_since_it_was_last_confirmed(backed_up, no_database):
    an_hour_ago = index_file().stat().st_mtime - 3600
    os.utime(index_file(), (an_hour_ago, an_hour_ago))
    no_database()
    reader = ConfigReader()
    reader.get("toy", "bear")

    assert 3600 <= reader.age() < 3700


def test_look__unchanged__confirms_the_backup(db, monkeypatch):
    put(n=1)
    monkeypatch.setattr("apps.core.config.subscriber.close_old_connections", lambda: None)
    look_at_the_table()
    os.utime(index_file(), (1, 1))

    look_at_the_table()

    assert index_file().stat().st_mtime > 1_000_000
    assert (shared.source, shared.age() < 60) == ("table", True)


def test_look__database_is_back__takes_over_from_the_backup(backed_up, monkeypatch):
    monkeypatch.setattr("apps.core.config.subscriber.close_old_connections", lambda: None)
    assert shared.resync_from_backup()
    assert shared.source == "backup"

    look_at_the_table()

    assert (shared.source, shared.revision) == ("table", 2)


def test_look__table_went_back__is_believed_the_second_time(db, monkeypatch):
    monkeypatch.setattr("apps.core.config.subscriber.close_old_connections", lambda: None)
    monkeypatch.setattr("apps.core.config.subscriber._lower", 0)
    put(n=1)
    look_at_the_table()
    from apps.core.config.invalidation import Invalidation

    shared.apply(Invalidation("toy", "bear", HeadState(9, "?", 9), 0.0))

    look_at_the_table()
    assert shared.revision == 9
    look_at_the_table()

    assert (shared.revision, shared.get("toy", "bear")) == (1, (1, {"n": 1}))


@pytest.mark.parametrize(
    "damage", ["", "{}", "[]", '{"sha256": "x", "content": {"format": 1}}', "\x00\xff", "{" * 99_999]
)
def test_read__damaged_index__is_refused_with_an_alarm(backed_up, no_database, damage):
    index_file().write_text(damage)
    no_database()

    with capture_logs() as logs, pytest.raises(DependencyDown):
        ConfigReader().get("toy", "bear")

    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["config.backup_refused"]


def test_read__index_changed_by_hand__is_refused(backed_up):
    document = json.loads(index_file().read_text())
    document["content"]["revision"] = 99
    index_file().write_text(json.dumps(document))

    assert backup.read() is None


def test_read__index_of_50_megabytes__is_refused_unread(backed_up):
    with index_file().open("a") as file:
        file.truncate(50 * 1024 * 1024)

    assert backup.read() is None


def test_read__one_payload_damaged__only_that_one_is_away(backed_up, no_database):
    address = Path(settings.CONFIG_BACKUP_DIR) / "payloads" / f"{sha256_of({'n': 1})}.json"
    address.write_text('{"n": 7}')
    no_database()
    reader = ConfigReader()

    with pytest.raises(DependencyDown):
        reader.get("toy", "bear")
    assert reader.get("toy", "duck") == (1, {"n": 2})


@pytest.mark.parametrize("name", ["../../etc/passwd", "a" * 63, "", "A/" + "b" * 62])
def test_body__no_hash__is_none(backed_up, name):
    assert backup.body_of(name) is None


def test_write__candidate__is_kept_too(db, no_database):
    kind = make_toy(n=1)
    publish("toy", "bear", by=None)
    kind.drafts["bear"] = {"n": 2}
    start_rollout("toy", "bear", by=None, percent=100)
    assert current().back_up()
    redis.client().flushdb()
    no_database()

    from apps.core.config import Person

    assert ConfigReader().get("toy", "bear", Person(id="1")) == (2, {"n": 2})


def test_write__withdrawn__is_not_brought_back_by_the_backup(backed_up, no_database):
    withdraw("toy", "bear", by=None)
    assert current().back_up()
    no_database()

    assert list(ConfigReader().all("toy")) == ["duck"]


def test_write__older_than_what_is_there__leaves_it(backed_up):
    before = index_file().read_bytes()

    assert backup.write({}, 1, body=lambda *_: None)

    assert index_file().read_bytes() == before


def test_write__folder_cannot_be_written__is_told_and_nothing_breaks(db, monkeypatch, tmp_path):
    put(n=1)
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(settings, "CONFIG_BACKUP_DIR", tmp_path / "file" / "config")

    with capture_logs() as logs:
        assert not current().back_up()

    assert [entry["event"] for entry in logs][-1] == "config.backup_failed"


def test_write__unused_payloads__go_after_a_day(backed_up):
    old = payload_files()
    put("bear", n=3)
    put("duck", n=4)
    assert current().back_up()
    assert len(payload_files()) == 4
    for path in old:
        os.utime(path, (1, 1))
    put("bear", n=5)

    assert current().back_up()

    assert not any(path.exists() for path in old)


def test_write__files__are_for_their_owner_only(backed_up):
    assert {oct(path.stat().st_mode & 0o777) for path in [index_file(), *payload_files()]} == {"0o600"}


# --- what is refused ----------------------------------------------------------------------------


def poison(body: str, *, sha256: str = "") -> None:
    """Overwrite the newest version of the bear in the table, as a broken tool might."""
    newest = Snapshot.objects.filter(key="bear").order_by("-version").values_list("pk", flat=True)[0]
    digest = sha256 or hashlib.sha256(body.encode()).hexdigest()
    Snapshot.objects.filter(pk=newest).update(body=body, sha256=digest)
    redis.client().flushdb()


POISONS = {
    "checksum": ('{"n": 2}', "0" * 64),
    "not json": ("{broken", ""),
    "not an object": ("[1, 2]", ""),
    "empty": ("", ""),
    "cannot be read": ('{"poison": true}', ""),
    # MariaDB takes no statement over 16 MB as it comes; both are more than a process would hold.
    "50 MB": ('{"n": "' + "x" * ((10 if connection.vendor == "mysql" else 50) * 1024 * 1024) + '"}', ""),
}


@pytest.fixture
def picky(db, monkeypatch):
    """A kind that cannot read some payloads, with version 1 served by a process."""
    kind = make_toy(n=1)

    def load(payload):  # type: ignore[no-untyped-def]
        if "poison" in payload:
            raise ValueError("unknown node type “x”")
        return payload

    monkeypatch.setattr(kind, "load", load)
    return kind


@pytest.mark.parametrize("case", POISONS)
def test_get__poisoned_release__last_good_stays_and_an_alarm_is_raised(picky, case):
    put(n=1)
    reader = current()
    assert reader.get("toy", "bear") == (1, {"n": 1})
    put(n=2)
    body, sha256 = POISONS[case]
    poison(body, sha256=sha256)

    with capture_logs() as logs:
        reader.resync()
        answers = [reader.get("toy", "bear") for _ in range(3)]

    assert answers == [(1, {"n": 1})] * 3
    assert [e["event"] for e in logs if e["log_level"] == "error"] == ["config.snapshot_refused"]
    assert (list(reader.refused), reader.metrics.refused) == (["toy/bear v2"], 1)


def test_get__poisoned_release_in_a_new_process__the_machines_backup_answers(picky, db):
    put(n=1)
    assert current().back_up()
    put(n=2)
    poison("{broken")
    reader = ConfigReader()

    assert reader.get("toy", "bear") == (1, {"n": 1})
    assert reader.back_up()
    assert backup.read().heads["toy", "bear"].version == 1, "the bad one is not taken over"


def test_get__row_damaged_but_backed_up__heals_itself(picky, db):
    put(n=1)
    assert current().back_up()
    poison("{broken", sha256=Snapshot.objects.get().sha256)

    assert ConfigReader().get("toy", "bear") == (1, {"n": 1})


def test_get__poisoned_and_nothing_good_known__is_refused_and_the_others_go_on(picky, db):
    put("duck", n=1)
    put(n=2)
    poison("{broken")
    reader = ConfigReader()

    with pytest.raises(SnapshotRefused) as refused:
        reader.get("toy", "bear")

    assert (refused.value.status, refused.value.code) == (503, "CORE_5004")
    assert reader.all("toy") == {"duck": (1, {"n": 1})}


def test_get__rubbish_in_redis__is_passed_over(picky, db):
    put(n=1)
    redis.client().set(redis_key("toy", "bear", 1), '{"n": 666}')

    assert ConfigReader().get("toy", "bear") == (1, {"n": 1})


def test_get__poison_was_mended__is_served_after_half_a_minute(picky, db, monkeypatch):
    put(n=1)
    reader = current()
    reader.get("toy", "bear")
    put(n=2)
    good = Snapshot.objects.get(version=2)
    poison("{broken", sha256=good.sha256)
    reader.resync()
    assert reader.get("toy", "bear")[0] == 1
    Snapshot.objects.filter(version=2).update(body=good.body)
    assert reader.get("toy", "bear")[0] == 1

    monkeypatch.setitem(Payloads._raise_if_null.__globals__, "time", _Later())

    assert reader.get("toy", "bear") == (2, {"n": 2})


class _Later:
    """A clock half a minute ahead."""

    @staticmethod
    def monotonic() -> float:
        import time

        return time.monotonic() + 31


def test_publish__larger_than_any_process_would_hold__is_refused(operator):
    from apps.core.publishing.errors import PublishRefused

    make_toy(text="x" * (9 * 1024 * 1024))

    with pytest.raises(PublishRefused) as refused:
        publish("toy", "bear", by=operator)

    assert (refused.value.details["problems"][0]["code"], Snapshot.objects.count()) == ("E_TOO_LARGE", 0)
