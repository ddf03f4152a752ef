"""The endpoint's page says when a key is missing."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.core import assets
from apps.providers import services
from apps.providers.endpoint_form import EndpointForm
from apps.providers.models import Endpoint, Offer, Secret

ADVICE = "Enter an API key below to get real answers; until then the built-in mock answers."


@pytest.fixture(autouse=True)
def _front_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "_manifest", lambda: {"src/admin.tsx": {"file": "admin-1.js"}})


def page_of(client: Client, endpoint: Endpoint) -> str:
    return client.get(reverse("admin:providers_endpoint_change", args=[endpoint.pk])).content.decode()


@pytest.fixture
def endpoint(db: None) -> Endpoint:
    return Endpoint.objects.create(
        key="openai", name="OpenAI", handler_key="openai", base_url="https://api.example.com"
    )


def test_page__no_key__says_what_to_do(client: Client, operator: User, endpoint: Endpoint) -> None:
    client.force_login(operator)

    assert ADVICE in page_of(client, endpoint)


def test_page__with_key__says_nothing_and_shows_no_key(client: Client, operator: User, endpoint: Endpoint) -> None:
    services.set_secret(endpoint, "sk-abcdefghijklmnop", by=operator)
    client.force_login(operator)

    page = page_of(client, endpoint)

    assert ADVICE not in page
    assert "sk-abcdefghijklmnop" not in page


def test_page__mock__needs_no_key(client: Client, operator: User, db: None) -> None:
    client.force_login(operator)

    assert ADVICE not in page_of(client, Endpoint.objects.create(key="mock", name="Mock", handler_key="mock"))


def test_page__viewer__has_no_field_for_a_key(client: Client, viewer: User, operator: User, endpoint: Endpoint) -> None:
    client.force_login(viewer)
    assert "new_secret" not in page_of(client, endpoint)

    client.force_login(operator)
    assert 'name="new_secret"' in page_of(client, endpoint)


def form_of(endpoint: Endpoint, **changes: Any) -> dict[str, Any]:
    """What the page sends when nothing was typed."""
    fields = ("key", "name", "kind", "handler_key", "base_url", "priority", "timeout_seconds", "max_retries")
    given = {field: getattr(endpoint, field) for field in fields}
    offers: dict[str, Any] = {"offers-TOTAL_FORMS": 0, "offers-INITIAL_FORMS": 0}
    return {**given, "enabled": "on", "new_secret": "", "seen_revision": endpoint.revision, **offers, **changes}


def post(client: Client, endpoint: Endpoint, **changes: Any) -> Any:
    address = reverse("admin:providers_endpoint_change", args=[endpoint.pk])
    return client.post(address, form_of(endpoint, **changes))


def test_save__seen_revision__moves_on(client: Client, operator: User, endpoint: Endpoint) -> None:
    client.force_login(operator)

    assert post(client, endpoint, name="Renamed", rpm=60).status_code == 302

    endpoint.refresh_from_db()
    assert (endpoint.name, endpoint.rpm, endpoint.revision, endpoint.weight) == ("Renamed", 60, 2, 100)


def test_save__somebody_was_faster__gives_the_form_back_and_says_who(
    client: Client, operator: User, editor: User, endpoint: Endpoint
) -> None:
    endpoint.save()  # its history begins
    services.update_endpoint("openai", {"name": "Theirs"}, expected_revision=1, by=editor)
    client.force_login(operator)

    page = post(client, endpoint, name="Mine")

    words = page.content.decode()
    assert page.status_code == 200
    assert 'value="Mine"' in words
    assert "Saved by: eddy. Changed: name." in words
    endpoint.refresh_from_db()
    assert (endpoint.name, endpoint.revision) == ("Theirs", 2)


def test_save__at_the_same_instant__is_a_conflict_and_no_crash(
    client: Client, operator: User, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(operator)
    Endpoint.objects.update(revision=2)
    real, calls = EndpointForm._refuse_stale, []

    def late(form: EndpointForm, cleaned: dict[str, Any]) -> None:
        """At the first look the other one had not saved yet."""
        calls.append(1)
        if len(calls) > 1:
            real(form, cleaned)

    monkeypatch.setattr(EndpointForm, "_refuse_stale", late)

    page = post(client, endpoint, name="Mine", seen_revision=1)

    assert page.status_code == 200
    assert "Somebody changed this in the meantime." in page.content.decode()
    endpoint.refresh_from_db()
    assert (endpoint.name, endpoint.revision) == ("OpenAI", 2)


def test_offers__boxes_and_credits__are_kept_as_names_and_micro_credits(
    client: Client, operator: User, endpoint: Endpoint
) -> None:
    client.force_login(operator)
    row = {
        "offers-TOTAL_FORMS": 1,
        "offers-0-model": "gpt-test",
        "offers-0-capabilities": ["tools", "chat"],
        "offers-0-price_input": "2.5",
        "offers-0-price_call": "0.000001",
        "offers-0-enabled": "on",
    }

    assert post(client, endpoint, **row).status_code == 302

    offer = Offer.objects.get()
    assert (offer.capabilities, offer.context_window, offer.quality) == (["chat", "tools"], 8192, 50)
    assert (offer.price_input, offer.price_output, offer.price_call) == (2_500_000, None, 1)
    page = page_of(client, endpoint)
    assert 'value="2.5"' in page
    assert 'value="0.000001"' in page


@pytest.mark.parametrize("typed", ["-1", "0.0000001", "=1+1", "1e99"])
def test_offers__no_price__is_an_error_of_its_field(
    client: Client, operator: User, endpoint: Endpoint, typed: str
) -> None:
    client.force_login(operator)
    row = {"offers-TOTAL_FORMS": 1, "offers-0-model": "m", "offers-0-capabilities": ["chat"]}

    assert post(client, endpoint, **row, **{"offers-0-price_input": typed}).status_code == 200
    assert not Offer.objects.exists()


def test_list__rows__cost_no_queries_and_are_filtered(client: Client, operator: User, endpoint: Endpoint) -> None:
    client.force_login(operator)
    address = reverse("admin:providers_endpoint_changelist")
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for number in range(8):
        other = Endpoint.objects.create(key=f"e{number}", name=f"E{number}", handler_key="openai")
        services.set_secret(other, "sk-abcdefghijklmnop", by=operator)

    with CaptureQueriesContext(connection) as many:
        page = client.get(address).content.decode()

    assert len(many) == len(few)
    assert "needs a key" in page
    assert client.get(address, {"has_key": "yes"}).context["cl"].result_count == 8
    assert client.get(address, {"health": "ok"}).context["cl"].result_count == 0


def test_page__unreadable_key__says_so_and_keeps_it(
    client: Client, operator: User, endpoint: Endpoint, settings: Any
) -> None:
    services.set_secret(endpoint, "sk-abcdefghijklmnop", by=operator)
    blob = Secret.objects.get().blob
    settings.MASTER_KEYS = ["other:" + "A" * 43 + "="]
    client.force_login(operator)

    assert "The kept API key cannot be read" in page_of(client, endpoint)
    post(client, endpoint, name="Renamed")

    assert Secret.objects.get().blob == blob


def test_list__endpoint_that_nobody_asks__is_not_called_asked(
    client: Client, operator: User, endpoint: Endpoint
) -> None:
    Endpoint.objects.create(key="off", name="Off", handler_key="mock", enabled=False)
    Endpoint.objects.create(key="on", name="On", handler_key="mock")
    client.force_login(operator)

    page = client.get(reverse("admin:providers_endpoint_changelist")).content.decode()

    assert [page.count(f">{words}</span>") for words in ("switched off", "is asked", "needs a key")] == [1, 1, 2]


def test_page__50_models__cost_no_more_queries_than_5(client: Client, operator: User, endpoint: Endpoint) -> None:
    client.force_login(operator)

    def asked(models: int) -> int:
        known = endpoint.offers.count()
        rows = [Offer(endpoint=endpoint, model=f"m{n}", capabilities=["chat"]) for n in range(known, models)]
        Offer.objects.bulk_create(rows)
        with CaptureQueriesContext(connection) as seen:
            page_of(client, endpoint)
        return len(seen)

    asked(1)  # what the process remembers afterwards

    assert asked(5) == asked(50)


def test_form__new_endpoint__speaks_of_no_present_key() -> None:
    fresh, known = EndpointForm(), EndpointForm(instance=Endpoint(pk=1, key="k", handler_key="mock"))

    assert (fresh.initial["handler_key"], known.initial["handler_key"]) == ("openai", "mock")
    assert "Leave empty" not in fresh.fields["new_secret"].help_text
    assert "Leave empty" in known.fields["new_secret"].help_text
