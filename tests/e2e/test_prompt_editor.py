"""The prompt editor as an operator uses it: writing, looking, trying, comparing, bringing back."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, expect

from ops.instance import RunningPaiban
from tests.e2e.mock_models import mock_models

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("patience")]
CHAT = "/api/v1/ai/chat"
LONG = 40_000  # ms, for what the editor's code has to be loaded first


@pytest.fixture(scope="module")
def models(paiban: RunningPaiban) -> Iterator[None]:
    with mock_models(paiban):
        yield


def sign_in(paiban: RunningPaiban, browser: Browser, name: str = "operator", **look: object) -> Page:
    given = {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", **look}
    page = browser.new_context(**given).new_page()  # type: ignore[arg-type]
    page.problems = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.problems.append(str(error)))  # type: ignore[attr-defined]
    page.goto(f"{paiban.url}/admin/")
    page.locator("#id_username").fill(name)
    page.locator("#id_password").fill(paiban.demo_password)
    page.locator("[type=submit]").first.click()
    expect(page.locator("#id_password")).to_have_count(0)
    return page


def new_prompt(
    paiban: RunningPaiban, page: Page, key: str, *, system: str = "", body: str, variables: str = "[]"
) -> str:
    """Saves a prompt through the page's plain fields and answers the address of its page."""
    page.goto(f"{paiban.url}/admin/prompts/prompt/add/")
    expect(page.get_by_test_id("editor-body")).to_be_visible(timeout=LONG)
    page.locator("#id_key").fill(key)
    page.locator("#id_name").fill(key.title())
    write = "([name, text]) => { document.querySelector(`textarea[name=${name}]`).value = text }"
    for name, text in (("system", system), ("body", body), ("variables", variables)):
        page.evaluate(write, [name, text])
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page).to_have_url(re.compile(r"/change/"))
    expect(page.get_by_test_id("editor-body")).to_be_visible(timeout=LONG)
    return page.url


def typing(page: Page, name: str) -> Locator:
    """The cursor at the end of one of the two texts."""
    editor = page.get_by_test_id(f"editor-{name}").locator("[role=textbox]")
    editor.focus()
    page.keyboard.press("Control+End")
    return editor


def field(page: Page, name: str) -> str:
    return page.locator(f"textarea[name={name}]").input_value()


def accept(page: Page, name: str) -> None:
    """Take the suggestion `name`, which has to be on the list."""
    row = page.locator(".suggest-widget .monaco-list-row").filter(has_text=name).first
    expect(row).to_be_visible()
    row.click()


@pytest.fixture(scope="module")
def operator(paiban: RunningPaiban, browser: Browser, models: None) -> Iterator[Page]:
    page = sign_in(paiban, browser)
    yield page
    page.context.close()


@pytest.fixture(scope="module")
def lamp(paiban: RunningPaiban, operator: Page) -> str:
    """The address of a prompt with one declared variable; another one is there to be included."""
    tone = '[{"name": "voice", "type": "string", "description": "Whose voice"}]'
    new_prompt(paiban, operator, "e2e-tone", body="Write as {{ voice }} would.", variables=tone)
    product = '[{"name": "product", "type": "string", "description": "What it is"}]'
    return new_prompt(paiban, operator, "e2e-lamp", system="Be brief.", body="Sell {{ product }}.", variables=product)


def test_write__suggestions__complete_variables_filters_tags_and_prompts(operator, lamp, shot):
    operator.goto(lamp)
    expect(operator.get_by_test_id("editor-body")).to_be_visible(timeout=LONG)

    typing(operator, "body")
    operator.keyboard.type("\nAgain: {{", delay=30)
    accept(operator, "product")
    operator.keyboard.type(" | upc", delay=30)
    shot(operator, "40-prompt-completion")
    accept(operator, "upcase")
    typing(operator, "system")
    operator.keyboard.type(" {% render 'e2e-t", delay=30)
    accept(operator, "e2e-tone")
    operator.keyboard.type("' %}", delay=30)

    assert field(operator, "body") == "Sell {{ product }}.\nAgain: {{ product | upcase }}"
    assert field(operator, "system") == "Be brief. {% render 'e2e-tone' %}"
    assert operator.problems == []


