"""The endpoint's page says when a key is missing."""

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.core import assets
from apps.providers import services
from apps.providers.models import Endpoint

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
