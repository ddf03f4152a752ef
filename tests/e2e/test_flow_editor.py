"""The flow editor as an operator uses it: drawing, setting, trying, comparing, and working beside others."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from ops.instance import RunningPaiban
from tests.e2e.drafts import Draft, a_draft, graph, signed_in

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("patience")]
LONG = 40_000  # ms, for what the editor's code has to be loaded first


def sign_in(paiban: RunningPaiban, browser: Browser, name: str = "operator", **look: object) -> Page:
    given = {"viewport": {"width": 1440, "height": 900}, "locale": "en-GB", "reduced_motion": "reduce", **look}
    page = browser.new_context(**given).new_page()  # type: ignore[arg-type]
    page.problems = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.problems.append(str(error)))  # type: ignore[attr-defined]
    page.goto(f"{paiban.url}/admin/")
    page.locator("#id_username").fill(name)
    page.locator("#id_password").fill(paiban.demo_password)
    page.locator("[type=submit]").first.click()
    expect(page.locator("#id_password")).to_have_count(0)
    return page


@pytest.fixture
def operator(paiban: RunningPaiban, browser: Browser) -> Iterator[Page]:
    page = sign_in(paiban, browser)
    yield page
    assert page.problems == []  # type: ignore[attr-defined]
    page.context.close()


@pytest.fixture(scope="module")
def client(paiban: RunningPaiban) -> Iterator[httpx.Client]:
    with signed_in(paiban) as found:
        yield found


@pytest.fixture(scope="module")
def colleague(paiban: RunningPaiban) -> Iterator[httpx.Client]:
    """Somebody else who may write: the demo's editor."""
    with signed_in(paiban, "editor") as found:
        yield found


@pytest.fixture
def draft(client: httpx.Client) -> Iterator[Draft]:
    """A pipeline of three steps that no feature uses."""
    with a_draft(client, graph()) as found:
        yield found


def open_flow(paiban: RunningPaiban, page: Page, draft: Draft | None = None) -> None:
    """The page of the draft, or of the demo's copywriter."""
    page.goto(f"{paiban.url}/admin/pipelines/pipeline/?q={draft.key if draft else 'copywriter'}")
    page.locator("#result_list tbody").get_by_role("link", name=draft.key if draft else "Copywriter").first.click()
    expect(box(page, "start")).to_be_visible(timeout=LONG)


def box(page: Page, node: str) -> Locator:
    return page.locator(f"[data-step={node}]")


def field(page: Page) -> dict[str, Any]:
    graph: dict[str, Any] = json.loads(page.locator("textarea[name=graph]").input_value())
    return graph


def ids(page: Page) -> list[str]:
    return [node["id"] for node in field(page)["nodes"]]


def edges(page: Page) -> set[tuple[str, str, str]]:
    return {(edge["source"], edge.get("when", ""), edge["target"]) for edge in field(page)["edges"]}


def add(page: Page, kind: str) -> None:
    page.get_by_role("button", name="Add a step").click()
    page.locator(".fe-palette").get_by_role("button", name=re.compile(f"^{kind}")).click()


def at_rest(page: Page, one: Locator) -> Any:
    """Where it stands once it no longer moves: putting in order takes a moment to be drawn."""
    before = None
    while (now := one.bounding_box()) != before:
        before = now
        page.wait_for_timeout(300)
    return now


def drag(page: Page, start: Locator, end: Locator) -> None:
    """As a hand does it, with a stop on the way."""
    (a, b) = (at_rest(page, one) for one in (start, end))
    assert a
    assert b
    page.mouse.move(a["x"] + a["width"] / 2, a["y"] + a["height"] / 2)
    page.mouse.down()
    page.mouse.move((a["x"] + b["x"]) / 2, (a["y"] + b["y"]) / 2, steps=4)
    page.mouse.move(b["x"] + b["width"] / 2, b["y"] + b["height"] / 2, steps=4)
    page.mouse.up()


def test_connect__by_pointer__draws_refuses_with_a_reason_and_fills_what_fits(paiban, operator, draft):
    open_flow(paiban, operator, draft)
    operator.locator(".fe-stage").focus()
    add(operator, "Model answer")
    expect(box(operator, "answer")).to_be_visible()
    operator.get_by_label("Close").first.click()
    operator.keyboard.press("Escape")
    operator.get_by_role("button", name="Put in order").click()

    drag(operator, box(operator, "copy").locator(".source"), box(operator, "answer").locator(".target"))
    assert ("copy", "", "answer") in edges(operator)
    assert field(operator)["nodes"][-1]["inputs"] == {"text": "{{ copy.text }}"}

    drag(operator, box(operator, "answer").locator(".source"), box(operator, "copy").locator(".target"))
    expect(operator.locator(".fe-said")).to_contain_text("That would be a circle")
    assert ("answer", "", "copy") not in edges(operator)


