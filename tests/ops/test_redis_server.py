"""A real server, and nothing left of it."""

import subprocess
import sys
from pathlib import Path

import pytest
import redis

from ops import redis_server
from ops.processes import port_is_free
from ops.redis_server import RedisUnavailableError, start_redis
from ops.workspace import ROOT


def test_start_redis__fresh_folder__answers_and_stops(tmp_path: Path) -> None:
    with start_redis(tmp_path / "redis") as running:
        client = redis.Redis.from_url(running.url)
        assert client.set("a", "1")
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
        assert client.config_get("appendonly")["appendonly"] == "yes"
        client.close()

    assert running.process.returncode is not None
    assert port_is_free("127.0.0.1", running.port)
    running.stop()


def test_start_redis__same_folder_again__kept_what_was_written(tmp_path: Path) -> None:
    for expected in (None, b"kept"):
        with start_redis(tmp_path) as running, redis.Redis.from_url(running.url) as client:
            assert client.get("a") == expected
            client.set("a", "kept")


def test_start_redis__port_taken__says_which_and_why(tmp_path: Path) -> None:
    with start_redis(tmp_path / "one") as running:
        with pytest.raises(RedisUnavailableError, match=rf"port {running.port}[\s\S]*in use"):
            start_redis(tmp_path / "two", running.port)

        assert running.process.poll() is None


def test_find_server__old_server_on_path__is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "redis-server"
    old.write_text("#!/bin/sh\necho 'Redis server v=5.0.14 sha=0'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert redis_server.find_server() != str(old)


def test_start_redis__starter_killed__server_dies_too(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from ops.redis_server import start_redis\n"
        f"print(start_redis(Path({str(tmp_path)!r})).port, flush=True); time.sleep(60)"
    )
    starter = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    port = int(starter.stdout.readline())
    assert redis_server.wait_for_ping(port)

    starter.kill()
    starter.wait()
    starter.stdout.close()

    assert not redis_server.wait_for_ping(port, timeout=0.5)
