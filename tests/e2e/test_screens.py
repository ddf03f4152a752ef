"""What only a browser can tell of a page: what stands beside what, and whether it fits."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from ops.instance import RunningPaiban
from tests.e2e.test_release_story import sign_in

pytestmark = pytest.mark.e2e

# How far the numbers of an editor stand from their lines; never measured lines are off by the same few pixels.
OFFSETS = """area => {
    const editor = area.previousElementSibling.shadowRoot.querySelector(".cm-editor");
    const tops = (name) => [...editor.querySelectorAll(name)].filter((one) => one.style.visibility !== "hidden")
        .map((one) => one.getBoundingClientRect().top);
    const numbers = tops(".cm-lineNumbers .cm-gutterElement"), lines = tops(".cm-line");
    return lines.slice(0, 10).map((top, index) => Math.round(top - numbers[index]));
}"""


@pytest.fixture(scope="module")
def phone(paiban: RunningPaiban, browser: Browser) -> Iterator[Page]:
    page = sign_in(paiban, browser, "editor", viewport={"width": 390, "height": 844}, color_scheme="dark")
    yield page
    page.context.close()


def open_feature(paiban: RunningPaiban, page: Page, key: str) -> None:
    page.goto(f"{paiban.url}/admin/features/feature/?q={key}")
    page.locator("#result_list a, table a").filter(has_text="photo").first.click()


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_form_tab__second_editor__numbers_stand_beside_their_lines(paiban, browser):
    page = sign_in(paiban, browser, "editor", viewport={"width": 1280, "height": 900})
    open_feature(paiban, page, "product-photo")
    page.locator("a:has-text('Form'):visible").last.click()
    expect(page.locator(".cm-editor:visible")).to_have_count(2)

    offsets = page.locator("#id_ui_schema").evaluate(OFFSETS)

    assert (len(offsets), len(set(offsets)), abs(offsets[0]) < 6) == (10, 1, True)
    page.context.close()


def test_preview__field_that_the_order_forgets__is_drawn(paiban, phone):
    open_feature(paiban, phone, "product-photo")
    phone.locator("a:has-text('Form'):visible").last.click()
    expect(phone.get_by_label("Size (pixels, square)")).to_be_visible()

    area = phone.locator("#id_form_schema")
    area.evaluate("""area => {
        const schema = JSON.parse(area.value);
        schema.properties.later = {type: "string", title: "Thought of later"};
        area.value = JSON.stringify(schema);
        area.dispatchEvent(new Event("input"));
    }""")

    expect(phone.get_by_label("Thought of later")).to_be_visible()
    expect(phone.get_by_label("Size (pixels, square)")).to_be_visible()


def test_history__on_a_phone__fits(paiban, phone, shot):
    open_feature(paiban, phone, "product-photo")
    phone.goto(phone.url.replace("/change/", "/history/"))

    expect(phone.get_by_test_id("history").locator("time").first).not_to_contain_text("UTC")
    shot(phone, "36-history-phone", whole=True)
    assert fits(phone)


def test_missing__in_the_admin__leads_back(paiban, phone, shot):
    phone.goto(f"{paiban.url}/admin/nowhere/")
    shot(phone, "37-missing-phone")
    assert fits(phone)

    phone.get_by_role("link", name="To the dashboard").click()
    expect(phone.get_by_role("heading", name="Features")).to_be_visible()


def test_licences__of_what_the_front_end_ships__come_with_it(paiban, phone):
    told = phone.request.get(f"{paiban.url}/static/build/licences.md").text()

    assert "@xyflow/react" in told
    assert "Permission is hereby granted" in told
