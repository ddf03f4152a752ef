"""How endpoints stand: on page and list, in the API, by command; and the ways to have one asked again."""

import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from apps.core import assets, redis
from apps.core.errors import DependencyDown
from apps.providers.admission.desk import Desk
from apps.providers.admission.records import Result
from apps.providers.models import Endpoint
from apps.providers.standing import Standing, close_circuit, standings
from tests.features.builders import make_model
from tests.providers.builders import make_candidate

DOWN = Result("bad", words="PROVIDERS_5001 HTTP 503")


@pytest.fixture(autouse=True)
def _front_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "_manifest", lambda: {"src/admin.tsx": {"file": "admin-1.js"}})


@pytest.fixture
def endpoint(db: None) -> Endpoint:
    return make_model("openai", rpm=100, tpm=5_000)


def use(endpoint: Endpoint, *results: Result, model: str = "gpt", underway: int = 0) -> None:
    """Calls with these results, and some that go on."""
    limits = {"rpm": endpoint.rpm, "tpm": endpoint.tpm, "max_concurrency": endpoint.max_concurrency}
    candidate = make_candidate("", endpoint=endpoint.key, endpoint_id=endpoint.pk, model=model, **limits)

    async def work() -> None:
        desk = Desk()
        for result in results:
            await desk.leave(await desk.admit(candidate, 10), result, 50.0)
        for _number in range(underway):
            await desk.admit(candidate, 10)
        await desk._turn(list(desk._posts.values()))

    async_to_sync(work)()


def open_circuit(endpoint: Endpoint) -> None:
    use(endpoint, *[DOWN] * 5)
    assert standings([endpoint])[endpoint.key].state == "open"


def no_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = redis.redis.Redis(host="127.0.0.1", port=1)
    monkeypatch.setattr(redis, "client", lambda: nowhere)


def test_standing__never_asked__is_closed_and_empty(endpoint):
    told = standings([endpoint])["openai"]

    assert told == Standing("openai", state="closed", rpm=100, tpm=5_000, paused={}, first_byte_ms={})
    assert (told.error_share, told.is_resting) == (None, False)


def test_standing__in_use__tells_use_and_pace(endpoint):
    endpoint.max_concurrency = 9
    use(endpoint, Result("ok", 40), Result("ok", 40), DOWN, underway=2)

    told = standings([endpoint])["openai"]

    assert (told.state, told.calls_lately, told.failed_lately) == ("closed", 3, 1)
    assert (told.in_flight, told.calls_minute, told.tokens_minute) == (2, 5, 100)
    assert (told.first_byte_ms, told.last_error) == ({"gpt": 50.0}, "PROVIDERS_5001 HTTP 503")
    assert told.last_error_at is not None
    assert told.error_share == pytest.approx(1 / 3)


def test_standing__open__says_until_when(endpoint):
    open_circuit(endpoint)

    told = standings([endpoint])["openai"]

    assert (told.opened, told.is_resting) == (1, True)
    assert told.open_until is not None


def test_standing__busy_model__is_named_with_the_rest_of_its_pause(endpoint):
    use(endpoint, Result("busy", asked_ms=20_000))

    told = standings([endpoint])["openai"]

    assert told.state == "closed"
    assert 15 < told.paused["gpt"] <= 20


def test_standing__redis_away__is_unknown(endpoint, monkeypatch):
    no_redis(monkeypatch)

    assert standings([endpoint])["openai"] == Standing("openai", rpm=100, tpm=5_000)
    with pytest.raises(DependencyDown):
        close_circuit(endpoint, by=None)


def test_close__open__is_asked_at_once(endpoint, operator):
    open_circuit(endpoint)

    assert close_circuit(endpoint, by=operator) is True

    assert standings([endpoint])["openai"].state == "closed"
    use(endpoint, Result("ok", 1))


def test_close__well__changes_nothing_and_says_so(endpoint, operator):
    use(endpoint, Result("ok", 1))

    assert close_circuit(endpoint, by=operator) is False


def test_list__one_look_for_all__and_words_for_each(client: Client, operator, endpoint):
    make_model("other")
    open_circuit(endpoint)
    client.force_login(operator)

    page = client.get(reverse("admin:providers_endpoint_changelist")).content.decode()

    assert page.count("left alone") == 1
    assert page.count("is asked") == 1


