"""A key is written and used; nothing ever shows it."""

import base64
import json
from urllib.parse import quote

import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.urls import reverse
from structlog.testing import capture_logs

from apps.core import redis
from apps.core.config import reader
from apps.core.crypto import SecretUnreadable
from apps.core.publishing.models import Snapshot
from apps.providers import secrets
from apps.providers.catalogue import every_model
from apps.providers.errors import KeyUnfit
from apps.providers.models import Endpoint, Secret
from apps.providers.secrets import secret_of
from apps.providers.services import read_secret, set_secret
from apps.providers.types import Candidate
from tests.conftest import Api
from tests.features.builders import make_model
from tests.providers.builders import KEY
from tests.providers.list_server import ListServer


@pytest.fixture
def openai(db):
    return make_model("openai", handler_key="openai", base_url="https://api.openai.com/v1")


def dump() -> str:
    """Every value of every row of every table."""
    rows = [list(model.objects.values_list()) for model in apps.get_models(include_auto_created=True)]
    return repr(rows)


def form(endpoint: Endpoint, **changes: object) -> dict[str, object]:
    fields = ("key", "name", "handler_key", "base_url", "priority", "timeout_seconds", "max_retries")
    return {
        **{field: getattr(endpoint, field) for field in fields},
        "enabled": "on",
        "new_secret": "",
        "offers-TOTAL_FORMS": 0,
        "offers-INITIAL_FORMS": 0,
        **changes,
    }


def test_admin__new_key__is_kept_and_only_its_mask_shown(client, operator, openai, caplog):
    client.force_login(operator)
    address = reverse("admin:providers_endpoint_change", args=[openai.pk])

    saved = client.post(address, form(openai, new_secret=f" {KEY} "))

    assert saved.status_code == 302
    assert (read_secret(openai.pk), Secret.objects.get().hint) == (KEY, "…cdef")
    pages = [
        address,
        reverse("admin:providers_endpoint_changelist"),
        reverse("admin:providers_endpoint_history", args=[openai.pk]),
        reverse("admin:index"),
    ]
    texts = [client.get(page).content.decode() for page in pages]
    assert "…cdef" in texts[0]
    assert "…cdef" in texts[1]
    assert not [text for text in texts if KEY in text]
    assert KEY not in caplog.text


def test_admin__empty_key__keeps_the_present_one(client, operator, openai):
    set_secret(openai, KEY, by=operator)
    client.force_login(operator)

    client.post(reverse("admin:providers_endpoint_change", args=[openai.pk]), form(openai, name="Renamed"))

    assert (read_secret(openai.pk), Endpoint.objects.get().name) == (KEY, "Renamed")


def test_admin__refused_form__does_not_show_the_key_again(client, operator, openai):
    client.force_login(operator)

    answer = client.post(
        reverse("admin:providers_endpoint_change", args=[openai.pk]), form(openai, new_secret=KEY, name="")
    )

    assert (answer.status_code, Secret.objects.count()) == (200, 0)
    assert KEY not in answer.content.decode()


def test_set__key__stands_nowhere_in_plain(client, operator, openai):
    client.force_login(operator)
    client.post(reverse("admin:providers_endpoint_change", args=[openai.pk]), form(openai, new_secret=KEY))

    everything = dump() + "".join(str(redis.client().dump(key)) for key in redis.client().scan_iter())
    for shape in (KEY, KEY[3:], base64.b64encode(KEY.encode()).decode().rstrip("="), KEY[::-1]):
        assert shape not in everything
    assert Snapshot.objects.filter(scope="providers").count() == 2


@pytest.mark.parametrize("address", ["/api/v1/ui/menus", "/api/v1/ui/schema", "/api/v1/ui/features", "/openapi.json"])
def test_api__any_reading__knows_no_key(operator, openai, address):
    set_secret(openai, KEY, by=operator)

    assert KEY not in Api(operator).get(address).text


