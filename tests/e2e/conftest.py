"""A complete Paiban started by `make run`, and a browser in front of it."""

import io
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright
from skimage import data

from ops.instance import RunningPaiban, start_paiban

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def paiban(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPaiban]:
    """Started with no admin password given, so that a one-time one is printed; it may ask models on this machine."""
    settings = {"PAIBAN_ADMIN_PASSWORD": "", "PAIBAN_OUTBOUND_ALLOWED_HOSTS": "127.0.0.1"}
    with start_paiban(tmp_path_factory.mktemp("paiban") / "data", settings=settings) as running:
        yield running


@pytest.fixture(scope="session")
def one_time_password(paiban: RunningPaiban) -> str:
    found = re.search(r"Password\s+(\S+)\s+\(one-time", paiban.log.read_text())
    assert found, paiban.log.read_text()
    return found.group(1)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = os.environ.get("PAIBAN_CHROMIUM", "/usr/bin/chromium")
        found = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def patience() -> Iterator[None]:
    """Every step waits for an answer of the server, and machines that test several things at once are slow."""
    expect.set_options(timeout=20_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real photo of a cup on a table."""
    path = tmp_path_factory.mktemp("photos") / "cup.jpg"
    Image.fromarray(data.coffee()).save(path, "JPEG", quality=95)
    return path


@pytest.fixture(scope="session")
def shot() -> Callable[..., None]:
    """Keeps a screenshot for people to look at."""
    folder = Path(os.environ.get("PAIBAN_SCREENSHOTS", "var/artifacts/screenshots"))
    folder.mkdir(parents=True, exist_ok=True)

    def keep(page: Page, name: str, *, whole: bool = False) -> None:
        page.screenshot(path=folder / f"{name}.png", full_page=whole)

    return keep


def picture(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))
