"""`make test` and `make e2e`: the suites, with everything they need put in place first."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from ops import node_env
from ops.chores import LOG, development_environment, extra_arguments, scratch, tool
from ops.workspace import ROOT, Failure

COVERAGE_PERCENT: Final = 80
MOST_PROCESSES: Final = 4  # each brings a Redis-compatible server and a database of its own
CHROMIUM_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def test(_: list[str]) -> int:
    """Run everything but the browser tests, on SQLite or on the server in DATABASE_URL.

    Coverage is counted once, on SQLite. With ARGS only what they name, without coverage.
    """
    on_server = os.environ.get("DATABASE_URL", "").startswith("mysql:")
    development_environment(*(["mysql"] if on_server else []))
    node_env.build_frontend(LOG)
    counted = ["--cov", "--cov-report", "term:skip-covered", "--cov-fail-under", str(COVERAGE_PERCENT)]
    whole = ["-n", "auto", "--maxprocesses", str(MOST_PROCESSES), *([] if on_server else counted)]
    with scratch() as env:
        env["COVERAGE_FILE"] = str(Path(env["TMPDIR"]) / "coverage")
        return tool("python", "-m", "pytest", *(extra_arguments() or whole), env=env)


def e2e(_: list[str]) -> int:
    """Drive a real browser through a real instance; screenshots are kept for people to look at."""
    browser = find_chromium()
    development_environment()
    node_env.build_frontend(LOG)
    screenshots = Path(os.environ.get("CI_ARTIFACTS") or ROOT / "var" / "artifacts") / "screenshots"
    screenshots.mkdir(parents=True, exist_ok=True)
    with scratch() as env:
        env |= {"PAIBAN_CHROMIUM": browser, "PAIBAN_SCREENSHOTS": str(screenshots.resolve())}
        return tool("python", "-m", "pytest", "-m", "e2e", *(extra_arguments() or ["tests/e2e"]), env=env)


def find_chromium() -> str:
    """The browser: PAIBAN_CHROMIUM, else one on PATH. *Raises* `Failure` with how to get one."""
    given = os.environ.get("PAIBAN_CHROMIUM")
    found = given if given and os.access(given, os.X_OK) else None
    for name in () if given else CHROMIUM_NAMES:
        found = found or shutil.which(name)
    if found is None:
        raise Failure(
            f"{given or 'Chromium'} was not found. On Debian: apt install chromium fonts-noto-cjk. "
            "Elsewhere install Chromium or Chrome, or name it: PAIBAN_CHROMIUM=/path/to/chromium make e2e"
        )
    return found
