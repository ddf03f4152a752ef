"""A connection is tested in two seconds, tells the upstream's own words, and never the key."""

import time
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from apps.core.publishing.models import Snapshot
from apps.providers.connection import SECONDS, Probe, look
from apps.providers.errors import KeyMissing
from apps.providers.models import Endpoint, EndpointHealth, Offer
from apps.providers.services import health, set_secret, test_endpoint
from tests.features.builders import make_model
from tests.providers.builders import KEY
from tests.providers.list_server import ListServer

keep = test_endpoint  # pytest would take it for a test
del test_endpoint


@pytest.fixture(autouse=True)
def _loopback_allowed(settings):
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]


@pytest.fixture
def server():
    with ListServer().running() as running:
        yield running


@pytest.fixture
def endpoint(db, server):
    row = make_model("local", handler_key="openai", base_url=server.url)
    set_secret(row, KEY, by=None)
    return row


def test_look__it_works__lists_models_and_what_is_missing(server):
    found = look(Probe("openai", server.url, KEY, ["gpt-test", "gone"]))

    assert (found.ok, found.models, found.missing) == (True, ["gpt-test", "text-embedding-test"], ["gone"])
    assert (found.error, found.resolved, server.keys) == (None, True, [f"Bearer {KEY}"])


def test_look__mock_of_the_demo_content__misses_nothing(demo):
    found = keep(Endpoint.objects.get(key="mock"))

    assert (found.ok, found.missing) == (True, [])
    assert {"paiban-mock", "mock-chat", "mock-embedding"} <= set(found.models)


@pytest.mark.parametrize(
    ("status", "body", "reason", "words"),
    [
        (401, b'{"error": {"message": "Incorrect API key provided: %s."}}', "E_UPSTREAM_KEY", "Incorrect API key"),
        (429, b'{"error": {"message": "slow down"}}', "E_UPSTREAM_BUSY", "slow down"),
        (500, b"<html>oops", "E_UPSTREAM_FAILED", "HTTP 500"),
        (404, b"<html>", "E_NOT_THE_API", "HTTP 404"),
        (200, b"<html>hello", "E_UPSTREAM_FAILED", "malformed answer"),
        (302, b"", "E_UPSTREAM_FAILED", "HTTP 302"),
    ],
)
def test_look__upstream_refuses__its_own_words_are_told_without_the_key(server, status, body, reason, words):
    server.status, server.body = status, body.replace(b"%s", KEY.encode())

    found = look(Probe("openai", server.url, KEY))

    assert (found.ok, found.error["reason"]) == (False, reason)
    assert words in found.error["message"]
    assert not [part for part in (KEY, KEY[:8], KEY[-8:]) if part in str(found.as_dict())]


def test_look__key_repeated_in_pieces__no_piece_is_told(server):
    server.status, server.body = 401, f'{{"error": "no: {KEY[:9]}***{KEY[-8:]}"}}'.encode()

    found = look(Probe("openai", server.url, KEY))

    assert found.error["message"] == "no: …***…"


def test_look__upstream_hangs__answers_within_two_seconds(server):
    server.delay = 4
    started = time.monotonic()

    found = look(Probe("openai", server.url, KEY))

    assert (found.ok, found.error["reason"]) == (False, "E_UPSTREAM_TIMEOUT")
    assert time.monotonic() - started < SECONDS + 1.5  # the machine that tests may be busy


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/v1",
        "http://169.254.169.254/latest",
        "http://[::1]/v1",
        "http://[::ffff:10.0.0.1]/v1",
        "http://localhost/v1",
    ],
)
def test_look__address_of_our_own_network__is_refused_and_says_so(settings, url):
    settings.OUTBOUND_ALLOWED_HOSTS = []

    found = look(Probe("openai", url, KEY))

    assert (found.ok, found.error["code"]) == (False, "CORE_2014")


@pytest.mark.parametrize(
    ("probe", "reason"),
    [
        (Probe("openai", "https://api.example.com"), "E_KEY_MISSING"),
        (Probe("abacus", "https://api.example.com", KEY), "E_HANDLER_UNKNOWN"),
    ],
)
def test_look__nothing_to_ask_with__asks_nobody(probe, reason):
    found = look(probe)

    assert (found.ok, found.error["reason"], found.latency_ms) == (False, reason, None)


def test_test__kept_endpoint__its_health_is_kept(endpoint):
    found = keep(endpoint)

    kept = EndpointHealth.objects.get()
    assert (found.ok, kept.ok, kept.key_state, kept.missing) == (True, True, "kept", ["local-1"])


def test_test__key_refused__says_whose_fault_it_is(endpoint, server):
    server.status, server.body = 401, b'{"error": {"message": "no"}}'

    keep(endpoint)

    kept = EndpointHealth.objects.get()
    assert (kept.ok, kept.key_state, kept.error["message"]) == (False, "refused", "no")


def test_sweep__due_endpoints__are_claimed_once(endpoint, monkeypatch, settings):
    looked = []
    monkeypatch.setattr(health.threading, "Thread", lambda target, args, **_: looked.append(args[0]) or _Started())
    make_model("mock")  # needs no key: nothing to watch

    assert (health.sweep(), health.sweep()) == (1, 0)
    assert [[row.key for row in rows] for rows in looked] == [["local"]]
    EndpointHealth.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    settings.PROVIDER_CHECK_SECONDS = 0
    assert health.sweep() == 0


class _Started:
    def start(self) -> None:
        pass


def test_sweep__what_it_found__is_kept(endpoint):
    health._look_and_keep([endpoint])

    assert EndpointHealth.objects.get().ok is True


def test_page__button__shows_the_result_in_place_and_offers_new_models(client, operator, endpoint):
    client.force_login(operator)
    address = reverse("admin:providers_endpoint_test", args=[endpoint.pk])

    part = client.post(address, {}, headers={"X-Paiban-Part": "1"}).content.decode()
    whole = client.post(address, {}).content.decode()

    assert "gpt-test" in part
    assert "<html" not in part
    assert "<html" in whole
    assert KEY not in part + whole


def test_page__other_address__kept_key_is_not_sent_there(client, editor, endpoint):
    with ListServer().running() as elsewhere:
        client.force_login(editor)
        address = reverse("admin:providers_endpoint_test", args=[endpoint.pk])

        told = client.post(address, {"base_url": elsewhere.url}, headers={"X-Paiban-Part": "1"}).content.decode()

        assert "PROVIDERS_2013" in told
        assert elsewhere.keys == []
        assert not EndpointHealth.objects.exists()


def test_page__take__ticked_models_are_offered_and_released(client, operator, endpoint):
    client.force_login(operator)
    before = Snapshot.objects.count()

    client.post(
        reverse("admin:providers_endpoint_take", args=[endpoint.pk]),
        {"take": ["text-embedding-test", "gpt-test", "local-1", ""]},
    )

    told = dict(Offer.objects.values_list("model", "capabilities"))
    assert told == {"local-1": ["chat"], "gpt-test": ["chat"], "text-embedding-test": ["embedding"]}
    assert Snapshot.objects.count() == before + 1


def test_page__viewer__may_not_test(client, viewer, endpoint, server):
    client.force_login(viewer)

    assert client.post(reverse("admin:providers_endpoint_test", args=[endpoint.pk])).status_code == 403
    assert server.keys == []


def test_look__asked_in_chinese__advises_in_chinese():
    with override("zh-hans"):
        found = look(Probe("openai", "https://api.example.com"))
        expected = str(KeyMissing().text())

    assert found.error["advice"] == expected != KeyMissing().text()
