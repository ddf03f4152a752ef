"""Releasing with care, as operators live it: to some first, with a second person, at a time; and who serves what."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from ops.instance import RunningPaiban

pytestmark = pytest.mark.e2e


def sign_in(paiban: RunningPaiban, browser: Browser, name: str, **look: object) -> Page:
    given = {"viewport": {"width": 1360, "height": 950}, "locale": "en-GB", "timezone_id": "Asia/Shanghai", **look}
    page = browser.new_context(**given).new_page()  # type: ignore[arg-type]
    page.goto(f"{paiban.url}/admin/")
    page.locator("#id_username").fill(name)
    page.locator("#id_password").fill(paiban.demo_password)
    page.locator("[type=submit]").first.click()
    expect(page.get_by_role("heading", name="Features")).to_be_visible()
    return page


@pytest.fixture(scope="module")
def operator(paiban: RunningPaiban, browser: Browser) -> Iterator[Page]:
    page = sign_in(paiban, browser, "operator")
    yield page
    page.context.close()


@pytest.fixture(scope="module")
def editor(paiban: RunningPaiban, browser: Browser) -> Iterator[Page]:
    page = sign_in(paiban, browser, "editor")
    yield page
    page.context.close()


def change_title(paiban: RunningPaiban, page: Page, title: str) -> None:
    """Save another title of the copywriter, and go to its release page."""
    page.goto(f"{paiban.url}/admin/features/feature/?q=copywriter")
    page.locator("#result_list a, table a").filter(has_text="opywriter").first.click()
    page.get_by_label("Title", exact=False).first.fill(title)
    page.get_by_role("button", name="Save and continue editing").click()
    page.get_by_role("link", name="Release", exact=True).click()


def test_gradual_release__half_of_the_people_then_everybody(paiban, operator, shot):
    change_title(paiban, operator, "Copywriter, in trial")
    order = operator.get_by_test_id("order")
    order.get_by_label("Some people first").check()
    order.get_by_label("Share of signed-in people").fill("50")
    expect(order.locator("output")).to_have_text("50 %")
    order.get_by_label("Note for the history").fill("half first")
    shot(operator, "30-release-to-some", whole=True)
    order.get_by_role("button", name="Release to some").click()

    expect(operator.get_by_test_id("badge")).to_contain_text("at 50 %")
    expect(operator.get_by_test_id("rollout")).to_contain_text("50 % of signed-in people")
    shot(operator, "31-rollout-running", whole=True)
    operator.get_by_role("button", name="Finish: for everybody").click()
    expect(operator.get_by_text("is live for everybody.", exact=False)).to_be_visible()
    expect(operator.get_by_test_id("badge")).to_contain_text("The draft is what is live")


def test_second_person__editor_proposes_operator_approves(paiban, operator, editor, shot):
    change_title(paiban, editor, "Copywriter, proposed")
    order = editor.get_by_test_id("order")
    order.get_by_label("Note for the history").fill("please look")
    order.get_by_role("button", name="Propose it").click()
    expect(editor.get_by_text("Proposed. Somebody else", exact=False)).to_be_visible()
    expect(editor.get_by_role("button", name="Approve")).to_have_count(0)

    operator.goto(editor.url)
    expect(operator.get_by_test_id("plans")).to_contain_text("please look")
    shot(operator, "32-proposal", whole=True)
    operator.get_by_role("button", name="Approve").click()
    expect(operator.get_by_text("Approved and carried out.", exact=False)).to_be_visible()


def test_schedule__tomorrow_at_nine__is_planned_in_the_readers_zone_and_can_be_cancelled(paiban, operator, shot):
    change_title(paiban, operator, "Copywriter, tomorrow")
    order = operator.get_by_test_id("order")
    order.get_by_label("At a time").check()
    expect(order.locator("[data-zone]")).to_have_text("Asia/Shanghai")
    tomorrow = (datetime.now() + timedelta(days=2)).strftime("%Y-%m-%dT09:00")  # noqa: DTZ005 - the browser's own zone
    order.get_by_label("Date and time of the release").fill(tomorrow)
    order.get_by_role("button", name="Plan it").click()

    plan = operator.get_by_test_id("plans")
    expect(plan.locator("time").first).to_contain_text("09:00")
    assert plan.locator("time").first.get_attribute("datetime").endswith("T01:00:00+00:00")  # type: ignore[union-attr]
    shot(operator, "33-planned", whole=True)
    operator.get_by_role("button", name="Cancel the plan").click()
    expect(operator.get_by_text("Cancelled. Nothing was released.")).to_be_visible()


@pytest.mark.parametrize(("name", "look"), [("34-status", {}), ("35-status-phone", {"width": 390})])
def test_status__every_process__is_listed_and_current(paiban, browser, shot, name, look):
    page = sign_in(paiban, browser, "viewer", viewport={"width": 1360, "height": 950, **look}, color_scheme="dark")
    page.goto(f"{paiban.url}/admin/status/")

    expect(page.get_by_text("Every process is current.")).to_be_visible(timeout=15_000)
    expect(page.get_by_test_id("processes").locator("tbody th b").filter(has_text="web").first).to_be_visible()
    first = page.locator("#fleet-at").inner_text()
    expect(page.locator("#fleet-at")).not_to_have_text(first, timeout=10_000)
    shot(page, name, whole=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    page.context.close()