def test_read__blob_moved_to_another_row__is_unreadable(operator, openai):
    other = make_model("other", handler_key="openai")
    set_secret(openai, KEY, by=operator)
    set_secret(other, "sk-another-0123456789", by=operator)
    Secret.objects.filter(endpoint=other).update(blob=Secret.objects.get(endpoint=openai).blob)

    with pytest.raises(SecretUnreadable):
        read_secret(other.pk)


def test_read__no_key__is_unreadable(openai):
    with pytest.raises(SecretUnreadable):
        read_secret(openai.pk)


def test_set__again__replaces_in_place(operator, openai):
    set_secret(openai, KEY, by=operator)
    set_secret(openai, "sk-second-0123456789", by=operator)

    assert (read_secret(openai.pk), Secret.objects.count()) == ("sk-second-0123456789", 1)


def test_catalogue__snapshot__says_only_whether_there_is_a_key(operator, openai):
    set_secret(openai, KEY, by=operator)

    (endpoint,) = json.loads(Snapshot.objects.get(scope="providers", version=2).body)["endpoints"]
    assert endpoint["has_secret"] is True
    assert not [value for value in endpoint.values() if "cdef" in str(value)]


@pytest.mark.parametrize("change", [{"base_url": "https://elsewhere.example/v1"}, {"handler_key": "mock"}])
def test_admin__other_address_without_its_key__refused_so_that_the_key_goes_nowhere_else(
    client, editor, operator, openai, change
):
    set_secret(openai, KEY, by=operator)
    client.force_login(editor)

    answer = client.post(reverse("admin:providers_endpoint_change", args=[openai.pk]), form(openai, **change))

    assert answer.status_code == 200
    openai.refresh_from_db()
    assert (openai.base_url, openai.handler_key) == ("https://api.openai.com/v1", "openai")
    assert read_secret(openai.pk) == KEY


def test_admin__other_address_with_a_new_key__saved(client, operator, openai):
    set_secret(openai, KEY, by=operator)
    client.force_login(operator)
    change = {"base_url": "https://elsewhere.example/v1", "new_secret": "sk-another-key-0987654321"}

    client.post(reverse("admin:providers_endpoint_change", args=[openai.pk]), form(openai, **change))

    openai.refresh_from_db()
    assert openai.base_url == "https://elsewhere.example/v1"
    assert read_secret(openai.pk) == "sk-another-key-0987654321"


# --- at the moment of the call ---------------------------------------------------------------------


def candidate_of(endpoint: Endpoint) -> Candidate:
    """As it is released now."""
    reader.reset()
    return next(one for one in every_model() if one.endpoint_id == endpoint.pk)


def opened(candidate: Candidate) -> str:
    return async_to_sync(secret_of)(candidate)


def test_secret_of__second_call__asks_no_database(operator, openai, django_assert_num_queries):
    set_secret(openai, KEY, by=operator)
    candidate = candidate_of(openai)
    opened(candidate)

    with django_assert_num_queries(0):
        assert opened(candidate) == KEY


def test_secret_of__new_key__takes_effect_with_its_release_and_the_old_one_works_until_then(operator, openai):
    set_secret(openai, KEY, by=operator)
    before = candidate_of(openai)
    opened(before)
    set_secret(openai, "sk-second-0123456789", by=operator)

    assert opened(before) == KEY
    assert opened(candidate_of(openai)) == "sk-second-0123456789"


def test_secret_of__address_of_an_older_release__gets_no_newer_key(operator, openai):
    set_secret(openai, KEY, by=operator)
    before = candidate_of(openai)
    openai.base_url = "https://elsewhere.example/v1"
    openai.save()
    set_secret(openai, "sk-for-elsewhere-0123", by=operator)

    with pytest.raises(SecretUnreadable):
        opened(before)


