"""Redis stops, the database stops, both stop: what is live goes on being read, writes are refused, nobody has to help.

`PAIBAN_OUTAGE_SECONDS` is how long each outage lasts.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.fleet import wait_until
from tests.faults.site import PASSWORD, Load, Site

SECONDS = float(os.environ.get("PAIBAN_OUTAGE_SECONDS", "3"))
PUBLISH = "/api/v1/admin/features/publish"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"))
    yield site
    site.close()


@pytest.fixture(scope="module")
def web(site: Site) -> str:
    address = site.start_web()
    wait_until((site.folder / "data" / "config" / "index.json").exists, seconds=20, what="the backup exists")
    wait_until(lambda: state(address)["status"] == "ok", seconds=20, what="all is well")
    return address


@pytest.fixture(scope="module")
def headers(web: str) -> dict[str, str]:
    given = {"username": "operator", "password": PASSWORD}
    token = httpx.post(f"{web}/api/v1/auth/login", json=given).json()["access"]
    return {"Authorization": f"Bearer {token}"}


def state(address: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{address}/health", timeout=30).json()
    return found


def publish(address: str, headers: dict[str, str], note: str) -> httpx.Response:
    """Give the copywriter another title and release it."""
    path = f"{address}/api/v1/admin/features/copywriter"
    tag = httpx.get(path, headers=headers, timeout=60).headers.get("ETag", "")
    changed = httpx.patch(path, headers=headers | {"If-Match": tag}, json={"title": note}, timeout=60)
    if changed.status_code != 200:
        return changed
    return httpx.post(address + PUBLISH, headers=headers, json={"key": "copywriter"}, timeout=60)


def shown(address: str) -> str:
    items = httpx.get(f"{address}/api/v1/ui/features", timeout=30).json()["items"]
    return next(item["title"] for item in items if item["key"] == "copywriter")


def outage(
    web: str, stop: Callable[[], None], start: Callable[[], None], during: Callable[[], None]
) -> tuple[Load, float]:
    """Reads before, during and after; how long the recovery took."""
    with Load(web) as load:
        time.sleep(0.5)
        stop()
        ends = time.monotonic() + SECONDS
        during()
        time.sleep(max(0.0, ends - time.monotonic()))
        start()
        recovery = wait_until(lambda: state(web)["status"] == "ok", seconds=60, what="health is ok again")
    return load, recovery


def told(name: str, load: Load, recovery: float) -> None:
    count = sum(load.answers.values())
    print(f"{name}: {count} reads, failed {len(load.failures)}, slowest {load.slowest * 1000:.0f} ms, ")
    print(f"recovered {recovery:.1f} s after it was back")


def test_redis_stops__reads_and_releases_go_on(site, web, headers):
    def during() -> None:
        wait_until(lambda: state(web)["status"] == "degraded", seconds=10, what="health says so")
        assert publish(web, headers, "Without Redis").status_code == 200
        assert shown(web) == "Without Redis"

    load, recovery = outage(web, site.stop_redis, site.start_redis, during)

    told("Redis stopped", load, recovery)
    assert load.failures == []
    assert set(load.answers) == {200}


def test_database_stops__reads_go_on_and_writes_are_refused(site, web, headers):
    before = shown(web)

    def during() -> None:
        refused = publish(web, headers, "Without a database")
        assert (refused.status_code, refused.json()["code"]) == (503, "CORE_5001")
        wait_until(lambda: not state(web)["deps"]["db"]["ok"], seconds=10, what="health says so")
        assert shown(web) == before

    load, recovery = outage(web, site.database.stop, site.database.start, during)

    told("database stopped", load, recovery)
    assert load.failures == []
    assert publish(web, headers, "Database is back").status_code == 200
    assert shown(web) == "Database is back"


def backed_up(site: Site) -> int:
    """The revision that the local backup holds."""
    document = json.loads((site.folder / "data" / "config" / "index.json").read_text())
    return int(document["content"]["revision"])


def test_both_stop__a_new_process_starts_from_the_backup(site, web, headers):
    before = shown(web)
    current = state(web)["config"]["revision"]
    wait_until(lambda: backed_up(site) == current, seconds=10, what="the backup holds the last release")
    other: list[str] = []

    def stop() -> None:
        site.stop_redis()
        site.database.stop()

    def start() -> None:
        site.start_redis()
        site.database.start()

    def during() -> None:
        other.append(site.start_web())
        assert shown(other[0]) == before
        health = state(other[0])
        assert (health["status"], health["config"]["source"]) == ("degraded", "backup")

    load, recovery = outage(web, stop, start, during)

    told("both stopped", load, recovery)
    assert load.failures == []
    seconds = wait_until(lambda: state(other[0])["status"] == "ok", seconds=30, what="the new process recovers")
    print(f"the process that started without both recovered {seconds:.1f} s later")
    assert publish(web, headers, "Both are back").status_code == 200
    wait_until(lambda: shown(other[0]) == "Both are back", seconds=10, what="the new process serves the new release")


def test_backup_folder__belongs_to_its_owner(site, web):
    folder = Path(site.folder / "data" / "config")

    assert {oct(path.stat().st_mode & 0o777) for path in folder.rglob("*.json")} == {"0o600"}
