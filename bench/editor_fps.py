"""The flow editor with 300 steps in a real Chromium: frames while steps are dragged and the canvas is panned.

Run: `.venv/bin/python bench/editor_fps.py`; with an address, a name and a password it looks at an instance that runs.
The draft is removed at the end. Headless Chromium draws without a graphics card, so on a desk it is rather faster.
"""

import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from ops.instance import start_paiban
from tests.e2e.drafts import a_draft, api_as

NODES, MOVES = 300, 120
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
RECORD = """() => {
  window.frames_ = []; window.long_ = [];
  const note = (list) => list.getEntries().forEach((one) => window.long_.push(one.duration));
  new PerformanceObserver(note).observe({ type: "longtask" });
  let last = performance.now();
  const tick = (now) => { window.frames_.push(now - last); last = now; window.going_ = requestAnimationFrame(tick); };
  window.going_ = requestAnimationFrame(tick);
}"""
READ = "() => { cancelAnimationFrame(window.going_); return [window.frames_, window.long_]; }"


def graph() -> dict[str, Any]:
    """A start, then ten lines of prompts beside each other that all lead to the end."""
    nodes: list[dict[str, Any]] = [{"id": "start", "type": "start"}]
    edges = []
    for line in range(10):
        before = "start"
        for n in range((NODES - 2) // 10 if line else NODES - 2 - 9 * ((NODES - 2) // 10)):
            here = f"p{line}_{n}"
            nodes.append({"id": here, "type": "prompt", "inputs": {"text": f"{{{{ {before}.text }}}}"}})
            edges.append({"source": before, "target": here})
            before = here
        edges.append({"source": before, "target": "end"})
    nodes.append({"id": "end", "type": "end"})
    assert len(nodes) == NODES
    return {"schema": 2, "nodes": nodes, "edges": edges}


def measured(page: Page, title: str, act: Any) -> None:
    page.evaluate(RECORD)
    act()
    frames, long = page.evaluate(READ)
    frames = sorted(frames[1:])
    slow = frames[int(len(frames) * 0.95)]
    told = f"{title:<34}{1000 / statistics.mean(frames):6.1f} frames/s   95 % of frames within {slow:5.1f} ms"
    print(f"{told}   {len(long)} long tasks, worst {max(long, default=0):.0f} ms")


def drag(page: Page, step: str) -> None:
    at = page.locator(f"[data-step={step}]").bounding_box()
    assert at
    x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for n in range(MOVES):
        page.mouse.move(x + (n % 40) * 3, y + (n % 30) * 2)
    page.mouse.up()


def pan(page: Page) -> None:
    frame = page.locator(".fe-canvas").bounding_box()
    assert frame
    x, y = frame["x"] + frame["width"] / 2, frame["y"] + 14
    page.mouse.move(x, y)
    page.mouse.down()
    for n in range(MOVES):
        page.mouse.move(x + (n % 60) * 3 - 90, y + (n % 20) * 3)
    page.mouse.up()


def main(url: str, name: str, password: str) -> None:
    with api_as(url, name, password) as client, a_draft(client, graph()) as draft, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{url}/admin/")
        page.locator("#id_username").fill(name)
        page.locator("#id_password").fill(password)
        page.locator("[type=submit]").first.click()
        page.goto(f"{url}/admin/pipelines/pipeline/?q={draft.key}")
        page.locator("#result_list tbody").get_by_role("link", name=draft.key).first.click()
        page.locator("[data-step=p5_5]").wait_for(timeout=60_000, state="attached")
        page.get_by_role("button", name="Put in order").click()
        page.wait_for_timeout(2_000)
        lines = page.locator(".react-flow__edge").count()
        print(f"{page.locator('[data-step]').count()} steps, {lines} lines, all in sight")
        measured(page, "at rest", lambda: page.wait_for_timeout(1_500))
        measured(page, "dragging one step", lambda: drag(page, "p5_5"))
        measured(page, "panning", lambda: pan(page))
        page.locator(".fe-stage").focus()
        page.keyboard.press("Control+a")
        page.wait_for_timeout(500)
        measured(page, "dragging all steps", lambda: drag(page, "p5_5"))
        browser.close()


def alone() -> None:
    with tempfile.TemporaryDirectory(prefix="paiban-editor-") as folder, start_paiban(Path(folder) / "data") as running:
        main(running.url, "operator", running.demo_password)


if __name__ == "__main__":
    main(*sys.argv[1:4]) if len(sys.argv) == 4 else alone()
