"""How the installation is: the processes, the page, the banner, and the page that needs no database."""

import time
from typing import Any

import pytest
from django.db import OperationalError
from django.urls import reverse

from apps.core import assets, health
from apps.core.config import processes, reader
from apps.core.config.processes import Process
from apps.core.publishing.models import Revision
from apps.core.status import degradation, fleet, page
from apps.features.models import Feature
from tests.conftest import Api, make_user
from tests.core.conftest import no_redis  # noqa: F401 - a fixture
from tests.features.builders import make_feature

JSON = "/api/v1/admin/config/processes"
PAGE = "/admin/status/"


@pytest.fixture(autouse=True)
def _front_end(monkeypatch):
    manifest = {entry: {"file": "x-1.js"} for entry in ("src/boot.ts", "src/admin.tsx", "src/storefront.tsx")}
    monkeypatch.setattr(assets, "_manifest", lambda: manifest)


def make_process(role: str = "web", **about: Any) -> Process:
    now = time.time()
    metrics = {"layers": {"memory": 90, "redis": 8, "table": 2, "backup": 0}, "delayP50Ms": 3.5, "delayP95Ms": 8.0}
    given = {"host": "h", "pid": 1, "started_at": now, "said_at": now, "revision": 7, "age": 0.4, "source": "table"}
    return Process(**{"id": f"{role}:1", "role": role, "metrics": metrics, **given, **about})


@pytest.fixture
def three(db, monkeypatch):
    """Revision 7; of three processes one is behind, and a command passes by."""
    Revision.objects.update_or_create(pk=Revision.SINGLE, defaults={"value": 7})
    refused = {"feature/greeter/3": "bad checksum"}
    told = [
        make_process("command", revision=1),
        make_process("web"),
        make_process("web", id="web:2", refused=refused),
        make_process("worker", revision=6, age=75.0, source="backup"),
    ]
    monkeypatch.setattr(fleet, "live_processes", lambda: told)


# --- which process serves what --------------------------------------------------------------------


def test_processes__three__are_told_with_who_is_behind(three, viewer):
    answer = Api(viewer).get(JSON)

    body = answer.json()
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    told = {name: body[name] for name in ("known", "revision", "count", "behind", "refused")}
    assert told == {
        "known": True,
        "revision": 7,
        "count": 3,
        "behind": ["worker:1"],
        "refused": {"feature/greeter/3": "bad checksum"},
    }
    assert [(p["id"], p["lasting"]) for p in body["items"]] == [
        ("command:1", False),
        ("web:1", True),
        ("web:2", True),
        ("worker:1", True),
    ]


def test_processes__this_one__reports_itself(db, viewer):
    processes.report(reader)

    items = Api(viewer).get(JSON).json()["items"]

    assert [(p["id"], p["revision"]) for p in items] == [(processes.identity(), reader.revision)]


def test_processes__redis_away__says_that_nobody_knows(db, viewer, no_redis):  # noqa: F811
    body = Api(viewer).get(JSON).json()

    assert (body["known"], body["count"], body["items"]) == (False, 0, [])


@pytest.mark.parametrize(("role", "status"), [("member", 403), ("viewer", 200), ("editor", 200), ("admin", 200)])
def test_processes__role__may_or_may_not(db, role, status):
    assert Api(make_user("pat", role=role)).get(JSON).status_code == status


def test_status_page__three__shows_them(client, three, viewer):
    client.force_login(viewer)

    text = client.get(PAGE).content.decode()

    assert text.count('<th scope="row">') == 4
    assert [words in text for words in ("bad checksum", "the backup", "90.0 % of 100 from memory")] == [True] * 3
    assert 'data-summary="1 process is behind"' in text


def test_status_page__read_cache__shows_its_share_its_mean_load_and_its_failures(client, db, monkeypatch, viewer):
    layers = {"memory": 80, "stale": 2, "redis": 8, "loader": 10}
    told = {"layers": layers, "hitRatio": 0.9, "meanLoadMs": 4.0, "failures": 2, "forgotten": 0}
    quiet = {**told, "layers": dict.fromkeys(layers, 0), "hitRatio": None, "meanLoadMs": None}
    both = [make_process(metrics={"cache": told}), make_process("worker", metrics={"cache": quiet})]
    monkeypatch.setattr(fleet, "live_processes", lambda: both)
    client.force_login(viewer)

    text = client.get(PAGE).content.decode()

    assert [words in text for words in ("90.0 % of 100 from the cache", "4 ms per load", "2 loads failed")] == [
        True
    ] * 3
    assert text.count("from the cache") == 1


def test_status_page__fragment__is_the_table_alone(client, three, viewer):
    client.force_login(viewer)

    text = client.get(PAGE, headers={"X-Fragment": "1"}).content.decode()

    assert (text.count('<th scope="row">'), "<html" in text) == (4, False)


def test_status_page__redis_away__says_so_plainly(client, db, viewer, no_redis):  # noqa: F811
    client.force_login(viewer)

    answer = client.get(PAGE)

    assert (answer.status_code, 'data-testid="redis-away"' in answer.content.decode()) == (200, True)


def test_status_page__member_or_nobody__is_sent_to_sign_in(client, member):
    for user in (None, member):
        if user:
            client.force_login(user)
        assert "/admin/login/" in client.get(PAGE)["Location"]


def test_status_page__staff_without_the_right__is_refused(client, db):
    user = make_user("pat", role="viewer")
    user.groups.clear()
    client.force_login(user)

    assert client.get(PAGE).status_code == 403
    assert PAGE not in client.get("/admin/").content.decode()


