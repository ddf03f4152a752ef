"""The closed loop: a feature is made, drawn, tried, published, run by a member, and its run is run once more."""

import re
import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from ops.instance import RunningPaiban
from tests.e2e.model_server import ModelServer, local_models
from tests.e2e.test_flow_editor import LONG, box, sign_in

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("patience")]
ANSWER = "Warm hands, clear head: the mug that waits for you every morning."
NUMBER = secrets.token_hex(2)  # the story can be told more than once to the same installation
TITLE, CHINESE, KEY = f"Slogans {NUMBER}", f"口号 {NUMBER}", f"slogans-{NUMBER}"


@pytest.fixture(scope="module")
def models(paiban: RunningPaiban) -> Iterator[ModelServer]:
    with local_models(paiban, ANSWER) as server:
        yield server


@pytest.fixture(scope="module")
def operator(paiban: RunningPaiban, browser: Browser, models: ModelServer) -> Iterator[Page]:
    page = sign_in(paiban, browser)
    yield page
    page.context.close()


@pytest.fixture(scope="module")
def member(paiban: RunningPaiban, browser: Browser) -> Iterator[Page]:
    """Somebody in the storefront, who does nothing but wait for what is published."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB").new_page()
    page.goto(paiban.url)
    page.get_by_role("link", name="Sign in").or_(page.get_by_role("button", name="Sign in")).first.click()
    page.get_by_label("Username").fill("member")
    page.get_by_label("Password").fill(paiban.demo_password)
    page.locator("form").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="Product photo")).to_be_visible()
    yield page
    page.context.close()


def open_editor(paiban: RunningPaiban, page: Page) -> None:
    """The flow of the feature that the story is about."""
    page.goto(f"{paiban.url}/admin/pipelines/pipeline/?q={KEY}")
    page.locator("#result_list a, table a").filter(has_text=TITLE).first.click()
    expect(box(page, "answer")).to_be_visible(timeout=LONG)


def test_wizard__basics_and_form__make_a_draft(paiban, operator, shot):
    operator.goto(f"{paiban.url}/admin/features/feature/")
    operator.get_by_role("link", name="Step by step").click()
    operator.get_by_label("Title:", exact=True).fill(TITLE)
    operator.get_by_label("Title (Chinese):").fill(CHINESE)
    operator.get_by_label("Menu group").select_option("Writing")
    shot(operator, "70-loop-basics", whole=True)
    operator.get_by_role("button", name="On to the form").click()

    expect(operator.get_by_role("list", name="Fields")).to_be_visible()
    operator.get_by_label("Question", exact=True).fill("Your product")
    operator.get_by_label("Question (Chinese)").fill("你的产品")
    expect(operator.locator("[data-paiban=form-preview]").get_by_label("Your product")).to_be_visible()
    operator.get_by_role("button", name="+ Whole number").click()
    operator.get_by_label("Question", exact=True).fill("How many")
    shot(operator, "71-loop-form", whole=True)
    operator.get_by_role("button", name="On to the pipeline").click()

    expect(operator.get_by_text("Nothing is wrong with it.")).to_be_visible()
    expect(operator.locator("[data-paiban=pipeline]").get_by_text("Model answer")).to_be_visible()
    shot(operator, "72-loop-pipeline", whole=True)


def test_flow__what_is_wrong__is_shown_where_it_is_and_mended_there(paiban, operator, shot):
    open_editor(paiban, operator)
    box(operator, "answer").click()
    text = operator.locator("[data-field='inputs.text']")
    text.locator("textarea").fill("")
    expect(box(operator, "answer")).to_have_attribute("data-level", "error")
    operator.locator(".fe-foot button").first.click()
    shot(operator, "73-loop-problem")

    operator.get_by_role("button", name=re.compile("^answer.*E_INPUT_MISSING")).click()
    expect(text.locator("textarea")).to_be_focused()
    text.get_by_label("Use a value for text").click()
    prompt = operator.locator(".fe-picker section", has_text="Prompt")
    prompt.get_by_role("button", name="text").last.click()

    expect(text.locator("textarea")).to_have_value("{{ ask.text }}")
    expect(operator.locator(".fe-foot")).to_contain_text("No problems")
    expect(operator.locator(".fe-state")).to_have_attribute("data-state", "saved")


@pytest.mark.parametrize(("how", "said"), [("Pretended", "Sample answer"), ("Real", ANSWER)], ids=["mock", "real"])
def test_trial__from_the_editor__answers_as_asked(operator, models, shot, how, said):
    before = len(models.asked)
    operator.get_by_role("button", name="Test", exact=True).click()
    operator.get_by_role("radio", name=how).check(force=True)
    operator.locator(".fe-test").get_by_label("Your product").fill("A mug")
    operator.get_by_role("button", name="Run", exact=True).click()

    expect(box(operator, "end")).to_have_attribute("data-run", "succeeded")
    expect(operator.locator(".fe-outcome")).to_contain_text("Finished")
    expect(operator.locator(".fe-outcome")).to_contain_text(said)
    assert len(models.asked) - before == (how == "Real")
    shot(operator, f"74-loop-trial-{how.lower()}")
    operator.get_by_label("Close").first.click()


def test_publish__from_the_wizard__stands_in_the_storefront(paiban, operator, member, shot):
    entry = member.get_by_role("link", name=TITLE)
    expect(entry).to_have_count(0)
    operator.goto(f"{paiban.url}/admin/features/feature/?q={KEY}")
    operator.locator("#result_list a, table a").filter(has_text=TITLE).first.click()
    operator.goto(operator.url.replace("/change/", "/wizard/finish/"))
    trial = operator.locator("[data-paiban=trial]")
    trial.get_by_label("Your product").fill("A mug")
    trial.get_by_role("button", name="Run", exact=True).click()
    expect(trial.locator(".fe-outcome")).to_contain_text("Sample answer")
    shot(operator, "75-loop-finish", whole=True)
    operator.get_by_role("link", name="To the release").click()
    shot(operator, "76-loop-release", whole=True)
    operator.get_by_role("button", name="Publish now").click()

    expect(operator.get_by_text("Version 1 is live.", exact=False)).to_be_visible()
    expect(entry).to_be_visible()


def test_run__member__sees_it_written_and_gets_it(paiban, member, models, shot):
    before = len(models.asked)
    member.get_by_role("link", name=TITLE).click()
    member.get_by_label("Your product").fill("A hand-thrown mug")
    shot(member, "77-loop-storefront-form", whole=True)
    with models.held():
        member.get_by_role("button", name=re.compile("^Run for")).click()
        steps = member.get_by_role("region", name="Progress")
        expect(steps.get_by_text("Warm hands", exact=False)).to_be_visible()
        shot(member, "78-loop-storefront-progress")

    result = member.get_by_role("region", name="Result")
    expect(result.get_by_text(ANSWER)).to_be_visible()
    expect(member.get_by_text("Sample answer", exact=False)).to_have_count(0)
    shot(member, "79-loop-storefront-result", whole=True)
    assert len(models.asked) == before + 1


def test_replay__recorded_answers__is_free_and_the_same(paiban, operator, models, shot):
    before = len(models.asked)
    operator.goto(f"{paiban.url}/admin/tasks/task/?feature={KEY}")
    operator.locator("#result_list tbody a").first.click()
    again = operator.get_by_test_id("replay")
    expect(again.get_by_label("recorded answers")).to_be_checked()
    shot(operator, "80-loop-task", whole=True)
    again.get_by_role("button", name="Replay").click()

    expect(operator.get_by_text("Both runs gave the same.")).to_be_visible()
    expect(operator.get_by_test_id("compare").locator("[data-change=same]")).to_have_count(4)
    shot(operator, "81-loop-compare", whole=True)
    assert len(models.asked) == before


def test_viewer__every_station__looks_and_is_offered_nothing(paiban, browser, operator, shot):
    page = sign_in(paiban, browser, "viewer", color_scheme="dark")
    open_editor(paiban, page)
    expect(page.get_by_role("button", name="Add a step")).to_have_count(0)
    expect(page.get_by_role("button", name="Test", exact=True)).to_have_count(0)
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    shot(page, "82-loop-viewer-flow")

    page.goto(f"{paiban.url}/admin/features/feature/?q={KEY}")
    expect(page.get_by_role("link", name="Step by step")).to_have_count(0)
    page.locator("#result_list a, table a").filter(has_text=TITLE).first.click()
    page.get_by_role("link", name="Release", exact=True).click()
    expect(page.get_by_role("button", name="Publish now")).to_have_count(0)
    shot(page, "83-loop-viewer-release", whole=True)
    page.goto(f"{paiban.url}/admin/tasks/task/?feature={KEY}")
    page.locator("#result_list tbody a").first.click()
    expect(page.get_by_test_id("replay")).to_have_count(0)
    assert page.problems == []
    page.context.close()


def test_chinese__dark__every_station(paiban, browser, operator, shot):
    page = sign_in(paiban, browser, locale="zh-CN", color_scheme="dark")
    page.goto(f"{paiban.url}/admin/features/feature/?q={KEY}")
    page.locator("#result_list a, table a").filter(has_text=CHINESE).first.click()
    change = page.url
    for step in ("basics", "form", "pipeline", "finish"):
        page.goto(change.replace("/change/", f"/wizard/{step}/"))
        if step == "form":
            expect(page.get_by_role("list", name="字段")).to_contain_text("你的产品")
        shot(page, f"84-loop-chinese-{step}", whole=True)
    assert page.problems == []
    page.context.close()
