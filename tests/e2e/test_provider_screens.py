"""Models, keys and usage as an operator meets them: what a browser alone can see of their pages."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from ops.instance import RunningPaiban
from tests.e2e.test_release_story import sign_in
from tests.e2e.test_screens import fits

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def operator(paiban: RunningPaiban, browser: Browser) -> Iterator[Page]:
    page = sign_in(paiban, browser, "operator")
    yield page
    page.context.close()


def test_endpoints__laptop__how_each_stands_is_in_sight(paiban, operator, shot):
    operator.goto(f"{paiban.url}/admin/providers/endpoint/")
    row = operator.locator("#result_list tbody tr").filter(has_text="Mock")

    expect(row.get_by_text("is asked")).to_be_in_viewport(ratio=1)
    shot(operator, "50-endpoints", whole=True)


def test_endpoint__model__opens_and_goes_by_keyboard(paiban, operator, shot):
    operator.goto(f"{paiban.url}/admin/providers/endpoint/?q=mock")
    operator.locator("#result_list a").filter(has_text="Mock").click()
    expect(operator.get_by_test_id("standing")).to_contain_text("is asked")
    model = operator.get_by_role("button", name="paiban-mock", exact=True)
    expect(model).to_have_attribute("aria-expanded", "false")

    model.press("Enter")

    expect(model).to_have_attribute("aria-expanded", "true")
    expect(operator.get_by_role("checkbox", name="tool calls")).to_be_visible()
    bin_of_model = operator.get_by_role("checkbox", name="Remove paiban-mock")
    bin_of_model.press("Enter")
    expect(bin_of_model).to_have_attribute("aria-checked", "true")
    shot(operator, "51-endpoint", whole=True)


def test_key__made__is_shown_once_and_copied(paiban, operator, shot):
    operator.goto(f"{paiban.url}/admin/accounts/apikey/add/")
    operator.get_by_label("Name", exact=False).first.fill("Shop front end")
    operator.get_by_role("group", name="Features").get_by_role("button", name="copywriter").click()
    expect(operator.locator("#id_features")).to_have_value("copywriter")
    operator.get_by_role("button", name="Save").click()

    made = operator.get_by_test_id("made-key")
    expect(made).to_have_text(re.compile(r"^pk-[\w-]{43}$"))
    key = made.inner_text()
    shot(operator, "52-key-made")
    operator.get_by_role("link", name="To the list").click()
    expect(operator.locator("#result_list")).to_contain_text("Shop front end")
    assert key not in operator.content()


def test_usage__after_a_call__has_a_bar_and_fits_a_phone(paiban, operator, shot):
    answer = operator.request.post(
        f"{paiban.url}/api/v1/auth/login", data={"username": "operator", "password": paiban.demo_password}
    )
    bearer = {"Authorization": f"Bearer {answer.json()['access']}"}
    asked = {"model": "paiban-mock", "messages": [{"role": "user", "content": "Hello"}]}
    assert operator.request.post(f"{paiban.url}/api/v1/ai/chat", headers=bearer, data=asked).status == 200
    operator.set_viewport_size({"width": 390, "height": 844})

    def shown() -> bool:
        operator.goto(f"{paiban.url}/admin/usage/?days=7")
        return operator.get_by_test_id("by-model").get_by_text("paiban-mock").count() == 1

    assert any(shown() or operator.wait_for_timeout(500) for _try in range(20))
    expect(operator.locator("canvas.chart")).to_be_visible()
    shot(operator, "53-usage-phone", whole=True)
    assert fits(operator)
