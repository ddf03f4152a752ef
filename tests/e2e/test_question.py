"""A run that asks the person it belongs to, as that person meets it in the storefront."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from ops.instance import RunningPaiban
from tests.e2e.drafts import Draft, signed_in

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("patience")]
MESSAGE = "My mug arrived broken."


@pytest.fixture(scope="module")
def feature(paiban: RunningPaiban) -> Iterator[str]:
    """The gallery's reply with approval, released."""
    with signed_in(paiban) as client:
        made = client.post("/api/v1/admin/templates/reply-with-approval/import", json={}).raise_for_status().json()
        client.post("/api/v1/admin/features/publish", json={"key": made["feature"]}).raise_for_status()
        yield made["feature"]
        client.post("/api/v1/admin/features/withdraw", json={"key": made["feature"]}).raise_for_status()


@pytest.fixture(scope="module")
def member(paiban: RunningPaiban) -> Iterator[httpx.Client]:
    with signed_in(paiban, "member") as client:
        yield client


def start(member: httpx.Client, feature: str) -> str:
    """The id of a run."""
    given = {"message": MESSAGE, "facts": "We send a new one."}
    made = member.post("/api/v1/tasks", json={"feature": feature, "input": given}).raise_for_status()
    return str(made.json()["id"])


def open_task(paiban: RunningPaiban, browser: Browser, task: str, **look: Any) -> Page:
    page = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", **look}).new_page()
    page.goto(f"{paiban.url}/sign-in?next=/tasks/{task}")
    page.locator("input[autocomplete=username]").fill("member")
    page.locator("input[type=password]").fill(paiban.demo_password)
    page.locator("form [type=submit]").click()
    expect(page.locator("input[type=password]")).to_have_count(0)
    page.goto(f"{paiban.url}/tasks/{task}")
    return page


def test_question__member__sees_the_form_and_the_run_goes_on_with_the_answer(paiban, browser, feature, member, shot):
    page = open_task(paiban, browser, start(member, feature))
    asked = page.get_by_role("region", name="Shall this be sent?")
    expect(asked).to_be_visible()
    expect(asked.get_by_label("Reply")).not_to_have_value("")
    expect(asked).to_contain_text("Answer by")
    expect(asked).to_contain_text("Without an answer by then: Reject.")
    shot(page, "90-question", whole=True)

    asked.get_by_label("Reply").fill("")
    asked.get_by_role("button", name="Approve").click()
    expect(asked.get_by_label("Reply")).to_have_attribute("aria-invalid", "true")
    asked.get_by_label("Reply").fill("Dear customer, a new mug is on its way.")
    asked.get_by_role("button", name="Approve").click()

    expect(page.get_by_role("region", name="Result")).to_contain_text("a new mug is on its way")
    shot(page, "91-question-answered", whole=True)
    page.context.close()


def test_question__somebody_else_was_first__says_so_and_shows_how_it_went_on(paiban, browser, feature, member, shot):
    task = start(member, feature)
    page = open_task(paiban, browser, task)
    asked = page.get_by_role("region", name="Shall this be sent?")
    expect(asked).to_be_visible()

    def first(route: Route) -> None:
        other = {"answer": {"text": "Theirs"}, "option": "approve"}
        member.post(route.request.url.replace(paiban.url, ""), json=other).raise_for_status()
        route.continue_()

    page.route("**/answers/**", first)
    asked.get_by_role("button", name="Reject").click()

    told = page.get_by_role("alert").filter(has_text="Somebody else has answered this already.")
    expect(told).to_contain_text("The run has gone on without this answer.")
    expect(page.get_by_role("region", name="Result")).to_contain_text("Theirs")
    expect(told).to_be_visible()
    shot(page, "92-question-taken", whole=True)
    page.context.close()


def test_question__chinese_phone_dark__fits_and_speaks(paiban, browser, feature, member, shot):
    look = {"locale": "zh-CN", "color_scheme": "dark", "viewport": {"width": 390, "height": 844}}
    page = open_task(paiban, browser, start(member, feature), **look)
    asked = page.get_by_role("region", name="可以发送吗？")
    expect(asked.get_by_role("button", name="批准")).to_be_visible()
    shot(page, "93-question-phone-dark-zh", whole=True)

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.context.close()


@pytest.fixture(scope="module")
def asking_staff(paiban: RunningPaiban) -> Iterator[str]:
    """The same reply, but it is the staff that has to approve it."""
    with signed_in(paiban) as client:
        made = client.post("/api/v1/admin/templates/reply-with-approval/import", json={}).raise_for_status().json()
        draft = Draft(client, made["pipeline"])
        new = draft.read()["graph"]
        next(node for node in new["nodes"] if node["type"] == "human_input")["config"]["who"] = "staff"
        draft.write(new)
        client.post("/api/v1/admin/features/publish", json={"key": made["feature"]}).raise_for_status()
        yield made["feature"]
        client.post("/api/v1/admin/features/withdraw", json={"key": made["feature"]}).raise_for_status()


def open_run(paiban: RunningPaiban, browser: Browser, task: str, **look: Any) -> Page:
    """The run's page in the admin, once it asks something."""
    page = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", **look}).new_page()
    page.goto(f"{paiban.url}/admin/login/?next=/admin/tasks/task/{task}/change/")
    page.locator("#id_username").fill("operator")
    page.locator("#id_password").fill(paiban.demo_password)
    page.locator("form#login-form [type=submit]").click()
    for _ in range(40):
        page.wait_for_load_state("networkidle")
        if page.get_by_test_id("staff-questions").count():
            break
        page.reload()  # it is still on its way to the question
    return page


def test_question__to_the_staff__is_answered_on_the_runs_page(paiban, browser, asking_staff, member, shot):
    page = open_run(paiban, browser, start(member, asking_staff))
    asked = page.get_by_role("region", name="Shall this be sent?")
    expect(asked).to_contain_text("Answer by")
    shot(page, "94-question-staff", whole=True)

    asked.get_by_label("Reply").fill("")
    asked.get_by_role("button", name="Approve").click()
    expect(asked.get_by_label("Reply")).to_have_attribute("aria-invalid", "true")
    asked.get_by_label("Reply").fill("Dear customer, a new mug is on its way.")
    asked.get_by_role("button", name="Approve").click()

    expect(page.get_by_text("The answer is taken. The run goes on.")).to_be_visible()
    shot(page, "95-question-staff-answered", whole=True)
    page.context.close()


def test_question__to_the_staff_chinese_dark__speaks(paiban, browser, asking_staff, member, shot):
    page = open_run(paiban, browser, start(member, asking_staff), locale="zh-CN", color_scheme="dark")
    asked = page.get_by_role("region", name="可以发送吗？")
    expect(asked.get_by_role("button", name="批准")).to_be_visible()
    shot(page, "96-question-staff-dark-zh", whole=True)
    page.context.close()
