"""A browser that meets a failure gets words and a way on; a program gets JSON, whatever the address."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from apps.core import assets
from apps.features.models import Feature

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
MISSING = "There is nothing at this address"
SHAPE = {"code", "reason", "message", "requestId", "retryable"}


@pytest.fixture(autouse=True)
def _front_end(monkeypatch):
    manifest = {entry: {"file": "x-1.js"} for entry in ("src/boot.ts", "src/admin.tsx", "src/storefront.tsx")}
    monkeypatch.setattr(assets, "_manifest", lambda: manifest)


def _fail(request: HttpRequest, kind: str) -> HttpResponse:
    failures = {"missing": Http404(), "denied": PermissionDenied(), "crash": RuntimeError("secret-detail")}
    raise {**failures, "database": OperationalError("secret-detail")}[kind]


urlpatterns = [path("plain/<slug:kind>", _fail), path("v1/<slug:kind>", _fail)]
handler400 = "apps.core.error_handling.bad_request"
handler403 = "apps.core.error_handling.permission_denied"
handler404 = "apps.core.error_handling.not_found"
handler500 = "apps.core.error_handling.server_error"


@pytest.mark.parametrize("address", ["/admin/nowhere/", "/admin/features/feature/99999/release/"])
def test_missing__staff_in_the_admin__keep_their_menu(client, operator, address):
    client.force_login(operator)

    answer = client.get(address, headers={**BROWSER, "X-Request-Id": "request-0001"})

    text = answer.content.decode()
    assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert MISSING in text
    assert 'href="/admin/tasks/task/"' in text
    assert "request-0001" in text


def test_missing__row_of_a_list__is_said_on_the_dashboard(client, operator):
    client.force_login(operator)

    answer = client.get("/admin/features/feature/99999/change/", headers=BROWSER, follow=True)

    assert answer.redirect_chain == [("/admin/", 302)]
    assert "doesn’t exist. Perhaps it was deleted?" in answer.content.decode()


def test_denied__staff_in_the_admin__are_told_who_they_are(client, viewer):
    client.force_login(viewer)

    answer = client.get("/admin/features/feature/add/", headers=BROWSER)

    text = answer.content.decode()
    assert (answer.status_code, Feature.objects.count()) == (403, 0)
    assert "You may not do this" in text
    assert "You are signed in as <b>vera</b>." in text


@pytest.mark.parametrize("given", [{"Accept": "application/json"}, {"Accept": "*/*"}, {}])
def test_missing__program_in_the_admin__gets_json(client, operator, given):
    client.force_login(operator)

    answer = client.get("/admin/nowhere/", headers=given)

    assert (answer.status_code, set(answer.json()), answer.json()["code"]) == (404, SHAPE, "CORE_2003")


@pytest.mark.parametrize("address", ["/api/v1/nowhere", "/v1/nowhere"])
def test_missing__browser_at_an_interface__gets_json(db, client, address):
    answer = client.get(address, headers=BROWSER)

    assert answer["Content-Type"] == "application/json"
    assert (answer.status_code, answer.json()["reason"]) == (404, "E_NOT_FOUND")


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ("missing", 404, MISSING),
        ("denied", 403, "You may not do this"),
        ("crash", 500, "Something went wrong on our side"),
        ("database", 503, "A part of the service is not reachable right now"),
    ],
)
def test_failure__browser_elsewhere__is_a_plain_page_that_needs_nothing_else(db, client, kind, status, words):
    client.raise_request_exception = False

    answer = client.get(f"/plain/{kind}", headers=BROWSER)

    text = answer.content.decode()
    assert answer.status_code == status
    assert words in text
    assert 'href="/"' in text
    assert "secret-detail" not in text
    assert not [other for other in ('src="', "@import", "url(") if other in text]


def test_missing__reader_of_chinese__is_told_in_the_page_s_language(db, client):
    text = client.get("/nowhere", headers={**BROWSER, "Accept-Language": "zh-CN"}).content.decode()

    assert '<html lang="zh-hans">' in text


def test_expired_form__browser__is_told_to_reload_and_nothing_is_changed(operator):
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)

    answer = client.post("/admin/features/menugroup/add/", {"key": "x", "title": "X"}, headers=BROWSER)

    text = answer.content.decode()
    assert (answer.status_code, Feature.menu.field.related_model.objects.count()) == (403, 0)
    assert "This page has expired" in text
    assert "You are signed in as" not in text
