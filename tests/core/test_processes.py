"""Who lives, what each serves, and whether a change has reached all of them."""

import json

import pytest

from apps.core import redis
from apps.core.config import processes
from apps.core.config.processes import live_processes, report, retract, wait_until_propagated
from apps.core.config.reader import ConfigReader
from apps.core.publishing.services import release


def say(name: str, revision: int, *, role: str = "web") -> None:
    """As another process would."""
    told = {
        "id": name, "role": role, "host": "h", "pid": 1, "started_at": 0.0, "said_at": 0.0,
        "revision": revision, "age": 0.0, "source": "table", "refused": {}, "metrics": {},
    }  # fmt: skip
    redis.client().set(redis.key(f"cfg:process:{name}"), json.dumps(told), ex=15)
    redis.client().zadd(redis.key("cfg:processes"), {name: 1e10})


def test_report__this_process__says_what_it_serves(db):
    release("toy", "bear", {"n": 1}, by=None)
    reader = ConfigReader()
    reader.get("toy", "bear")
    reader.get("toy", "bear")

    report(reader)

    [told] = live_processes()
    assert (told.id, told.revision, told.source, told.refused) == (processes.identity(), 1, "table", {})
    assert told.metrics["layers"] == {"memory": 1, "redis": 0, "table": 1, "backup": 0}
    assert told.metrics["hitRatio"] == 0.5
    assert 0 < redis.client().ttl(redis.key(f"cfg:process:{told.id}")) <= 15


def test_retract__at_the_end__is_gone_at_once(db):
    report(ConfigReader())
    retract()

    assert live_processes() == []


def test_live__process_that_stopped_talking__is_not_listed(db):
    say("gone", 1)
    redis.client().delete(redis.key("cfg:process:gone"))

    assert live_processes() == []


def test_wait__all_there__is_complete_at_once(db):
    say("a", 5)
    say("b", 7, role="worker")
    say("c", 1, role="command")

    told = wait_until_propagated(5, timeout=0)

    assert (told.complete, told.processes, told.behind) == (True, 2, [])


def test_wait__one_stays_behind__is_named(db):
    say("a", 5)
    say("b", 4)

    told = wait_until_propagated(5, timeout=0.03)

    assert (told.complete, told.processes, told.behind) == (False, 2, ["b"])


def test_wait__redis_down__says_that_nobody_can_tell(no_redis):
    told = wait_until_propagated(5, timeout=5)

    assert (told.complete, told.processes, told.behind) == (False, 0, ["redis"])


def test_report__redis_down__fails_nothing(no_redis):
    report(ConfigReader())
    retract()


@pytest.mark.parametrize(
    ("argv", "role"),
    [
        (["/x/bin/uvicorn", "config.asgi:application"], "web"),
        (["/x/uvicorn/__main__.py"], "web"),
        (["/x/bin/celery", "-A", "config", "worker"], "worker"),
        (["/x/bin/celery", "-A", "config", "beat"], "beat"),
        (["manage.py", "dispatcher"], "dispatcher"),
        (["manage.py", "runserver"], "web"),
        (["manage.py", "publish_feature"], "command"),
        (["bench.py"], "server"),
    ],
)
def test_role__by_how_it_was_started(monkeypatch, argv, role):
    monkeypatch.setattr("sys.argv", argv)

    assert processes.role() == role