def test_preview__test_values__fill_the_texts_and_mark_what_was_included(operator, shot):
    preview = operator.get_by_test_id("preview")
    expect(preview.get_by_test_id("gaps")).to_contain_text("Missing: product")
    preview.get_by_text("Missing: product").click()
    expect(operator.locator("[data-value-of=product]")).to_be_focused()

    operator.keyboard.type("a lamp 🌙 {{ product }}")
    operator.locator("[data-value-of=voice]").fill("a friend")

    expect(preview.get_by_test_id("rendered-body")).to_have_text(
        "Sell a lamp 🌙 {{ product }}.\nAgain: A LAMP 🌙 {{ PRODUCT }}", use_inner_text=True
    )
    expect(preview.locator("mark[data-from=e2e-tone]")).to_have_text("Write as a friend would.")
    expect(preview.get_by_text("tokens")).to_be_visible()
    expect(preview.get_by_test_id("gaps")).to_have_count(0)
    shot(operator, "41-prompt-preview", whole=True)


def test_problems__unknown_variable_and_filter__are_marked_listed_and_led_to(operator, shot):
    typing(operator, "body")
    operator.keyboard.type(" for {{ audience }}", delay=30)
    operator.keyboard.press("Escape")

    problems = operator.get_by_test_id("problems")
    expect(problems).to_contain_text("“audience” is not among the variables.")
    expect(operator.locator("[data-testid=editor-body] .squiggly-error")).to_be_visible()
    shot(operator, "42-prompt-problem", whole=True)
    operator.locator("[data-testid=editor-system] [role=textbox]").focus()
    problems.get_by_role("button").first.click()
    expect(operator.locator("[data-testid=editor-body] [role=textbox]")).to_be_focused()
    operator.keyboard.type("audience")  # over the selection
    assert field(operator, "body").endswith("for {{ audience }}")

    operator.get_by_role("button", name="Declare audience").click()
    operator.locator("[data-value-of=audience]").fill("students")
    expect(problems).to_have_count(0)
    assert '"name": "audience"' in field(operator, "variables")


def test_problems__filter_that_is_none__is_named_with_its_place(operator):
    typing(operator, "body")
    operator.keyboard.type(" {{ product | shout }}", delay=30)

    problems = operator.get_by_test_id("problems")
    expect(problems).to_contain_text("shout")
    expect(problems).to_contain_text("User text, line 2")
    for _ in range(len(" {{ product | shout }}")):
        operator.keyboard.press("Backspace")
    expect(problems).to_have_count(0)


def asked_of(page: Page) -> list[dict[str, Any]]:
    """What the gateway is asked from now on, with the token that came along."""
    asked: list[dict[str, Any]] = []

    def note(request: Request) -> None:
        if request.url.endswith(CHAT):
            asked.append({**request.post_data_json, "authorization": request.headers.get("authorization", "")})

    page.on("request", note)
    return asked


def test_try__two_models__stream_side_by_side_with_figures(operator, shot):
    asked = asked_of(operator)
    operator.get_by_role("tab", name="Try it").click()
    operator.get_by_label("Side by side").check()
    operator.get_by_label("First model").select_option("mock-chat")
    operator.get_by_role("combobox", name="Second model").select_option("mock-other")
    operator.get_by_role("button", name="Run", exact=True).click()

    first, second = (operator.get_by_test_id(f"answer-{at}") for at in (0, 1))
    expect(first).to_have_attribute("data-phase", "streaming")
    shot(operator, "43-prompt-streaming")
    for answer in (first, second):
        expect(answer).to_have_attribute("data-phase", "done", timeout=LONG)
        for words in ("Sample answer", "Sell a lamp", "Mock", "First word", "In all", "Tokens in", "0.0123 credits"):
            expect(answer).to_contain_text(words)
    # The busy endpoint was asked first, and another one answered in its place.
    expect(first.locator("[data-failed]")).to_have_text("trial-busy, mock-chat: did not answer (PROVIDERS_5003)")
    expect(first.locator(".pe-attempts li").last).to_have_text("trial, mock-chat: answered")
    expect(second.locator(".pe-attempts")).to_have_count(0)
    assert sorted(one["model"] for one in asked) == ["mock-chat", "mock-other"]
    for one in asked:
        assert one["authorization"].startswith("Bearer ey")
        assert [message["role"] for message in one["messages"]] == ["system", "user"]
        assert one["messages"][0]["content"] == "Be brief. Write as a friend would."
    shot(operator, "44-prompt-answers", whole=True)


