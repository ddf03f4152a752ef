"""Saved cases as an operator runs them: in the background, watched, called off, found again later."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from ops.instance import RunningPaiban
from tests.e2e.mock_models import mock_models
from tests.e2e.test_prompt_editor import LONG, sign_in

pytestmark = pytest.mark.e2e
KEY, CASES = "e2e-cases", 8
SLOW = "mock-chat+first=2"  # two seconds before the first word


@pytest.fixture(scope="module")
def client(paiban: RunningPaiban) -> Iterator[httpx.Client]:
    """A prompt with cases, and the management API."""
    with mock_models(paiban), httpx.Client(base_url=paiban.url, timeout=30) as found:
        given = {"username": "operator", "password": paiban.demo_password}
        access = found.post("/api/v1/auth/login", json=given).raise_for_status().json()["access"]
        found.headers["Authorization"] = f"Bearer {access}"
        variables = [{"name": "product", "type": "string"}]
        new = {"key": KEY, "name": "Cases", "body": "Sell {{ product }}.", "variables": variables}
        found.post("/api/v1/admin/prompts", json=new).raise_for_status()
        for number in range(CASES):
            checks = [{"type": "contains", "value": "mug" if number else "never said"}]
            case = {"name": f"Mug {number}", "values": {"product": "a mug"}, "checks": checks}
            found.post(f"/api/v1/admin/prompts/{KEY}/cases", json=case).raise_for_status()
        yield found


@pytest.fixture
def page(paiban: RunningPaiban, browser: Browser, client: httpx.Client) -> Iterator[Page]:
    found = sign_in(paiban, browser)
    open_cases(paiban, found)
    yield found
    found.context.close()


def open_cases(paiban: RunningPaiban, page: Page) -> None:
    page.goto(f"{paiban.url}/admin/prompts/promptcase/?q={KEY}")
    page.get_by_role("link", name=KEY, exact=True).first.click()


def run(page: Page, model: str = SLOW) -> None:
    page.get_by_label("Model").fill(model)
    page.get_by_role("button", name="Run the cases").click()


def test_run__closed_tab__goes_on_and_is_found_with_its_result(paiban, page, shot):
    run(page)
    bar = page.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuemax", str(CASES))
    expect(bar).not_to_have_attribute("aria-valuenow", "0", timeout=LONG)
    expect(page.locator("#run-news")).to_contain_text("cases answered")
    shot(page, "52-prompt-cases-running", whole=True)
    page.goto("about:blank")

    open_cases(paiban, page)

    newest = page.get_by_test_id("run").first
    expect(newest.locator("summary").first).to_contain_text("not passed", timeout=LONG)
    expect(newest).to_contain_text("expected: never said")
    expect(newest.locator("tbody tr")).to_have_count(CASES)
    expect(page.locator("#run-news")).to_contain_text("87 %")
    expect(page.get_by_role("progressbar")).to_have_count(0)
    assert page.problems == []
    shot(page, "53-prompt-cases-ended", whole=True)


def test_cancel__by_keyboard__keeps_what_was_answered(page, shot):
    run(page, "mock-slow")
    button = page.get_by_role("button", name="Cancel the run")
    expect(button).to_be_visible()
    button.focus()
    page.keyboard.press("Enter")

    newest = page.get_by_test_id("run").first
    expect(newest.locator("summary").first).to_contain_text("cancelled")
    expect(newest).to_contain_text("A run that did not finish counts for no release.")
    expect(page.get_by_role("progressbar")).to_have_count(0)


def test_follow__api__tells_only_what_changed(client):
    taken = client.post(f"/api/v1/admin/prompts/{KEY}/cases/run", json={"model": SLOW})
    address, tag = taken.headers["Location"], taken.headers["ETag"]
    told = {}
    while told.get("status") not in ("finished", "cancelled", "failed"):
        answer = client.get(address, headers={"If-None-Match": tag})
        if answer.status_code == 200:
            assert answer.json()["done"] >= told.get("done", 0)
            told, tag = answer.json(), answer.headers["ETag"]

    assert (taken.status_code, told["status"], told["done"], told["share"]) == (202, "finished", CASES, 87)


@pytest.mark.parametrize("width", [1280, 390])
def test_page__chinese_in_the_dark__fits(paiban, browser, client, shot, width):
    look = {"locale": "zh-CN", "color_scheme": "dark", "viewport": {"width": width, "height": 900}}
    page = sign_in(paiban, browser, **look)
    open_cases(paiban, page)
    client.post(f"/api/v1/admin/prompts/{KEY}/cases/run", json={"model": SLOW})
    page.reload()

    expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "4", timeout=LONG)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shot(page, f"54-prompt-cases-chinese-dark-{width}", whole=True)
    page.context.close()
