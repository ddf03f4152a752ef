"""A price list is compared first, then written in one release; what is in it is never more than data."""

import json
from decimal import Decimal
from io import StringIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.urls import reverse

from apps.core.publishing.models import Snapshot
from apps.providers.errors import JumpsUnconfirmed, PriceListRefused, PricesMoved
from apps.providers.models import MICRO, Offer
from apps.providers.offer_form import CreditsField, shown_credits
from apps.providers.price_lists import MOST_ROWS, read_list
from apps.providers.services import apply_prices, plan_prices, release_catalogue
from tests.features.builders import make_model

CSV = b"model,input,output,cached,image,call\nmock-1,2.5,10,1.25,,0.000001\nnobody-has-it,1,1,,,\n"
LITELLM = {
    "sample_spec": {"input_cost_per_token": 0.0},
    "mock-1": {
        "input_cost_per_token": 2.5e-06,
        "output_cost_per_token": 1e-05,
        "cache_read_input_token_cost": 1.25e-06,
        "max_input_tokens": 128000,
        "litellm_provider": "openai",
        "mode": "chat",
    },
}


@pytest.fixture
def offer(db):
    make_model()
    return Offer.objects.get()


def prices_of(offer: Offer) -> tuple:
    offer.refresh_from_db()
    return tuple(getattr(offer, f"price_{name}") for name in ("input", "output", "cached", "image", "call"))


def test_read__our_csv__is_in_credits():
    (entry, _other) = read_list(CSV).entries

    assert entry.prices == {"input": 2_500_000, "output": 10_000_000, "cached": 1_250_000, "call": 1}


def test_read__our_json__is_the_same():
    raw = json.dumps({"schema": 1, "models": [{"model": "m", "endpoint": "e", "input": "0.5", "context_window": 9}]})

    (entry,) = read_list(raw.encode()).entries

    assert (entry.endpoint, entry.prices, entry.sizes) == ("e", {"input": 500_000}, {"context_window": 9})


def test_read__litellm__is_in_dollars_for_a_token():
    (entry,) = read_list(json.dumps(LITELLM).encode(), rate=Decimal(720)).entries

    # 2.5 dollars for a million tokens at 720 credits a dollar are 1800 credits
    assert entry.prices == {"input": 1800 * MICRO, "output": 7200 * MICRO, "cached": 900 * MICRO}
    assert entry.sizes == {"context_window": 128_000}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe",
        b"name,price\nx,1\n",
        b"model,input,input\nx,1,1\n",
        b"{",
        b"[1]",
        b'{"schema": 2, "models": []}',
        json.dumps(LITELLM).encode(),
        b"[" * 100_000,
        b"model,input\n" + b"m,1\n" * (MOST_ROWS + 1),
        b"x" * (8 * 1024 * 1024 + 1),
    ],
    ids=["empty", "bytes", "columns", "twice", "json", "list", "schema", "no rate", "deep", "rows", "large"],
)
def test_read__no_price_list__is_refused_with_the_reason(raw):
    with pytest.raises(PriceListRefused):
        read_list(raw)


@pytest.mark.parametrize("cell", ["=1+1", "-1", "1e400", "NaN", "Infinity", "0.0000001", "1,5", "@SUM(A1)", "9" * 30])
def test_read__cell_that_is_no_price__is_a_problem_of_its_line(cell):
    found = read_list(f'model,input\nok,1\nbad,"{cell}"\n'.encode())

    assert [entry.model for entry in found.entries] == ["ok"]
    assert [(p["path"], p["code"]) for p in found.problems] == [("line 3", "E_PRICE_LINE")]


def test_plan__list__names_changes_unknown_models_and_jumps(offer):
    Offer.objects.update(price_input=100_000, price_output=10_000_000)

    plan = plan_prices(read_list(CSV))

    told = [(change.field, change.old, change.new, change.jump) for change in plan.changes]
    assert told == [
        ("price_input", 100_000, 2_500_000, True),
        ("price_cached", None, 1_250_000, False),
        ("price_call", None, 1, False),
    ]
    assert (plan.unknown, plan.unpriced, [c.field for c in plan.jumps]) == (["nobody-has-it"], [], ["price_input"])