def test_values__of_the_wrong_type__are_refused_with_a_reason(paiban, operator, draft, shot):
    open_flow(paiban, operator, draft)
    add(operator, "Image")
    operator.locator("[data-part=config]").get_by_label("Operation").select_option("pad")
    operator.get_by_label("Close").first.click()
    operator.get_by_role("button", name="Show the values that pass between steps").click()
    operator.get_by_role("button", name="Put in order").click()
    line, way = operator.locator(".react-flow__edge path").first, box(operator, "start").locator("> .source")
    gap = "line => line.getPointAtLength(0).matrixTransform(line.getScreenCTM()).y"
    at = at_rest(operator, way)
    assert abs(line.evaluate(gap) - at["y"] - at["height"] / 2) < 2, "lines meet the ways out"
    shot(operator, "52-flow-values")

    taking = box(operator, "image").locator(".fe-dot[data-handleid='in:image']")
    drag(operator, box(operator, "copy").locator(".fe-dot[data-handleid='out:text']"), taking)
    expect(operator.locator(".fe-said")).to_contain_text("This is text, and file is needed.")
    drag(operator, box(operator, "start").locator(".fe-dot[data-handleid='out:photo']"), taking)

    assert field(operator)["nodes"][-1]["inputs"] == {"image": "{{ start.photo }}"}
    assert ("start", "", "image") in edges(operator)


def test_picker__variables_with_types__fill_an_input(paiban, operator, draft, shot):
    open_flow(paiban, operator, draft)
    box(operator, "copy").click()
    operator.get_by_label("Use a value for system").click()
    photo = operator.locator(".fe-picker button", has_text="Photo")
    expect(photo).to_have_attribute("aria-disabled", "true")
    expect(photo).to_contain_text("This is file, and text is needed.")
    shot(operator, "53-flow-picker")
    operator.locator(".fe-picker button", has_text="Product").click()

    assert field(operator)["nodes"][1]["inputs"] == {"text": "{{ start.product }}", "system": "{{ start.product }}"}


def test_keyboard__alone__adds_joins_copies_moves_finds_and_removes(paiban, operator, draft):
    open_flow(paiban, operator, draft)
    keys = operator.keyboard
    operator.locator(".fe-stage").focus()
    keys.press("Alt+ArrowRight")
    expect(box(operator, "start")).to_be_focused()
    keys.press("Alt+ArrowRight")
    expect(box(operator, "copy")).to_be_focused()
    before = operator.evaluate("document.querySelector('textarea[name=graph]').value")

    keys.press("Control+c")
    keys.press("Control+v")
    expect(box(operator, "copy_2")).to_be_visible()
    keys.press("c")
    operator.get_by_label("To which step").fill("end")
    operator.get_by_role("dialog").get_by_role("button", name="End").click()
    assert ("copy_2", "", "end") in edges(operator)
    operator.locator(".fe-stage").focus()
    keys.press("ArrowDown")
    keys.press("Delete")
    expect(box(operator, "copy_2")).to_have_count(0)
    assert operator.evaluate("document.querySelector('textarea[name=graph]').value") == before

    keys.press("Control+f")
    operator.get_by_label("Name, id, or anything set in it").fill("start.product")
    keys.press("Enter")
    expect(operator.locator(".fe-inspector__head")).to_contain_text("Write the copy")
    operator.locator(".fe-stage").focus()
    keys.press("?")
    expect(operator.get_by_role("dialog", name="Keys")).to_be_visible()
    keys.press("Escape")
    keys.press("Control+a")
    keys.press("Control+g")
    expect(operator.locator(".fe-group")).to_be_visible()
    keys.press("f")
    operator.get_by_label("Fold the group").click()
    expect(box(operator, "copy")).to_be_hidden()


def test_draft__changes__are_kept_by_themselves_and_by_revision(paiban, operator, draft):
    open_flow(paiban, operator, draft)
    expect(operator.locator(".fe-state")).to_have_text("Saved")
    assert draft.read()["revision"] == 1

    add(operator, "Condition")
    expect(operator.locator(".fe-state")).to_have_attribute("data-state", "changed")
    expect(operator.locator(".fe-state")).to_have_attribute("data-state", "saved")

    kept = draft.read()
    assert ([node["id"] for node in kept["graph"]["nodes"]], kept["revision"]) == (
        ["start", "copy", "end", "condition"],
        2,
    )


