"""A key is written and used; nothing ever shows it."""

import base64
import json

import pytest
from django.apps import apps
from django.urls import reverse

from apps.core import redis
from apps.core.crypto import SecretUnreadable
from apps.core.publishing.models import Snapshot
from apps.providers.models import Endpoint, Secret
from apps.providers.services import read_secret, set_secret
from tests.conftest import Api
from tests.features.builders import make_model
from tests.providers.builders import KEY


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