def test_plan__several_names_fit__the_endpoint_s_own_wins(offer):
    raw = b"model,endpoint,input\nmock-1,,1\nmock-1,mock,2\nmock/mock-1,,3\n"

    plan = plan_prices(read_list(raw))

    assert [change.new for change in plan.changes] == [3 * MICRO]


def test_apply__changes__are_one_release(offer, operator):
    before = Snapshot.objects.filter(scope="providers").count()

    count = apply_prices(plan_prices(read_list(CSV)).changes, by=operator)

    assert (count, prices_of(offer)) == (4, (2_500_000, 10_000_000, 1_250_000, None, 1))
    assert Snapshot.objects.filter(scope="providers").count() == before + 1
    assert plan_prices(read_list(CSV)).changes == []


def test_apply__jump_unconfirmed__writes_nothing(offer, operator):
    Offer.objects.update(price_input=1)
    changes = plan_prices(read_list(CSV)).changes

    with pytest.raises(JumpsUnconfirmed):
        apply_prices(changes, by=operator)

    assert prices_of(offer) == (1, None, None, None, None)
    assert apply_prices(changes, by=operator, confirm=True) == 4


def test_apply__changed_since_it_was_looked_at__writes_nothing(offer, operator):
    changes = plan_prices(read_list(CSV)).changes
    Offer.objects.update(price_call=7)
    release_catalogue(by=None)

    with pytest.raises(PricesMoved):
        apply_prices(changes, by=operator)

    assert prices_of(offer) == (None, None, None, None, 7)


def run(path, *arguments):
    out, code = StringIO(), 0
    try:
        call_command("import_prices", str(path), "--json", *arguments, stdout=out)
    except SystemExit as exc:
        code = int(exc.code or 0)
    return code, json.loads(out.getvalue())


def test_command__dry_run_then_real__shows_then_writes(offer, tmp_path):
    path = tmp_path / "prices.csv"
    path.write_bytes(CSV)

    code, told = run(path, "--dry-run")
    assert (code, told["changed"], len(told["changes"]), prices_of(offer)[0]) == (0, 0, 4, None)

    code, told = run(path)
    assert (code, told["changed"], prices_of(offer)[0]) == (0, 4, 2_500_000)


def test_command__faulty_line__writes_nothing(offer, tmp_path):
    path = tmp_path / "prices.csv"
    path.write_bytes(CSV + b"mock-2,=1+1,,,,\n")

    code, told = run(path)

    assert (code, told["changed"], [p["path"] for p in told["problems"]]) == (1, 0, ["line 4"])
    assert prices_of(offer)[0] is None


def test_page__list__is_shown_first_and_written_as_shown(client, operator, offer):
    client.force_login(operator)
    address = reverse("admin:providers_endpoint_prices")

    shown = client.post(address, {"file": SimpleUploadedFile("p.csv", CSV), "rate": ""})
    assert "2.5" in shown.content.decode()
    assert prices_of(offer)[0] is None

    client.post(address, {"seen": shown.context["seen"]})

    assert prices_of(offer) == (2_500_000, 10_000_000, 1_250_000, None, 1)


def test_page__somebody_else_s_or_a_changed_comparison__writes_nothing(client, operator, editor, offer):
    client.force_login(operator)
    address = reverse("admin:providers_endpoint_prices")
    seen = client.post(address, {"file": SimpleUploadedFile("p.csv", CSV)}).context["seen"]
    client.force_login(editor)

    client.post(address, {"seen": seen})
    client.post(address, {"seen": "x" + seen})

    assert prices_of(offer)[0] is None


def test_page__viewer__is_refused(client, viewer, offer):
    client.force_login(viewer)

    assert client.get(reverse("admin:providers_endpoint_prices")).status_code == 403


@pytest.mark.parametrize(
    ("typed", "micro"), [("2.5", 2_500_000), ("0.000001", 1), ("0", 0), ("", None), ("10", 10 * MICRO)]
)
def test_credits__typed__are_kept_whole_and_shown_as_typed(typed, micro):
    field = CreditsField(label="price")

    assert (field.clean(typed), shown_credits(micro)) == (micro, typed)