def test_colleague__other_changes__are_taken_in_beside_mine(paiban, operator, draft, colleague):
    open_flow(paiban, operator, draft)
    expect(operator.locator(".fe-state")).to_have_text("Saved")
    theirs = graph()
    theirs["nodes"][1]["note"] = "From the editor"
    draft.write(theirs, by=colleague)

    add(operator, "Condition")
    expect(operator.get_by_text("editor saved in the meantime.")).to_be_visible()
    expect(operator.locator(".fe-state")).to_have_attribute("data-state", "saved")

    nodes = draft.read()["graph"]["nodes"]
    assert [node.get("note") for node in nodes] == [None, "From the editor", None, None]
    assert nodes[-1]["id"] == "condition"


def test_colleague__the_same_setting__is_decided_by_a_person(paiban, operator, draft, colleague, shot):
    open_flow(paiban, operator, draft)
    expect(operator.locator(".fe-state")).to_have_text("Saved")
    theirs = graph()
    theirs["nodes"][1]["inputs"]["text"] = "Theirs {{ start.product }}"
    draft.write(theirs, by=colleague)

    box(operator, "copy").click()
    operator.locator("[data-field='inputs.text'] textarea").fill("Mine {{ start.product }}")
    dialog = operator.get_by_role("dialog", name="editor changed the same things")
    expect(dialog).to_contain_text("nodes.copy.inputs.text")
    shot(operator, "54-flow-merge")
    dialog.get_by_label("Theirs", exact=True).check()
    dialog.get_by_role("button", name="Go on with this").click()

    expect(dialog).to_have_count(0)
    expect(operator.locator("[data-field='inputs.text'] textarea")).to_have_value("Theirs {{ start.product }}")
    expect(operator.locator(".fe-state")).to_have_attribute("data-state", "saved")


def test_problems__while_drawing__stand_on_the_step_and_lead_there(paiban, operator, draft, shot):
    open_flow(paiban, operator, draft)
    expect(box(operator, "copy")).to_have_attribute("data-level", "warning")
    box(operator, "copy").click()
    operator.locator("[data-field='inputs.text'] textarea").fill("")
    expect(box(operator, "copy")).to_have_attribute("data-level", "error")
    expect(box(operator, "copy").locator(".fe-count")).to_have_text("2")

    operator.get_by_label("Close").first.click()
    operator.get_by_role("button", name="To put right: 1 · worth a look: 1").click()
    shot(operator, "55-flow-problems")
    operator.get_by_role("button", name=re.compile("^copy.*E_INPUT_MISSING")).click()
    expect(operator.locator("[data-field='inputs.text'] textarea")).to_be_focused()

    operator.locator("[data-field='inputs.text'] textarea").fill("better")
    expect(box(operator, "copy")).to_have_attribute("data-level", "warning")
    expect(operator.locator(".fe-foot")).to_contain_text("To put right: 0")


def test_trial__steps_light_up_and_say_what_they_gave(paiban, operator, client, shot):
    failing = graph()
    check = {"expression": "int(text) > 3"}
    failing["nodes"].insert(
        1, {"id": "check", "type": "condition", "config": check, "inputs": {"text": "{{ start.product }}"}}
    )
    failing["edges"] = [
        {"source": "start", "target": "check"},
        {"source": "check", "target": "copy", "when": "true"},
        {"source": "check", "target": "end", "when": "false"},
        {"source": "copy", "target": "end"},
    ]
    failing["nodes"][-1]["inputs"] = {"text": "{{ start.product }}"}
    with a_draft(client, failing) as draft:
        open_flow(paiban, operator, draft)
        operator.get_by_role("button", name="Test", exact=True).click()
        operator.locator(".fe-test").get_by_label("Product").fill("lamp")
        operator.get_by_role("button", name="Run", exact=True).click()

        expect(box(operator, "start")).to_have_attribute("data-run", "succeeded")
        expect(box(operator, "check")).to_have_attribute("data-run", "failed")
        expect(operator.locator(".fe-outcome")).to_contain_text("Look at the expression")
        expect(box(operator, "end")).not_to_have_attribute("data-run", "succeeded")
        box(operator, "start").click()
        expect(operator.locator(".fe-result")).to_contain_text("lamp")
        shot(operator, "56-flow-trial")
        operator.get_by_role("button", name="To the step check").first.click()
        expect(operator.locator("[data-part=config] #root_expression")).to_be_focused()

        operator.locator("[data-part=config] #root_expression").fill("text.size() > 3")
        operator.get_by_role("button", name="Test", exact=True).click()
        operator.get_by_role("button", name="Run", exact=True).click()
        expect(operator.locator(".fe-outcome")).to_contain_text("Finished")
        expect(box(operator, "copy")).to_have_attribute("data-run", "succeeded")


