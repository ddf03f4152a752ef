"""API keys in the CMS: shown once when made, never changed, revoked on POST."""

import re
from typing import Any

import pytest
from django.test import Client

from apps.accounts.keys import known
from apps.accounts.keys.scopes import scopes
from apps.accounts.keys.services import create_key
from apps.accounts.models import ApiKey
from apps.core import assets
from tests.conftest import Api

ADD = "/admin/accounts/apikey/add/"


@pytest.fixture(autouse=True)
def _front_end(monkeypatch):
    manifest = {entry: {"file": "x-1.js"} for entry in ("src/boot.ts", "src/admin.tsx", "src/storefront.tsx")}
    monkeypatch.setattr(assets, "_manifest", lambda: manifest)


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def form(owner: Any, **given: Any) -> dict[str, Any]:
    return {"name": "shop", "user": owner.pk, "budget": "", "budget_period": "total"} | given


def test_add__sound_form__shows_the_key_on_its_own_page_and_nowhere_else(operator, member):
    client = signed_in(operator)

    answer = client.post(ADD, form(member, features="greeter\n", ips="203.0.113.0/24", budget="5"))

    text = answer.content.decode()
    token = re.search(r"pk-[A-Za-z0-9_-]{43}", text)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert token is not None
    row = ApiKey.objects.get()
    assert (row.user, row.created_by, row.budget) == (member, operator, 5)
    assert row.scopes == {"features": ["greeter"], "models": None, "ips": ["203.0.113.0/24"], "admin": False}
    pages = [client.get(f"/admin/accounts/apikey/{rest}").content.decode() for rest in ("", f"{row.pk}/change/")]
    assert all(token[0] not in page and row.masked in page for page in pages)
    assert Api().get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token[0]}"}).status_code == 403


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": ""}, "This field is required"),
        ({"ips": "nowhere"}, "is no address and no network"),
        ({"budget": "-1"}, "greater than or equal to 0"),
    ],
)
def test_add__bad_form__says_why_and_makes_nothing(operator, given, words):
    answer = signed_in(operator).post(ADD, form(operator, **given))

    assert words in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_add__for_the_administration_and_somebody_else__is_refused_with_a_message(operator, member):
    answer = signed_in(operator).post(ADD, form(member, admin="on"), follow=True)

    assert "made by staff, and for oneself alone" in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_change__posted__changes_nothing(operator, member):
    key = create_key(member, by=member, name="shop", scopes=scopes()).row
    before = ApiKey.objects.values().get()

    signed_in(operator).post(f"/admin/accounts/apikey/{key.pk}/change/", form(operator, name="other", budget="1"))

    assert ApiKey.objects.values().get() == before


def test_revoke__get__asks_and_post__revokes(operator, member):
    key = create_key(member, by=member, name="shop", scopes=scopes()).row
    client, address = signed_in(operator), f"/admin/accounts/apikey/{key.pk}/revoke/"

    asked = client.get(address)
    before = ApiKey.objects.get().revoked_at
    client.post(address)

    assert (asked.status_code, before) == (200, None)
    assert ApiKey.objects.get().revoked_at is not None
    assert "Revoke…" not in client.get(f"/admin/accounts/apikey/{key.pk}/change/").content.decode()


def test_revoke__without_the_right__is_refused_and_changes_nothing(viewer, member):
    key = create_key(member, by=member, name="shop", scopes=scopes()).row
    client = signed_in(viewer)

    answers = [
        client.get(f"/admin/accounts/apikey/{key.pk}/revoke/"),
        client.post(f"/admin/accounts/apikey/{key.pk}/revoke/"),
    ]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert ApiKey.objects.get().revoked_at is None


@pytest.mark.parametrize("state", ["active", "expired", "revoked"])
def test_list__by_state__shows_those(operator, member, state):
    create_key(member, by=member, name="shop", scopes=scopes())

    text = signed_in(operator).get(f"/admin/accounts/apikey/?state={state}").content.decode()

    assert ("shop" in text) is (state == "active")


def test_list__20_more_keys__takes_no_more_queries(operator, member, django_assert_max_num_queries):
    client, counts = signed_in(operator), []

    def shown() -> None:
        with django_assert_max_num_queries(20) as asked:
            client.get("/admin/accounts/apikey/")
        counts.append(len(asked))

    create_key(member, by=member, name="k", scopes=scopes(), budget=5)
    shown()
    for _n in range(20):
        create_key(member, by=member, name="k", scopes=scopes(), budget=5)
    shown()

    assert counts[0] == counts[1]


def test_add__page__offers_the_names_there_are(operator, monkeypatch):
    monkeypatch.setitem(known._known, "features", lambda: ["greeter"])
    monkeypatch.setitem(known._known, "models", list)

    text = signed_in(operator).get(ADD).content.decode()

    assert text.count("data-known=") == 1
    assert 'data-known="[&quot;greeter&quot;]"' in text


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"expires_at_0": "2020-01-01", "expires_at_1": "12:00:00"}, "This time has passed."),
        ({"admin": "on"}, "made by staff, and for oneself alone"),
    ],
)
def test_add__service_refuses__the_form_comes_back_with_what_was_typed(operator, member, given, words):
    answer = signed_in(operator).post(ADD, form(member, name="typed by hand", ips="203.0.113.0/24", **given))

    text = answer.content.decode()
    assert (answer.status_code, ApiKey.objects.exists()) == (200, False)
    assert words in text
    assert 'value="typed by hand"' in text
    assert "203.0.113.0/24</textarea>" in text