def test_secret_of__held_keys__are_sealed_in_memory_and_few(operator, openai, monkeypatch):
    monkeypatch.setattr(secrets, "MOST_HELD", 1)
    other = make_model("other", handler_key="openai", base_url="https://x.example")
    for endpoint in (openai, other):
        set_secret(endpoint, KEY, by=operator)
    for endpoint in (openai, other):
        opened(candidate_of(endpoint))

    assert list(secrets._held) == [other.pk]
    assert KEY not in repr(secrets._held)


def test_set__what_no_header_can_carry__is_refused(operator, openai):
    for unfit in ("", "a\nb", "ключ", "x" * 5000):
        with pytest.raises(KeyUnfit):
            set_secret(openai, unfit, by=operator)
    assert not Secret.objects.exists()


# --- canaries --------------------------------------------------------------------------------------

CANARIES = {
    "admin": "sk-Kanarie1-admin-7Qx9Lm2Vw8Zt",
    "api": "pv.Kanarie2.api.4Rt6Yb1Nc3Xd/+=",
    "put": "Kanarie3~put~8Hg5Fs0Pk7Jw",
    "test": "Kanarie4!test!1Zc3Vb6Nm9Ql",
}


def shapes(secret: str) -> list[str]:
    """As a leak could look."""
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    return [secret, encoded, quote(secret, safe=""), secret[:8], secret[-8:], secret[::-1]]


def test_canaries__through_every_door__stand_nowhere(client, operator, settings, caplog, capsys):
    """Logs at DEBUG, rows, Redis, answers, pages and history."""
    caplog.set_level("DEBUG")
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    client.force_login(operator)
    api, seen = Api(operator), []
    address = "/api/v1/admin/providers"
    with ListServer().running() as server, capture_logs() as logs:
        server.status, server.body = 401, f'{{"error": {{"message": "no: {CANARIES["api"]}"}}}}'.encode()
        new = {"key": "one", "name": "One", "handler": "openai", "base_url": server.url, "secret": CANARIES["api"]}
        seen.append(api.post(address, json={**new, "offers": [{"model": "m", "capabilities": ["chat"]}]}).text)
        one = Endpoint.objects.get()
        seen.append(api.post(f"{address}/one/test").text)
        given = {"handler": "openai", "base_url": server.url, "secret": CANARIES["test"]}
        server.body = f'{{"error": "no: {CANARIES["test"][:8]}...{CANARIES["test"][-8:]}"}}'.encode()
        seen.append(api.post(f"{address}/test", json=given).text)
        seen.append(api.request("PUT", f"{address}/one/secret", json={"secret": CANARIES["put"]}).text)
        page = reverse("admin:providers_endpoint_change", args=[one.pk])
        seen.append(client.post(page, form(one, new_secret=CANARIES["admin"], name="")).content.decode())
        seen.append(client.post(page, form(one, new_secret=CANARIES["admin"])).content.decode())
        button = reverse("admin:providers_endpoint_test", args=[one.pk])
        seen.append(client.post(button, {"new_secret": CANARIES["test"]}).content.decode())
        seen.append(api.request("PATCH", f"{address}/one", json={"secret": CANARIES["api"]}).text)  # no revision
        pages = [page, *(reverse(f"admin:providers_endpoint_{name}") for name in ("changelist", "prices"))]
        pages += [reverse("admin:providers_endpoint_history", args=[one.pk]), reverse("admin:index")]
        seen += [client.get(one_page).content.decode() for one_page in pages]
        seen += [api.get(path).text for path in (address, f"{address}/one", "/api/v1/ui/models", "/openapi.json")]
        assert len(server.keys) >= 3

    stored = dump() + "".join(str(redis.client().dump(key)) for key in redis.client().scan_iter())
    out = capsys.readouterr()
    everything = "\n".join([stored, *seen, repr(logs), caplog.text, out.out, out.err])

    assert read_secret(one.pk) == CANARIES["admin"]
    leaks = [(door, shape) for door, secret in CANARIES.items() for shape in shapes(secret) if shape in everything]
    assert leaks == []