def test_shelf__pins_cases_and_one_step__are_kept_marked_and_used(paiban, operator, draft, shot):
    open_flow(paiban, operator, draft)
    operator.get_by_role("button", name="Test", exact=True).click()
    operator.locator(".fe-test").get_by_label("Product").fill("lamp")
    operator.get_by_role("button", name="Run", exact=True).click()
    expect(operator.locator(".fe-outcome")).to_contain_text("Finished")
    box(operator, "copy").click()
    operator.get_by_role("button", name="Pin this output").click()
    expect(box(operator, "copy")).to_contain_text("pinned")
    operator.get_by_role("button", name="Run", exact=True).click()
    expect(box(operator, "copy")).to_have_attribute("data-run", "reused")

    operator.get_by_text("Saved cases (0)").click()
    operator.get_by_label("Name of the case").fill("A lamp")
    operator.get_by_role("button", name="Keep as a case").click()
    operator.get_by_role("button", name="Run all cases").click()
    expect(operator.locator(".fe-cases")).to_contain_text("passed")
    shot(operator, "61-flow-shelf")
    operator.locator(".fe-test").get_by_label("Product").fill("something else")
    operator.get_by_role("button", name="A lamp").click()
    expect(operator.locator(".fe-test").get_by_label("Product")).to_have_value("lamp")

    operator.get_by_label("Only the step copy").check()
    operator.get_by_role("radio", name="The last ones").check(force=True)
    operator.get_by_role("button", name="Run", exact=True).click()
    expect(operator.locator(".fe-outcome")).to_contain_text("Finished")
    expect(operator.locator(".fe-result")).to_contain_text("lamp")
    operator.get_by_role("button", name="Unpin copy").click()
    expect(box(operator, "copy")).not_to_contain_text("pinned")


def test_question__in_a_trial__is_answered_beside_the_canvas(paiban, operator, client, shot):
    asking = graph()
    form = {"type": "object", "properties": {"words": {"type": "string", "title": "Your words"}}, "required": ["words"]}
    config = {"title": {"en": "Is it good?", "zh-hans": "好吗？"}, "form": form, "options": ["approve", "reject"]}
    asking["nodes"].insert(2, {"id": "person", "type": "human_input", "config": config | {"deadline": "PT1H"}})
    asking["edges"] = [
        {"source": "start", "target": "copy"},
        {"source": "copy", "target": "person"},
        {"source": "person", "target": "end", "when": "approve"},
        {"source": "person", "target": "end", "when": "reject"},
    ]
    asking["nodes"][-1]["inputs"] = {"text": "{{ person.words }}"}
    with a_draft(client, asking) as draft:
        open_flow(paiban, operator, draft)
        operator.get_by_role("button", name="Test", exact=True).click()
        operator.locator(".fe-test").get_by_label("Product").fill("lamp")
        operator.get_by_role("button", name="Run", exact=True).click()

        asked = operator.get_by_role("region", name="Is it good?")
        asked.get_by_label("Your words").fill("Very good")
        shot(operator, "62-flow-question")
        asked.get_by_role("button", name="Approve").click()

        expect(operator.locator(".fe-outcome")).to_contain_text("Finished")
        expect(operator.locator(".fe-outcome")).to_contain_text("Very good")


def test_versions__an_older_one__shows_what_has_changed_and_comes_back(paiban, operator, client, shot):
    old = graph()
    old["nodes"][1]["inputs"] = {"text": "Old"}
    old["nodes"].insert(2, {"id": "gone", "type": "prompt"})
    old["edges"].append({"source": "start", "target": "gone"})
    with a_draft(client, old) as draft:
        draft.write(graph())
        open_flow(paiban, operator, draft)
        operator.get_by_role("button", name="Versions").click()
        operator.locator(".fe-versions button").last.click()

        expect(box(operator, "copy")).to_have_attribute("data-change", "changed")
        expect(operator.locator(".fe-step[data-change=removed]")).to_be_visible()
        expect(operator.locator(".fe-changes")).to_contain_text("inputs.text")
        shot(operator, "57-flow-versions")
        operator.get_by_role("button", name="Bring this back").click()

        assert ids(operator) == ["start", "copy", "gone", "end"]
        operator.get_by_role("button", name="Undo").click()
        assert ids(operator) == ["start", "copy", "end"]