def test_try__model_that_breaks_off__keeps_the_words_and_says_what_to_do(operator, shot):
    operator.get_by_label("First model").select_option("mock-cut")
    operator.get_by_role("button", name="Run again").click()

    answer = operator.get_by_test_id("answer-0")
    expect(answer).to_have_attribute("data-phase", "failed", timeout=LONG)
    expect(answer).to_contain_text("**Sample answer**")
    expect(answer.get_by_role("alert")).to_contain_text("did not answer properly")
    expect(operator.get_by_test_id("answer-1")).to_have_attribute("data-phase", "done", timeout=LONG)
    expect(operator.get_by_role("button", name="Run again")).to_be_visible(timeout=LONG)
    shot(operator, "45-prompt-breaks", whole=True)


def test_try__connection_that_is_cut__keeps_the_words_and_says_what_to_do(operator, shot):
    """The one thing that no model can be told to do: half a stream, and no last frame."""
    frames = [("start", {"model": "mock-cut"}), ("delta", {"text": "Warm "}), ("delta", {"text": "light"})]
    body = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in frames)
    operator.route(f"**{CHAT}", lambda route: route.fulfill(content_type="text/event-stream", body=body))
    operator.get_by_label("Side by side").uncheck()
    operator.get_by_role("button", name="Run again").click()

    answer = operator.get_by_test_id("answer-0")
    expect(answer).to_have_attribute("data-phase", "failed", timeout=LONG)
    expect(answer).to_contain_text("Warm light")
    expect(answer.get_by_role("alert")).to_contain_text("The stream ended before")
    shot(operator, "45-prompt-cut", whole=True)
    operator.unroute(f"**{CHAT}")


def test_try__stop__ends_the_call_and_keeps_the_words(operator):
    ended: list[str] = []
    operator.on("requestfailed", lambda request: ended.append(request.url))
    operator.get_by_role("combobox", name="Model").select_option("mock-slow")
    operator.get_by_role("button", name="Run again").click()
    answer = operator.get_by_test_id("answer-0")
    expect(answer).to_contain_text("Sample", timeout=LONG)

    operator.get_by_role("button", name="Stop").click()

    expect(answer).to_have_attribute("data-phase", "stopped")
    expect(answer).to_contain_text("Stopped. What came so far is kept.")
    _until(operator, lambda: any(url.endswith(CHAT) for url in ended))


def _until(page: Page, true) -> None:
    for _ in range(100):
        if true():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it did not become true within 5 s")


def test_leave__with_changes_that_are_not_saved__asks(operator, lamp):
    asked: list[str] = []
    operator.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))

    operator.evaluate("setTimeout(() => location.reload(), 0)")
    _until(operator, lambda: asked)

    assert asked == ["beforeunload"]
    assert "audience" in field(operator, "body")


def test_versions__saved_compared_and_brought_back(operator, lamp, shot):
    operator.get_by_role("button", name="Save and continue editing").click()
    expect(operator.get_by_test_id("editor-body")).to_be_visible(timeout=LONG)
    assert operator.locator("[data-value-of=audience]").input_value() == "students"
    operator.get_by_role("tab", name="Versions").click()
    pane = operator.get_by_test_id("versions")
    pane.get_by_label("Note").fill("with an audience")
    pane.get_by_role("button", name="Save as a version").click()
    expect(pane.locator("li").first).to_contain_text("with an audience")

    typing(operator, "body")
    operator.keyboard.type(" Now.", delay=30)
    pane.get_by_role("button", name="Compare version 1").click()
    diff = operator.get_by_test_id("diff-body")
    expect(diff.locator(".line-insert, .char-insert").first).to_be_visible(timeout=LONG)
    shot(operator, "46-prompt-versions", whole=True)
    pane.get_by_label("Note").fill("not yet")
    pane.get_by_role("button", name="Save as a version").click()
    expect(pane).to_contain_text("Save the prompt first")

    pane.get_by_role("button", name="Restore version 1").click()
    expect(pane).to_contain_text("Changes in the editor that are not saved will be lost.")
    shot(operator, "47-prompt-restore")
    operator.get_by_role("button", name="Restore version 1", exact=True).last.click()
    expect(operator.get_by_test_id("editor-body")).not_to_contain_text("Now.", timeout=LONG)
    assert field(operator, "body").endswith("for {{ audience }}")
    assert operator.problems == []