def test_page__open__has_the_button_for_who_may_change(client: Client, operator, viewer, endpoint):
    open_circuit(endpoint)
    address = reverse("admin:providers_endpoint_change", args=[endpoint.pk])

    client.force_login(viewer)
    read = client.get(address).content.decode()
    client.force_login(operator)
    written = client.get(address).content.decode()

    assert "left alone" in read
    assert "Close the circuit" not in read
    assert "Close the circuit" in written
    assert "PROVIDERS_5001 HTTP 503" in written


def test_page__upstreams_words__are_text(client: Client, operator, endpoint):
    use(endpoint, Result("bad", words="<script>alert(1)</script>"))
    client.force_login(operator)

    page = client.get(reverse("admin:providers_endpoint_change", args=[endpoint.pk])).content.decode()

    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_page__redis_away__says_so(client: Client, operator, endpoint, monkeypatch):
    client.force_login(operator)
    no_redis(monkeypatch)

    answer = client.get(reverse("admin:providers_endpoint_change", args=[endpoint.pk]))

    assert answer.status_code == 200
    assert "Redis does not answer" in answer.content.decode()


def test_button__pressed__closes_and_leaves_a_line(client: Client, operator, endpoint):
    open_circuit(endpoint)
    client.force_login(operator)

    answer = client.post(reverse("admin:providers_endpoint_close_circuit", args=[endpoint.pk]))

    assert answer.status_code == 302
    assert standings([endpoint])["openai"].state == "closed"
    assert LogEntry.objects.get().user == operator


def test_button__looked_at__changes_nothing(client: Client, operator, endpoint):
    open_circuit(endpoint)
    client.force_login(operator)

    answer = client.get(reverse("admin:providers_endpoint_close_circuit", args=[endpoint.pk]))

    assert (answer.status_code, standings([endpoint])["openai"].state) == (405, "open")


def test_button__pressed_without_the_right__changes_nothing(client: Client, viewer, endpoint):
    open_circuit(endpoint)
    client.force_login(viewer)

    answer = client.post(reverse("admin:providers_endpoint_close_circuit", args=[endpoint.pk]))

    assert (answer.status_code, standings([endpoint])["openai"].state) == (403, "open")
    assert not LogEntry.objects.exists()


def test_api__standing__tells_every_endpoint(api, viewer, endpoint):
    make_model("other")
    open_circuit(endpoint)

    items = {item["endpoint"]: item for item in api(viewer).get("/api/v1/admin/providers/standing").json()["items"]}

    assert {key: item["state"] for key, item in items.items()} == {"openai": "open", "other": "closed"}
    assert items["openai"]["last_error"] == "PROVIDERS_5001 HTTP 503"
    assert (items["other"]["error_share"], items["other"]["paused"]) == (None, {})


def test_api__reset__needs_the_right_to_write(api, viewer, editor, endpoint):
    open_circuit(endpoint)
    address = "/api/v1/admin/providers/openai/reset"

    refused: Any = api(viewer).post(address)
    assert (refused.status_code, standings([endpoint])["openai"].state) == (403, "open")

    told = api(editor).post(address).json()
    assert (told["closed"], told["standing"]["state"]) == (True, "closed")


def test_api__reset_of_nothing__is_not_found(api, editor, db):
    assert api(editor).post("/api/v1/admin/providers/nobody/reset").status_code == 404


def test_command__dry_run__only_tells(endpoint, capsys):
    open_circuit(endpoint)

    call_command("reset_breaker", "openai", "--dry-run")

    assert capsys.readouterr().out == "openai: open\n"
    assert standings([endpoint])["openai"].state == "open"


def test_command__closes(endpoint, capsys):
    open_circuit(endpoint)

    call_command("reset_breaker", "openai", "--json")

    told = json.loads(capsys.readouterr().out)
    assert (told["before"], told["closed"], told["exit_code"]) == ("open", True, 0)
    assert standings([endpoint])["openai"].state == "closed"


def test_command__model_is_left_alone_after_a_429__ends_its_pause(endpoint, capsys):
    use(endpoint, Result("busy", asked_ms=20_000))
    assert set(standings([endpoint])["openai"].paused) == {"gpt"}

    call_command("reset_breaker", "openai", "--json")

    assert json.loads(capsys.readouterr().out)["closed"] is True
    assert standings([endpoint])["openai"].paused == {}


@pytest.mark.parametrize(("key", "away", "code"), [("nobody", False, 4), ("openai", True, 5)])
def test_command__cannot__says_why_by_its_exit_code(endpoint, monkeypatch, key, away, code):
    if away:
        no_redis(monkeypatch)

    with pytest.raises(SystemExit) as ended:
        call_command("reset_breaker", key)

    assert ended.value.code == code