def test_inside__a_pipeline_in_a_step__is_looked_into_and_left_by_its_crumbs(paiban, operator, client):
    outer = graph()
    with a_draft(client, {"nodes": [{"id": "only", "type": "start"}]}) as inner:
        outer["nodes"].append({"id": "part", "type": "sub_pipeline", "config": {"pipeline": inner.key}})
        with a_draft(client, outer) as draft:
            open_flow(paiban, operator, draft)
            box(operator, "part").dblclick()

            expect(box(operator, "only")).to_be_visible()
            expect(operator.get_by_role("button", name="Add a step")).to_have_count(0)
            crumbs = operator.get_by_role("navigation", name="Where you are")
            crumbs.get_by_role("button", name=draft.key).click()
            expect(box(operator, "copy")).to_be_visible()


def test_viewer__looks_and_cannot_write(paiban, browser, shot):
    page = sign_in(paiban, browser, "viewer", color_scheme="dark")
    open_flow(paiban, page)

    expect(page.get_by_role("button", name="Add a step")).to_have_count(0)
    expect(page.locator(".fe-state")).to_have_text("Only to look at")
    page.locator(".fe-stage").focus()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    expect(box(page, "copy")).to_be_visible()
    box(page, "copy").click()
    expect(page.locator("[data-field='inputs.text'] textarea")).to_have_attribute("readonly", "")
    shot(page, "58-flow-viewer-dark")
    assert page.problems == []
    page.context.close()


@pytest.mark.parametrize("width", [1440, 390])
def test_chinese__every_width__fits_and_speaks_chinese(paiban, browser, shot, width):
    page = sign_in(paiban, browser, locale="zh-CN", viewport={"width": width, "height": 844})
    page.goto(f"{paiban.url}/admin/pipelines/pipeline/")
    page.get_by_role("link", name="Copywriter").first.click()
    expect(box(page, "copy")).to_be_visible(timeout=LONG)

    box(page, "copy").click()
    expect(page.locator(".fe-side")).to_contain_text("输入")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shot(page, f"59-flow-chinese-{width}")
    assert page.problems == []
    page.context.close()


def test_fallback__code_that_cannot_be_loaded__leaves_the_plain_field(paiban, browser):
    page = sign_in(paiban, browser)
    page.route(re.compile(r"/static/build/assets/mount-.*\.js"), lambda route: route.abort())
    page.goto(f"{paiban.url}/admin/pipelines/pipeline/")
    page.get_by_role("link", name="Copywriter").first.click()

    expect(page.get_by_text("The flow editor could not be loaded.")).to_be_visible()
    expect(page.get_by_text("Graph", exact=True).first).to_be_visible()
    page.context.close()


# The one that saves for good, so it comes last.
def test_save__step_added_and_set__is_there_after_the_form_was_saved(paiban, operator, shot):
    open_flow(paiban, operator)
    expect(operator.locator("#id_graph")).to_be_hidden()
    box(operator, "copy").click()
    shot(operator, "51-flow-step")
    add(operator, "Condition")
    operator.locator("[data-part=config] #root_expression").fill("text.size() > 20")
    assert field(operator)["nodes"][-1]["config"] == {"expression": "text.size() > 20"}
    assert ("copy", "", "condition") not in edges(operator)

    operator.get_by_role("button", name="Undo").click()
    operator.get_by_role("button", name="Undo").click()
    expect(box(operator, "condition")).to_have_count(0)
    operator.get_by_role("button", name="Redo").click()
    expect(box(operator, "condition")).to_be_visible()
    operator.get_by_role("button", name="Undo").click()
    box(operator, "copy").click()
    operator.get_by_text("Name and note").click()
    operator.get_by_label("Note for colleagues").fill("Checked by Ada")
    operator.get_by_role("button", name="Save and continue editing").click()
    operator.wait_for_url(re.compile("/change/"))

    expect(box(operator, "copy")).to_be_visible(timeout=LONG)
    assert [node.get("note") for node in field(operator)["nodes"] if node["id"] == "copy"] == ["Checked by Ada"]
