"""Usage as people see it: their own, everybody's, as a page and as a sheet."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.keys.scopes import scopes
from apps.accounts.keys.services import create_key
from apps.core import assets
from apps.core.sheets import sheet
from apps.providers.usage.ledger import write
from apps.providers.usage.page import short
from apps.providers.usage.records import numbered
from apps.providers.usage.report import percentile
from tests.conftest import Api
from tests.providers.builders import make_record

OWN, ALL, SHEET = "/api/v1/usage", "/api/v1/admin/usage", "/api/v1/admin/usage.csv"


@pytest.fixture(autouse=True)
def _front_end(monkeypatch):
    manifest = {entry: {"file": "x-1.js"} for entry in ("src/boot.ts", "src/admin.tsx", "src/storefront.tsx")}
    monkeypatch.setattr(assets, "_manifest", lambda: manifest)


def wrote(*records: Any) -> None:
    write([numbered(one) for one in records])


def test_own__calls_of_others__are_not_among_them(member, stranger):
    wrote(make_record(user_id=member.pk, cost=7), make_record(user_id=stranger.pk, cost=90))

    body = Api(member).get(f"{OWN}?group=model").json()

    assert (body["total"]["calls"], body["total"]["cost"]) == (1, 7)
    assert [(line["name"], line["cost"]) for line in body["items"]] == [("gpt-test", 7)]


def test_own__nothing_asked__is_empty(member):
    body = Api(member).get(OWN).json()

    assert (body["items"], body["total"]["calls"], body["total"]["p50_ms"]) == ([], 0, None)
    assert body["until"] == timezone.now().date().isoformat()
    assert body["since"] == (timezone.now() - timedelta(days=29)).date().isoformat()


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("group=user", "/group"),
        ("group=nobody", "/group"),
        ("from=yesterday", "/from"),
        ("from=2026-11-22&to=2026-11-21", "/from"),
        ("from=2020-01-01&to=2026-11-21", "/from"),
    ],
)
def test_own__bad_query__names_the_parameter(member, query, pointer):
    answer = Api(member).get(f"{OWN}?{query}")

    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["details"]["errors"]] == [pointer]


def test_all__without_the_right__is_refused(member):
    assert [Api(member).get(address).status_code for address in (ALL, SHEET)] == [403, 403]
    assert [Api().get(address).status_code for address in (OWN, ALL, SHEET)] == [401, 401, 401]


@pytest.mark.parametrize(
    ("group", "names"),
    [("user", ["mia", "sam"]), ("feature", ["greeter", ""]), ("model", ["gpt-test", "tiny"]), ("operation", ["chat"])],
)
def test_all__by_group__the_costliest_first(viewer, member, stranger, group, names):
    wrote(
        make_record(user_id=member.pk, feature="greeter", cost=50),
        make_record(user_id=stranger.pk, model="tiny", cost=5),
    )

    body = Api(viewer).get(f"{ALL}?group={group}").json()

    assert [line["name"] for line in body["items"]] == names
    assert body["total"]["cost"] == 55


def test_all__by_key__has_its_name_and_number(viewer, member):
    key = create_key(member, by=member, name="shop", scopes=scopes()).row
    wrote(make_record(key_id=key.pk, cost=50), make_record(key_id=None, cost=1))

    items = Api(viewer).get(f"{ALL}?group=key").json()["items"]

    assert [(line["id"], line["name"]) for line in items] == [(key.pk, str(key)), (None, "")]


def test_all__by_day__in_order_and_within_the_span(viewer):
    days = [datetime(2026, 11, day, 23, 59, tzinfo=UTC).timestamp() for day in (3, 1, 2, 9)]
    wrote(*(make_record(at=at, cost=n) for n, at in enumerate(days)))

    body = Api(viewer).get(f"{ALL}?from=2026-11-01&to=2026-11-03").json()

    assert [line["name"] for line in body["items"]] == ["2026-11-01", "2026-11-02", "2026-11-03"]
    assert body["total"]["calls"] == 3


def test_sheet__names_that_look_like_formulas__are_texts(viewer):
    wrote(make_record(model="=HYPERLINK(1)"), make_record(model="模型", cost=200))

    answer = Api(viewer).get(f"{SHEET}?group=model")

    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "usage-model-" in answer.headers["content-disposition"]
    assert [row[0] for row in rows] == ["name", "模型", "'=HYPERLINK(1)"]


@pytest.mark.parametrize(
    ("value", "cell"),
    [("=1", "'=1"), ("+1", "'+1"), ("-1", "'-1"), ("@x", "'@x"), ("\t=1", "'\t=1"), (" =1", "' =1"), ("＝1", "'＝1")],
)
def test_sheet__texts_that_a_spreadsheet_runs__get_an_apostrophe(value, cell):
    rows = list(csv.reader(io.StringIO(sheet(["a", "b"], [[value, -5]]).removeprefix("\ufeff"))))

    assert rows == [["a", "b"], [cell, "-5"]]


@pytest.mark.parametrize(
    ("buckets", "share", "answer"),
    [
        ([], 0.5, None),
        ([0] * 9, 0.5, None),
        ([10, 0, 0, 0, 0, 0, 0, 0, 0], 0.5, 50),
        ([50, 50, 0, 0, 0, 0, 0, 0, 0], 0.5, 100),
        ([50, 50, 0, 0, 0, 0, 0, 0, 0], 0.95, 235),
        ([0, 0, 0, 0, 0, 0, 0, 0, 1], 0.95, 58500),
    ],
)
def test_percentile__from_classes__lies_within_its_class(buckets, share, answer):
    assert percentile(buckets, share) == answer


# --- the page ---------------------------------------------------------------------------------


def page(user: Any, query: str = "") -> Any:
    client = Client()
    client.force_login(user)
    return client.get(f"/admin/usage/{query}")


def test_page__nothing_asked__says_so(viewer):
    answer = page(viewer)

    assert 'data-testid="usage-empty"' in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]


def test_page__some_calls__shows_cost_models_and_what_failed(viewer, member):
    wrote(
        make_record(user_id=member.pk, cost=2_500_000),
        make_record(user_id=member.pk, model="<b>", cost=None, status="PROVIDERS_5001"),
    )

    text = page(viewer, "?days=7").content.decode()

    assert "<b>2.50</b>" in text
    assert "50.0 %" in text
    assert "1 call without a price" in text
    assert "&lt;b&gt;" in text
    assert 'data-type="bar"' in text


@pytest.mark.parametrize("query", ["?days=1", "?days=x", "?days=", "?days=99999999999999"])
def test_page__another_span__is_the_usual_one(viewer, query):
    assert page(viewer, query).status_code == 200


def test_page__more_days_and_models__takes_no_more_queries(viewer, member, django_assert_max_num_queries):
    client = Client()
    client.force_login(viewer)
    key = create_key(member, by=member, name="shop", scopes=scopes()).row

    def shown() -> None:
        # session, user, its rights, the total, six groups, names of keys and users
        with django_assert_max_num_queries(20) as asked:
            client.get("/admin/usage/")
        counts.append(len(asked))

    counts: list[int] = []
    wrote(make_record(user_id=member.pk, key_id=key.pk))
    shown()
    now = timezone.now().timestamp()
    wrote(*(make_record(user_id=n, key_id=n, model=f"m{n}", at=now - n * 86400) for n in range(20)))
    shown()

    assert counts[0] == counts[1]


def test_keys__with_budgets__show_what_they_spent(operator, member):
    key = create_key(member, by=member, name="shop", scopes=scopes(), budget=10, budget_period="month").row
    create_key(member, by=member, name="free", scopes=scopes())
    wrote(make_record(key_id=key.pk, cost=2_500_000))
    client = Client()
    client.force_login(operator)

    text = client.get("/admin/accounts/apikey/").content.decode()

    assert "2.5 of 10 credits a month" in text
    assert "width:25%" in text
    assert "no limit" in text


def test_page__days_of_ones_own__shows_those_alone(viewer):
    wrote(make_record(model="new"), make_record(model="old", at=datetime(2025, 3, 2, 12, tzinfo=UTC).timestamp()))

    text = page(viewer, "?from=2025-03-01&to=2025-03-03").content.decode()

    assert (">old<" in text, ">new<" in text) == (True, False)
    assert "group=feature&amp;from=2025-03-01&amp;to=2025-03-03" in text


@pytest.mark.parametrize("query", ["?from=2025-03-03&to=2025-03-01", "?from=2024-01-01&to=2025-03-01", "?from=x&to=y"])
def test_page__days_that_make_no_sense__says_so_and_shows_the_usual_ones(viewer, query):
    wrote(make_record(model="new"))

    text = page(viewer, query).content.decode()

    assert "Name a first day and a last one, 400 days at most." in text
    assert ">new<" in text


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0"), (9_999, "9,999"), (12_345, "12.3 k"), (15_565_429, "15.6 M"), (2 * 10**9, "2.0 G")]
)
def test_short__a_count__fits_a_tile(count, shown):
    assert short(count) == shown
