"""Probes tell the truth: alive is not the same as able to work."""

import pytest
from django.db import OperationalError, connection

from tests.conftest import Api


@pytest.mark.parametrize("address", ["/health", "/healthz", "/readyz"])
def test_probe__all_well__is_ok(db, address):
    answer = Api().get(address)

    body = answer.json()
    assert (answer.status_code, body["status"]) == (200, "ok")
    assert {name: dep["ok"] for name, dep in body["deps"].items()} == {"db": True, "redis": True}
    assert body["deps"]["db"]["latency"] >= 0
    assert (body["version"], body["configRevision"]) == ("0.1.0", 0)


@pytest.mark.parametrize(
    ("address", "status", "deps"),
    [
        ("/health", 200, {"db": True, "redis": False}),
        ("/readyz", 503, {"db": True, "redis": False}),
        ("/health/db", 200, {"db": True}),
        ("/health/redis", 200, {"redis": False}),
    ],
)
def test_probe__redis_down__says_so(db, no_redis, address, status, deps):
    answer = Api().get(address)

    assert answer.status_code == status
    assert {name: dep["ok"] for name, dep in answer.json()["deps"].items()} == deps
    assert answer.json()["status"] == ("ok" if all(deps.values()) else "degraded")


def test_probe__database_down__says_so(db):
    def refuse(*_args: object) -> None:
        raise OperationalError("gone")

    with connection.execute_wrapper(refuse):
        alive, ready = Api().get("/health"), Api().get("/readyz")

    assert (alive.status_code, ready.status_code) == (200, 503)
    assert alive.json()["deps"]["db"] == {"ok": False, "error": "OperationalError"}
    assert "gone" not in alive.text


def test_probe__redis_down__leaves_configuration_readable(db, no_redis):
    assert Api().get("/api/v1/ui/menus").json() == {"revision": 0, "groups": []}


def test_version__anybody__is_told(db):
    assert Api().get("/version").json() == {"version": "0.1.0"}