def test_keyboard__control_m__lets_tab_out_of_the_editor(operator, lamp):
    operator.goto(lamp)
    expect(operator.get_by_test_id("editor-body")).to_be_visible(timeout=LONG)
    before = field(operator, "body")

    editor = typing(operator, "body")
    assert "Control M lets Tab move on" in str(editor.get_attribute("aria-label"))
    operator.keyboard.press("Control+m")
    operator.keyboard.press("Tab")

    expect(editor).not_to_be_focused()
    assert field(operator, "body") == before


def test_viewer__may_look_and_not_write(paiban, browser, lamp, shot):
    page = sign_in(paiban, browser, "viewer", color_scheme="dark")
    page.goto(lamp)

    expect(page.get_by_test_id("editor-body")).to_contain_text("Sell", timeout=LONG)
    typing(page, "body")
    page.keyboard.type("x")
    expect(page.get_by_test_id("editor-body")).not_to_contain_text("x{{")
    expect(page.get_by_role("button", name="Add a variable")).to_have_count(0)
    expect(page.locator("fieldset.pe-plain").first).to_be_hidden()
    page.locator("[data-value-of=product]").fill("a lamp")
    expect(page.get_by_test_id("rendered-body")).to_contain_text("Sell a lamp.")
    assert page.problems == []
    shot(page, "48-prompt-viewer-dark", whole=True)
    page.context.close()


@pytest.fixture(params=[1280, 390])
def chinese(request, paiban: RunningPaiban, browser: Browser, models: None) -> Iterator[Page]:
    page = sign_in(paiban, browser, locale="zh-CN", viewport={"width": request.param, "height": 900})
    yield page
    page.context.close()


def test_chinese__every_width__fits_and_speaks_chinese(chinese, lamp, shot):
    page = chinese
    width = page.viewport_size["width"]
    page.goto(lamp)

    expect(page.get_by_test_id("editor-body")).to_be_visible(timeout=LONG)
    page.locator("[data-value-of=product]").fill("原木台灯")
    expect(page.get_by_test_id("rendered-body")).to_contain_text("原木台灯")
    expect(page.get_by_role("tab", name="试运行")).to_be_visible()
    typing(page, "body")
    page.keyboard.press("F1")
    expect(page.locator(".quick-input-widget")).to_contain_text(re.compile("[\u4e00-\u9fff]"))
    page.keyboard.press("Escape")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shot(page, f"49-prompt-chinese-{width}", whole=True)


@pytest.mark.parametrize("width", [1280, 390])
def test_try__chinese_in_the_dark__fits_at_every_width(paiban, browser, lamp, shot, width):
    look = {"locale": "zh-CN", "color_scheme": "dark", "viewport": {"width": width, "height": 900}}
    page = sign_in(paiban, browser, **look)
    page.goto(lamp)
    expect(page.get_by_test_id("editor-body")).to_be_visible(timeout=LONG)
    for name in ("product", "voice", "audience"):
        page.locator(f"[data-value-of={name}]").fill("原木台灯")
    page.get_by_role("tab", name="试运行").click()
    page.get_by_label("与第二个模型并排比较").check()
    page.get_by_label("第一个模型").select_option("mock-chat")
    page.get_by_role("combobox", name="第二个模型").select_option("mock-other")
    page.get_by_role("button", name="运行", exact=True).click()

    for at in (0, 1):
        expect(page.get_by_test_id(f"answer-{at}")).to_have_attribute("data-phase", "done", timeout=LONG)
        expect(page.get_by_test_id(f"answer-{at}")).to_contain_text("示例回答")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.problems == []
    shot(page, f"51-prompt-trial-chinese-dark-{width}", whole=True)
    page.context.close()


def test_fallback__code_that_cannot_be_loaded__leaves_the_plain_fields(paiban, browser, lamp, shot):
    page = sign_in(paiban, browser)
    page.route("**/static/build/assets/setup-*.js", lambda route: route.abort())
    page.goto(lamp)

    expect(page.get_by_text("The editor could not be loaded.")).to_be_visible()
    page.locator("textarea[name=body]").fill("Plain {{ product }}.")
    shot(page, "50-prompt-plain")
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.locator("textarea[name=body]")).to_have_value("Plain {{ product }}.")
    page.context.close()