def test_status_page__text_of_a_process__is_escaped(client, db, viewer, monkeypatch):
    monkeypatch.setattr(fleet, "live_processes", lambda: [make_process(host="<img src=x>", refused={"<b>": "<i>"})])
    client.force_login(viewer)

    text = client.get(PAGE).content.decode()

    assert not [bad for bad in ("<img src=x>", "<i>") if bad in text]


@pytest.mark.parametrize("metrics", [{}, {"layers": {}}, {"layers": {"memory": 0}, "delayP50Ms": None}])
def test_row__process_that_read_nothing__has_no_shares(metrics):
    row = page._row(make_process(metrics=metrics), fleet.Fleet(True, 7))

    assert (row["reads"], row["shares"], row["memory"]) == (0, [], None)


# --- the banner -----------------------------------------------------------------------------------


def told(monkeypatch, **config: Any) -> list[str]:
    config = {"ok": True, "age": 0.1, "source": "table", "refused": [], **config}
    redis = {"ok": config.pop("redis", True)}
    monkeypatch.setattr(health, "overview", lambda: {"redis": redis, "config": config})
    return [problem.code for problem in degradation.degradations()]


@pytest.mark.parametrize(
    ("config", "codes"),
    [
        ({}, []),
        ({"redis": False}, ["redis"]),
        ({"source": "backup", "age": 90.0}, ["backup", "stale"]),
        ({"age": 60.1}, ["stale"]),
        ({"age": 60.0}, []),
        ({"refused": ["feature/x/1"]}, ["refused"]),
    ],
)
def test_degradations__state__is_named(monkeypatch, config, codes):
    assert told(monkeypatch, **config) == codes


@pytest.mark.parametrize("address", ["/admin/", "change", "changelist", "release", PAGE])
def test_banner__redis_away__stands_on_every_page(client, viewer, no_redis, address):  # noqa: F811
    feature = make_feature()
    client.force_login(viewer)
    arguments = [] if address == "changelist" else [feature.pk]
    path = address if "/" in address else reverse(f"admin:features_feature_{address}", args=arguments)

    assert 'data-testid="banner"' in client.get(path).content.decode()


def test_banner__all_well__is_not_there(client, db, viewer):
    client.force_login(viewer)

    assert 'data-testid="banner"' not in client.get("/admin/").content.decode()


def test_banner__many_pages__probe_once_a_second(client, db, viewer, monkeypatch):
    probed = []
    monkeypatch.setattr(health, "PROBES", {"redis": lambda: probed.append("redis")})
    client.force_login(viewer)

    for _page in range(3):
        health._cache = {name: (time.monotonic(), seen[1]) for name, seen in health._cache.items()}  # no time passes
        client.get("/admin/")

    assert probed == ["redis"]


# --- the database away ----------------------------------------------------------------------------


@pytest.fixture
def no_database(db, operator, client, monkeypatch):
    """Signed in; then every question to the database fails."""
    client.force_login(operator)
    client.raise_request_exception = False

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OperationalError(2003, "Can't connect to MySQL server")

    # A context of its own, because the end of the test asks the database again.
    with monkeypatch.context() as away:
        away.setattr("django.db.backends.utils.CursorWrapper.execute", fail)
        away.setattr(health, "_failing", {})
        yield


def test_outage__admin_page__is_a_friendly_503_that_needs_nothing_else(client, no_database):
    answer = client.get("/admin/")

    text = answer.content.decode()
    assert (answer.status_code, answer["Retry-After"], answer["Cache-Control"]) == (503, "5", "no-store")
    assert "The database does not answer" in text
    assert not [other for other in ('src="', 'href="', "@import", "url(") if other in text]
    assert "What you have just sent was not saved." not in text


def test_outage__revision_known__says_what_front_ends_are_served(client, no_database, monkeypatch):
    monkeypatch.setattr(type(reader), "revision", property(lambda self: 41))
    monkeypatch.setattr(type(reader), "age", lambda self: 12.3)

    text = client.get("/admin/").content.decode()

    assert "Front ends go on being served at revision <b>41</b>, which was confirmed 12 s ago." in text


def test_outage__post__says_that_it_was_not_saved(client, no_database):
    text = client.post("/admin/features/feature/1/change/", {"title": "x"}).content.decode()

    assert "What you have just sent was not saved." in text
    assert 'http-equiv="refresh"' not in text


def test_outage__reader_of_chinese__is_told_in_the_page_s_language(client, no_database):
    text = client.get("/admin/", headers={"Accept-Language": "zh-CN"}).content.decode()

    assert '<html lang="zh-hans">' in text


def test_outage__since__stays_the_first_failure(client, no_database):
    client.get("/admin/")
    first = health.failing_since("db")
    health._cache.clear()
    client.get("/admin/")

    assert first is not None
    assert health.failing_since("db") == first


def test_outage__api__keeps_its_own_shape(client, no_database):
    answer = client.get("/api/v1/admin/features")

    assert (answer.status_code, answer.json()["code"]) == (503, "CORE_5001")


def test_server_error__anything_else__is_an_error_in_the_one_shape(client, operator, monkeypatch):
    client.force_login(operator)
    client.raise_request_exception = False
    monkeypatch.setattr(Feature.objects, "select_related", lambda *a: 1 / 0)

    answer = client.get("/admin/")

    assert (answer.status_code, answer.json()["code"]) == (500, "CORE_5000")
